/** `/api/v1/acl`: the built-in rules, in their order, and the question what all sources together say of a client. */
import type { FastifyInstance } from 'fastify';
import type { Identity, Rule } from '../../actors/access/messages.ts';
import { ACL_RULES_MAX, ADMIN_PAGE_MAX, USER_GROUPS_MAX } from '../../base/limits.ts';
import { RULE_SCHEMA, readRule, readRules } from '../access/rule-schema.ts';
import type { RuleList } from '../security/rule-list.ts';
import { PAGE_QUERY, type PageQuery, pageOf } from './page.ts';
import { sendProblem } from './problem.ts';

const TEXT = { type: 'string', maxLength: 65_535 };
const POSITION = { type: 'integer', minimum: 0, maximum: ACL_RULES_MAX };
const NEW_RULE = {
  type: 'object',
  additionalProperties: false,
  required: ['rule'],
  properties: { rule: RULE_SCHEMA, position: POSITION },
};
const ALL_RULES = { type: 'object', additionalProperties: false, required: ['rules'], properties: { rules: { type: 'array' } } };
const QUESTION = {
  type: 'object',
  additionalProperties: false,
  required: ['action', 'topic'],
  properties: {
    client: TEXT,
    user: TEXT,
    address: TEXT,
    groups: { type: 'array', maxItems: USER_GROUPS_MAX, items: TEXT },
    listener: TEXT,
    action: { type: 'string', enum: ['publish', 'subscribe'] },
    topic: { ...TEXT, minLength: 1 },
    qos: { type: 'integer', minimum: 0, maximum: 2 },
    retain: { type: 'boolean' },
  },
};

export interface AccessQuestion {
  readonly action: 'publish' | 'subscribe';
  readonly topic: string;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
}

interface QuestionBody extends Partial<AccessQuestion> {
  readonly action: 'publish' | 'subscribe';
  readonly topic: string;
  readonly client?: string;
  readonly user?: string;
  readonly address?: string;
  readonly groups?: readonly string[];
  readonly listener?: string;
}

export type AskAccess = (identity: Identity, question: AccessQuestion) => Promise<boolean>;

export function addRuleRoutes(app: FastifyInstance, rules: RuleList, ask: AskAccess): void {
  app.get<{ Querystring: PageQuery }>('/api/v1/acl', { schema: { querystring: PAGE_QUERY } }, ({ query }) => {
    const { after, limit } = pageOf(query, ADMIN_PAGE_MAX);
    const { rules: listed, next } = rules.list(/^\d{1,9}$/.test(after) ? Number(after) : 0, limit);
    return { rules: listed, ...(next === undefined ? {} : { next: String(next) }) };
  });
  app.post<{ Body: { rule: Rule; position?: number } }>(
    '/api/v1/acl',
    { schema: { body: NEW_RULE } },
    async ({ body }, reply) => {
      const rule = readRule(body.rule);
      if (typeof rule === 'string') return sendProblem(reply, 400, 'SLUICE_HTTP_FAILED', rule);
      const id = await rules.add(rule, body.position);
      return reply.code(201).send({ id, rule });
    },
  );
  app.put<{ Body: { rules: unknown[] } }>('/api/v1/acl', { schema: { body: ALL_RULES } }, async ({ body }, reply) => {
    const all = readRules(body.rules);
    if (typeof all === 'string') return sendProblem(reply, 400, 'SLUICE_HTTP_FAILED', all);
    await rules.replaceAll(all);
    return { count: all.length };
  });
  app.delete<{ Params: { id: string } }>('/api/v1/acl/:id', async ({ params }, reply) => {
    const isThere = /^\d{1,15}$/.test(params.id) && (await rules.remove(Number(params.id)));
    return isThere ? reply.code(204).send() : sendProblem(reply, 404, 'SLUICE_HTTP_NOT_FOUND', 'there is no such rule');
  });
  app.post<{ Body: QuestionBody }>('/api/v1/acl/check', { schema: { body: QUESTION } }, async ({ body }) => {
    const { client = '', user = '', address = '127.0.0.1', groups = [], listener = '' } = body;
    const { action, topic, qos = 0, retain = false } = body;
    const identity: Identity = { clientId: client, username: user, address, groups, listener };
    const allowed = await ask(identity, { action, topic, qos, retain });
    return { allowed };
  });
}
