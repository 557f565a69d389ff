/** `/api/v1/traces`: what clients and topics do, line by line. */
import type { FastifyInstance, FastifyReply } from 'fastify';
import { TRACE_SECONDS_MAX } from '../../base/limits.ts';
import { parseFilter } from '../../wire/mqtt/topics.ts';
import { sendProblem } from '../admin/problem.ts';
import type { TraceBook } from './trace-book.ts';

const NAME = { type: 'string', pattern: '^[A-Za-z0-9_-]{1,64}$' };
const NEW_TRACE = {
  type: 'object',
  additionalProperties: false,
  required: ['name', 'kind', 'value'],
  properties: {
    name: NAME,
    kind: { type: 'string', enum: ['client', 'topic', 'address'] },
    value: { type: 'string', minLength: 1, maxLength: 65_535 },
    seconds: { type: 'integer', minimum: 1, maximum: TRACE_SECONDS_MAX },
    payload: { type: 'boolean' },
  },
};
const BY_NAME = { type: 'object', required: ['name'], properties: { name: NAME } };
const SECONDS = 600;
const LINES = 'application/x-ndjson; charset=utf-8';

interface NewTrace {
  readonly name: string;
  readonly kind: 'client' | 'topic' | 'address';
  readonly value: string;
  readonly seconds?: number;
  readonly payload?: boolean;
}

interface ByName {
  readonly Params: { readonly name: string };
}

export function addTraceRoutes(app: FastifyInstance, traces: TraceBook): void {
  app.get('/api/v1/traces', () => ({ traces: traces.list() }));
  app.post<{ Body: NewTrace }>('/api/v1/traces', { schema: { body: NEW_TRACE } }, ({ body }, reply) => {
    const { name, kind, value, seconds = SECONDS, payload = false } = body;
    const parsed = kind === 'topic' ? parseFilter(value) : undefined;
    if (kind === 'topic' && parsed?.filter !== value)
      return sendProblem(reply, 400, 'SLUICE_HTTP_INVALID', `'${value}' is no plain topic filter`);
    return reply.code(201).send(traces.start({ name, kind, value, payload }, seconds));
  });
  app.get<ByName>('/api/v1/traces/:name', { schema: { params: BY_NAME } }, ({ params }, reply) =>
    sendLines(reply, traces.read(params.name)),
  );
  app.get<ByName>('/api/v1/traces/:name/live', { schema: { params: BY_NAME } }, ({ params }, reply) =>
    sendLines(reply, traces.follow(params.name)),
  );
  app.post<ByName>('/api/v1/traces/:name/stop', { schema: { params: BY_NAME } }, ({ params }, reply) =>
    traces.stop(params.name) ? reply.code(204).send() : unknown(reply),
  );
  app.delete<ByName>('/api/v1/traces/:name', { schema: { params: BY_NAME } }, ({ params }, reply) =>
    traces.delete(params.name) ? reply.code(204).send() : unknown(reply),
  );
}

function sendLines(reply: FastifyReply, lines: NodeJS.ReadableStream | undefined): FastifyReply {
  return lines === undefined ? unknown(reply) : reply.type(LINES).send(lines);
}

function unknown(reply: FastifyReply): FastifyReply {
  return sendProblem(reply, 404, 'SLUICE_HTTP_NOT_FOUND', 'there is no such trace, or it does not run any more');
}
