/** `/api/v1/bridges`: how the bridges of the node are. */
import type { FastifyInstance } from 'fastify';
import { sendProblem } from '../admin/problem.ts';
import type { BridgeView } from './bridge.ts';
import type { Bridges } from './bridges.ts';

export interface BridgeList {
  readonly bridges: readonly BridgeView[];
}

export function addBridgeRoutes(app: FastifyInstance, bridges: Bridges): void {
  app.get('/api/v1/bridges', (): BridgeList => ({ bridges: bridges.list() }));
  app.get<{ Params: { readonly name: string } }>('/api/v1/bridges/:name', ({ params }, reply) => {
    const view = bridges.list().find(({ name }) => name === params.name);
    return view ?? sendProblem(reply, 404, 'SLUICE_HTTP_NOT_FOUND', 'there is no such bridge');
  });
}
