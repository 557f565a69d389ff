/**
 * `/api/v1/listeners` and `/api/v1/certificates`: what listens, stopping and starting it, and renewing certificates. What changes something takes a JSON object,
 * if an empty one: a web page cannot send that to another origin without being asked.
 */
import type { FastifyInstance } from 'fastify';
import type { ListenerManager } from './manager.ts';

const NOTHING = { type: 'object', additionalProperties: false, properties: {} };
const STOP = { type: 'object', additionalProperties: false, properties: { disconnect: { type: 'boolean' } } };

interface Named {
  readonly Params: { readonly name: string };
}

export function addListenerRoutes(app: FastifyInstance, listeners: ListenerManager): void {
  const path = '/api/v1/listeners';
  const describe = (): unknown => ({ listeners: listeners.describe() });
  app.get(path, describe);
  app.post<Named>(`${path}/:name/start`, { schema: { body: NOTHING } }, async ({ params }) => {
    await listeners.start(params.name);
    return describe();
  });
  app.post<Named & { Body: { disconnect?: boolean } }>(
    `${path}/:name/stop`,
    { schema: { body: STOP } },
    async ({ params, body }) => {
      await listeners.stop(params.name, body.disconnect === true);
      return describe();
    },
  );
  app.post('/api/v1/certificates/renew', { schema: { body: NOTHING } }, async () => {
    await listeners.renew();
    return describe();
  });
}
