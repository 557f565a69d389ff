/** An access rule as users write it, in a file, in a token or over HTTP: what it may look like, checked before any of it is kept. */
import { parseAddressBlock } from '../../actors/access/address-list.ts';
import type { Rule } from '../../actors/access/messages.ts';
import { ACL_RULE_ITEMS_MAX, ACL_RULES_MAX } from '../../base/limits.ts';
import { parseFilter } from '../../wire/mqtt/topics.ts';
import { validatorOf } from '../json-schema.ts';

const NAME = { type: 'string', maxLength: 65_535 } as const;
const names = { type: 'array', minItems: 1, maxItems: ACL_RULE_ITEMS_MAX as number, items: NAME as typeof NAME } as const;

/** JSON Schema of one rule. */
export const RULE_SCHEMA = {
  type: 'object',
  additionalProperties: false,
  required: ['permission', 'action'],
  properties: {
    permission: { type: 'string', enum: ['allow', 'deny'] },
    action: { type: 'string', enum: ['publish', 'subscribe', 'all'] },
    topics: {
      type: 'array',
      minItems: 1,
      maxItems: ACL_RULE_ITEMS_MAX as number,
      items: { type: 'string', minLength: 1, maxLength: 65_535 },
    },
    clients: names as typeof names,
    users: names as typeof names,
    groups: names as typeof names,
    addresses: names as typeof names,
    listeners: names as typeof names,
    qos: { type: 'array', minItems: 1, maxItems: 3, items: { type: 'integer', minimum: 0, maximum: 2 } },
    retain: { type: 'boolean' },
  },
} as const;

const validate = validatorOf(RULE_SCHEMA);

/** The rule, or in words what is wrong with it. */
export function readRule(value: unknown): Rule | string {
  if (!validate(value)) {
    const error = validate.errors?.[0];
    return `${error?.instancePath.slice(1).replaceAll('/', '.') || 'the rule'} ${error?.message ?? 'is not valid'}`;
  }
  const rule = value as Rule;
  const topic = rule.topics?.find((text) => !text.startsWith('eq ') && parseFilter(text) === undefined);
  if (topic !== undefined) return `topics: ${JSON.stringify(topic.slice(0, 100))} is not a topic filter`;
  const address = rule.addresses?.find((text) => parseAddressBlock(text) === undefined);
  if (address !== undefined) return `addresses: ${JSON.stringify(address.slice(0, 100))} is neither an address nor a CIDR block`;
  return rule;
}

/** All of the rules, or in words what is wrong with the first that is not one. */
export function readRules(values: unknown): Rule[] | string {
  if (!Array.isArray(values)) return 'is not a list of rules';
  if (values.length > ACL_RULES_MAX) return `holds more than ${ACL_RULES_MAX} rules`;
  const rules: Rule[] = [];
  for (const [index, value] of values.entries()) {
    const rule = readRule(value);
    if (typeof rule === 'string') return `rule ${index + 1}: ${rule}`;
    rules.push({ ...rule });
  }
  return rules;
}
