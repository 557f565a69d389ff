/** `/api/v1/delayed`: messages that wait for their time, reactor by reactor. */
import type { FastifyInstance } from 'fastify';
import type { DelayedPage, DelayedRequest, DelayedView } from '../../actors/delayed/messages.ts';
import { WELL_KNOWN } from '../../actors/well-known.ts';
import { ADMIN_PAGE_MAX } from '../../base/limits.ts';
import { placeKey } from '../../runtime/placement.ts';
import type { ActorSystem } from '../../runtime/system.ts';
import { PAGE_QUERY, type PageQuery, pageOf } from '../admin/page.ts';
import { sendProblem } from '../admin/problem.ts';
import { askReactor, type SystemSource, systemOf } from './ask-reactor.ts';

export interface DelayedList {
  readonly messages: readonly DelayedView[];
  /** All that wait. */
  readonly total: number;
  /** `after` of the next page; absent on the last. */
  readonly next?: string;
}

export function addDelayedRoutes(app: FastifyInstance, system: SystemSource): void {
  app.get<{ Querystring: PageQuery }>('/api/v1/delayed', { schema: { querystring: PAGE_QUERY } }, ({ query }) => {
    const { after, limit } = pageOf(query, ADMIN_PAGE_MAX);
    return listDelayed(systemOf(system), after, limit);
  });
  app.delete<{ Params: { id: string } }>('/api/v1/delayed/:id', async ({ params }, reply) => {
    const running = systemOf(system);
    const isGone = await ask<boolean>(running, placeKey(params.id, running.reactors), { type: 'delete', id: params.id });
    if (!isGone) return sendProblem(reply, 404, 'SLUICE_HTTP_NOT_FOUND', 'there is no such delayed message');
    return reply.code(204).send();
  });
}

/** The id of a message says on which reactor it waits, so it is a cursor over all of them. */
async function listDelayed(system: ActorSystem, after: string, limit: number): Promise<DelayedList> {
  const first = after === '' ? 1 : placeKey(after, system.reactors);
  const messages: DelayedView[] = [];
  let total = 0;
  let isMore = false;
  for (let thread = 1; thread <= system.reactors; thread++) {
    const room = thread < first ? 0 : limit - messages.length;
    const page = await ask<DelayedPage>(system, thread, {
      type: 'list',
      limit: room + 1,
      ...(thread === first && after !== '' ? { after } : {}),
    });
    total += page.total;
    if (thread < first) continue;
    messages.push(...page.messages.slice(0, room));
    isMore ||= page.messages.length > room;
  }
  const next = messages.at(-1)?.id;
  return { messages, total, ...(isMore && next !== undefined ? { next } : {}) };
}

function ask<R>(system: ActorSystem, thread: number, request: DelayedRequest): Promise<R> {
  return askReactor<R>(system, thread, WELL_KNOWN.delayed, request);
}
