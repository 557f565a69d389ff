/** The configuration of what goes beyond the standard on the way in, in the form in which reactors take it. Throws SLUICE_CONFIG_BAD_VALUE for a rule that is none. */

import type { AutoSubscription } from '../../actors/intake/auto-subscribe.ts';
import type { IntakeOptions } from '../../actors/intake/intake.ts';
import type { RewriteRule } from '../../actors/intake/rewrite.ts';
import { TopicTemplate } from '../../actors/intake/template.ts';
import type { PayloadSchema } from '../../actors/payload/schema.ts';
import { SluiceError } from '../../base/errors.ts';
import { AUTO_SUBSCRIPTIONS_MAX, REWRITE_RULES_MAX } from '../../base/limits.ts';
import { LinearRegex, RegexError } from '../../base/linear-regex.ts';
import type { Qos } from '../../wire/mqtt/constants.ts';
import { isTopicName, parseFilter } from '../../wire/mqtt/topics.ts';
import type { Config } from '../config/schema.ts';

/** `schemas`: of readPayloadSchemas, which takes its time. */
export function intakeOptions({ mqtt }: Config, reactors: number, schemas: readonly PayloadSchema[] = []): IntakeOptions {
  const { delayed, rewrite, auto_subscribe: auto } = mqtt;
  const rules = [
    ...rewrite.publish.map((text) => rewriteRule('publish', text)),
    ...rewrite.subscribe.map((text) => rewriteRule('subscribe', text)),
    ...rewrite.both.map((text) => rewriteRule('all', text)),
  ];
  if (rules.length > REWRITE_RULES_MAX)
    throw bad('mqtt.rewrite', `${rules.length} rules`, `there are at most ${REWRITE_RULES_MAX}`);
  if (auto.length > AUTO_SUBSCRIPTIONS_MAX)
    throw bad('mqtt.auto_subscribe', `${auto.length} filters`, `there are at most ${AUTO_SUBSCRIPTIONS_MAX}`);
  return {
    rewrite: rules,
    autoSubscribe: auto.map(autoSubscription),
    exclusive: mqtt.exclusive_available,
    schemas,
    retained: { bytesMax: mqtt.retained.message_bytes_max, expiryMs: mqtt.retained.expiry_s * 1000 },
    delayed: delayed.enabled
      ? {
          messagesMax: Math.ceil(delayed.messages_max / reactors),
          bytesMax: Math.ceil(delayed.bytes_max / reactors),
          secondsMax: delayed.seconds_max,
        }
      : null,
  };
}

function rewriteRule(action: RewriteRule['action'], text: string): RewriteRule {
  const key = `mqtt.rewrite.${action === 'all' ? 'both' : action}`;
  const [filter, pattern, to] = text.split(' ') as [string, string, string];
  const parsed = parseFilter(filter);
  if (parsed === undefined || parsed.filter !== filter) throw bad(key, text, `${filter} is no plain topic filter`);
  const groups = groupsOf(key, text, pattern);
  const template = new TopicTemplate(to);
  if (template.groups > groups) throw bad(key, text, `there is no group ${template.groups} in the pattern`);
  const sample = Buffer.from(template.fill([], { clientId: 'c', username: 'u' }) ?? '');
  if (action !== 'subscribe' && sample.length > 0 && !isTopicName(sample, 0, sample.length))
    throw bad(key, text, `${to} is no topic name`);
  return { action, filter, pattern, to };
}

function groupsOf(key: string, text: string, pattern: string): number {
  try {
    return new LinearRegex(pattern).groups;
  } catch (error) {
    if (error instanceof RegexError) throw bad(key, text, `its pattern: ${error.message}`);
    throw error;
  }
}

function autoSubscription(text: string): AutoSubscription {
  const [filter, ...options] = text.split(' ') as [string, ...string[]];
  const sample = new TopicTemplate(filter).fill([], { clientId: 'c', username: 'u' });
  if (sample === undefined || parseFilter(sample) === undefined)
    throw bad('mqtt.auto_subscribe', text, `${filter} is no topic filter`);
  const numberOf = (name: string): number =>
    Number(options.find((each) => each.startsWith(`${name}=`))?.slice(name.length + 1) ?? 0);
  return {
    filter,
    qos: numberOf('qos') as Qos,
    noLocal: options.includes('no_local'),
    retainAsPublished: options.includes('retain_as_published'),
    retainHandling: numberOf('retain_handling') as 0 | 1 | 2,
  };
}

function bad(key: string, value: string, why: string): SluiceError {
  return new SluiceError('SLUICE_CONFIG_BAD_VALUE', `${key} = ${JSON.stringify(value)}: ${why}`);
}
