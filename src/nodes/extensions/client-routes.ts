/** `/api/v1/clients`: who is connected or has a session, and what an operator may do to them. */
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { ClientDetails, ClientIds, ClientList, ClientsMessage, ClientView } from '../../actors/clients/messages.ts';
import { WELL_KNOWN } from '../../actors/well-known.ts';
import { ADMIN_PAGE_MAX } from '../../base/limits.ts';
import type { ActorSystem } from '../../runtime/system.ts';
import type { SubscribeEntry } from '../../wire/mqtt/packets.ts';
import { reasonName } from '../../wire/mqtt/reason-codes.ts';
import { parseFilter } from '../../wire/mqtt/topics.ts';
import { pageOf } from '../admin/page.ts';
import { sendProblem } from '../admin/problem.ts';
import { askReactors, type SystemSource, systemOf } from './ask-reactor.ts';

export interface ClientPage {
  readonly clients: readonly ClientView[];
  readonly total: number;
  readonly next?: string;
}

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
  },
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

export function addClientRoutes(app: FastifyInstance, source: SystemSource): void {
  app.get<{ Querystring: { after?: string; limit?: string; like?: string } }>(
    '/api/v1/clients',
    { schema: { querystring: QUERY } },
    ({ query }) => listClients(systemOf(source), pageOf(query, ADMIN_PAGE_MAX), query.like ?? ''),
  );
  app.get<ByClient>('/api/v1/clients/:clientId', async ({ params }, reply) => {
    const found = await first<ClientDetails>(systemOf(source), { type: 'show', clientId: params.clientId });
    return found ?? unknown(reply);
  });
  app.delete<ByClient & { Querystring: { session?: string } }>('/api/v1/clients/:clientId', async ({ params, query }, reply) => {
    const kick: ClientsMessage = { type: 'kick', clientId: params.clientId, discard: query.session === 'discard' };
    const found = await first<boolean>(systemOf(source), kick);
    return found === true ? reply.code(204).send() : unknown(reply);
  });
  app.post<ByClient & { Body: NewSubscription }>(
    '/api/v1/clients/:clientId/subscriptions',
    { schema: { body: NEW_SUBSCRIPTION } },
    async ({ params, body }, reply) => {
      if (parseFilter(body.topic) === undefined)
        return sendProblem(reply, 400, 'SLUICE_HTTP_INVALID', `'${body.topic}' is no topic filter`);
      const message: ClientsMessage = { type: 'subscribe', clientId: params.clientId, entries: [entryOf(body)] };
      const reasons = await first<readonly number[]>(systemOf(source), message);
      if (reasons === undefined) return unknown(reply);
      const reason = reasons[0]!;
      if (reason > 2)
        return sendProblem(reply, 409, 'SLUICE_HTTP_CONFLICT', `the subscription is refused: ${reasonName(reason)}`);
      return reply.code(201).send({ topic: body.topic, qos: reason });
    },
  );
  app.delete<{ Params: { clientId: string; filter: string } }>(
    '/api/v1/clients/:clientId/subscriptions/:filter',
    async ({ params }, reply) => {
      const message: ClientsMessage = { type: 'unsubscribe', clientId: params.clientId, filters: [params.filter] };
      const reasons = await first<readonly number[]>(systemOf(source), message);
      if (reasons === undefined) return unknown(reply);
      if (reasons[0] !== 0) return sendProblem(reply, 404, 'SLUICE_HTTP_NOT_FOUND', 'it has no such subscription');
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

/** In the order of the client ids, over all reactors. */
async function listClients(
  system: ActorSystem,
  { after, limit }: { after: string; limit: number },
  like: string,
): Promise<ClientPage> {
  const wanted: ClientsMessage = { type: 'ids', after, limit: limit + 1, like };
  const answers = await askReactors<ClientIds>(system, WELL_KNOWN.clients, wanted);
  const ids = answers.flatMap(({ clientIds }) => clientIds).sort();
  const clientIds = ids.slice(0, limit);
  const lists = await askReactors<ClientList>(system, WELL_KNOWN.clients, { type: 'describe', clientIds });
  const clients = lists.flatMap((list) => list.clients).sort((a, b) => (a.clientId < b.clientId ? -1 : 1));
  const total = answers.reduce((sum, each) => sum + each.total, 0);
  return { clients, total, ...(ids.length > limit ? { next: clientIds.at(-1)! } : {}) };
}

/** The answer of the reactor that has the client. */
async function first<R>(system: ActorSystem, message: ClientsMessage): Promise<R | undefined> {
  const answers = await askReactors<R | null | false>(system, WELL_KNOWN.clients, message);
  return (answers.find((answer) => answer !== null && answer !== false) as R | undefined) ?? undefined;
}

function unknown(reply: FastifyReply): FastifyReply {
  return sendProblem(reply, 404, 'SLUICE_HTTP_NOT_FOUND', 'there is no such client, and no session of it');
}
