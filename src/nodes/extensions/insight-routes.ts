/** `/api/v1/topic-metrics` and `/api/v1/slow-subscribers`. */
import type { FastifyInstance } from 'fastify';
import type { SlowList } from '../../actors/insight/messages.ts';
import type { SlowEntry } from '../../actors/insight/slow-top.ts';
import { WELL_KNOWN } from '../../actors/well-known.ts';
import { sendProblem } from '../admin/problem.ts';
import { askReactors, type SystemSource, systemOf } from './ask-reactor.ts';
import type { TopicMeters } from './topic-meters.ts';

const NEW_METER = {
  type: 'object',
  additionalProperties: false,
  required: ['filter'],
  properties: { filter: { type: 'string', minLength: 1, maxLength: 65_535 } },
};

interface ByFilter {
  readonly Params: { readonly filter: string };
}

export function addInsightRoutes(app: FastifyInstance, system: SystemSource, meters: TopicMeters, slowMax: number): void {
  app.get('/api/v1/topic-metrics', () => ({ metrics: meters.list() }));
  app.post<{ Body: { filter: string } }>('/api/v1/topic-metrics', { schema: { body: NEW_METER } }, async ({ body }, reply) => {
    await meters.add(body.filter);
    return reply.code(201).send(meters.find(body.filter));
  });
  app.get<ByFilter>('/api/v1/topic-metrics/:filter', ({ params }, reply) => meters.find(params.filter) ?? unknown(reply));
  app.put<ByFilter>('/api/v1/topic-metrics/:filter/reset', ({ params }, reply) =>
    meters.reset(params.filter) ? reply.code(204).send() : unknown(reply),
  );
  app.delete<ByFilter>('/api/v1/topic-metrics/:filter', async ({ params }, reply) =>
    (await meters.remove(params.filter)) ? reply.code(204).send() : unknown(reply),
  );
  app.get('/api/v1/slow-subscribers', async () => {
    const lists = await askReactors<SlowList>(systemOf(system), WELL_KNOWN.insight, { type: 'slow' });
    const clients: SlowEntry[] = lists.flatMap((list) => list.clients).sort((a, b) => b.latencyMs - a.latencyMs);
    return { clients: clients.slice(0, slowMax) };
  });
  app.delete('/api/v1/slow-subscribers', async (_request, reply) => {
    await askReactors(systemOf(system), WELL_KNOWN.insight, { type: 'clear-slow' });
    return reply.code(204).send();
  });
}

function unknown(reply: Parameters<typeof sendProblem>[0]): ReturnType<typeof sendProblem> {
  return sendProblem(reply, 404, 'SLUICE_HTTP_NOT_FOUND', 'that filter is not counted');
}
