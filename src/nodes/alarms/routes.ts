/** `/api/v1/alarms`: what is wrong with the node, and what was. An operator may raise and lift alarms of his own as well. */
import type { FastifyInstance } from 'fastify';
import { sendProblem } from '../admin/problem.ts';
import type { Alarms } from './alarms.ts';

const NEW_ALARM = {
  type: 'object',
  additionalProperties: false,
  required: ['name', 'message'],
  properties: {
    name: { type: 'string', pattern: '^[a-z][a-z0-9_]{0,62}$' },
    message: { type: 'string', minLength: 1, maxLength: 1024 },
    details: { type: 'object' },
  },
};

interface NewAlarm {
  readonly name: string;
  readonly message: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

export function addAlarmRoutes(app: FastifyInstance, alarms: Alarms): void {
  app.get('/api/v1/alarms', () => ({ active: alarms.book.active, history: alarms.book.history }));
  app.post<{ Body: NewAlarm }>('/api/v1/alarms', { schema: { body: NEW_ALARM } }, ({ body }, reply) => {
    alarms.activate(body.name, body.message, body.details ?? {});
    if (!alarms.book.isActive(body.name)) return sendProblem(reply, 409, 'SLUICE_HTTP_CONFLICT', 'there are too many alarms');
    return reply.code(201).send({ active: body.name });
  });
  app.delete('/api/v1/alarms/history', (_request, reply) => {
    alarms.book.clearHistory();
    return reply.code(204).send();
  });
  app.delete<{ Params: { name: string } }>('/api/v1/alarms/:name', ({ params }, reply) => {
    if (!alarms.deactivate(params.name)) return sendProblem(reply, 404, 'SLUICE_HTTP_NOT_FOUND', 'there is no such alarm');
    return reply.code(204).send();
  });
}
