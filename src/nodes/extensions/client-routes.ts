/** `/api/v1/clients`: who is connected or has a session, and what an operator may do to them. */
import type { FastifyInstance, FastifyReply } from 'fastify';
import { ADMIN_PAGE_MAX } from '../../base/limits.ts';
import type { SubscribeEntry } from '../../wire/mqtt/packets.ts';
import { reasonName } from '../../wire/mqtt/reason-codes.ts';
import { parseFilter } from '../../wire/mqtt/topics.ts';
import { pageOf } from '../admin/page.ts';
import { sendProblem } from '../admin/problem.ts';
import { type SystemSource, systemOf } from './ask-reactor.ts';
import { type Acted, actOnClient, listClients, type Neighbours } from './cluster-clients.ts';

interface ByClient {
  readonly Params: { readonly clientId: string };
}

interface NewSubscription {
  readonly topic: string;
  readonly qos?: 0 | 1 | 2;
  readonly noLocal?: boolean;
  readonly retainAsPublished?: boolean;
  readonly retainHandling?: 0 | 1 | 2;
}

const QUERY = {
  type: 'object',
  additionalProperties: false,
  properties: {
    after: { type: 'string', maxLength: 65_535 },
    limit: { type: 'string', pattern: '^[1-9][0-9]{0,8}$' },
    like: { type: 'string', maxLength: 65_535 },
    scope: { type: 'string', enum: ['cluster', 'node'] },
  },
};
const SCOPE = {
  type: 'object',
  additionalProperties: false,
  properties: { scope: QUERY.properties.scope, session: { type: 'string', maxLength: 64 } },
};
const NEW_SUBSCRIPTION = {
  type: 'object',
  additionalProperties: false,
  required: ['topic'],
  properties: {
    topic: { type: 'string', minLength: 1, maxLength: 65_535 },
    qos: { type: 'integer', minimum: 0, maximum: 2 },
    noLocal: { type: 'boolean' },
    retainAsPublished: { type: 'boolean' },
    retainHandling: { type: 'integer', minimum: 0, maximum: 2 },
  },
};

interface Scope {
  readonly scope?: 'cluster' | 'node';
}

/** `neighbours`: of the node, as far as it has any now. */
export function addClientRoutes(app: FastifyInstance, source: SystemSource, neighbours: () => Neighbours): void {
  const within = ({ scope }: Scope): Neighbours => (scope === 'node' ? { ...neighbours(), others: [] } : neighbours());
  const act = (query: Scope, request: Parameters<typeof actOnClient>[2]): Promise<Acted | undefined> =>
    actOnClient(systemOf(source), within(query), request);

  app.get<{ Querystring: Scope & { after?: string; limit?: string; like?: string } }>(
    '/api/v1/clients',
    { schema: { querystring: QUERY } },
    ({ query }) => listClients(systemOf(source), within(query), { ...pageOf(query, ADMIN_PAGE_MAX), like: query.like ?? '' }),
  );
  app.get<ByClient & { Querystring: Scope }>(
    '/api/v1/clients/:clientId',
    { schema: { querystring: SCOPE } },
    async ({ params, query }, reply) => {
      const found = await act(query, { clientId: params.clientId, action: 'show' });
      return found === undefined ? unknown(reply) : { ...found.clients[0], subscriptions: found.subscriptions };
    },
  );
  app.delete<ByClient & { Querystring: Scope & { session?: string } }>(
    '/api/v1/clients/:clientId',
    { schema: { querystring: SCOPE } },
    async ({ params, query }, reply) => {
      const action = query.session === 'discard' ? 'discard' : 'kick';
      const found = await act(query, { clientId: params.clientId, action });
      return found === undefined ? unknown(reply) : reply.code(204).send();
    },
  );
  app.post<ByClient & { Body: NewSubscription }>(
    '/api/v1/clients/:clientId/subscriptions',
    { schema: { body: NEW_SUBSCRIPTION } },
    async ({ params, body }, reply) => {
      if (parseFilter(body.topic) === undefined)
        return sendProblem(reply, 400, 'SLUICE_HTTP_INVALID', `'${body.topic}' is no topic filter`);
      const found = await act({}, { clientId: params.clientId, action: 'subscribe', entries: [entryOf(body)] });
      if (found === undefined) return unknown(reply);
      const reason = found.reasons[0]!;
      if (reason > 2)
        return sendProblem(reply, 409, 'SLUICE_HTTP_CONFLICT', `the subscription is refused: ${reasonName(reason)}`);
      return reply.code(201).send({ topic: body.topic, qos: reason });
    },
  );
  app.delete<{ Params: { clientId: string; filter: string } }>(
    '/api/v1/clients/:clientId/subscriptions/:filter',
    async ({ params }, reply) => {
      const found = await act({}, { clientId: params.clientId, action: 'unsubscribe', filters: [params.filter] });
      if (found === undefined) return unknown(reply);
      if (found.reasons[0] !== 0) return sendProblem(reply, 404, 'SLUICE_HTTP_NOT_FOUND', 'it has no such subscription');
      return reply.code(204).send();
    },
  );
}

function entryOf({
  topic,
  qos = 0,
  noLocal = false,
  retainAsPublished = false,
  retainHandling = 0,
}: NewSubscription): SubscribeEntry {
  return { filter: topic, qos, noLocal, retainAsPublished, retainHandling };
}

function unknown(reply: FastifyReply): FastifyReply {
  return sendProblem(reply, 404, 'SLUICE_HTTP_NOT_FOUND', 'there is no such client, and no session of it');
}
