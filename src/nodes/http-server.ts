/**
 * The administrative HTTP listener, on the main thread: health, metrics, and what the node is doing, and the topics that are declared.
 * Errors are RFC 9457 problems with a `code` of the catalogue.
 */
import { type FastifyInstance, type FastifyReply, fastify } from 'fastify';
import { ERROR_CATALOGUE, type ErrorCode, isCoded } from '../base/errors.ts';
import { formatAddress } from './address.ts';
import { clusterHealth, type HealthReport, liveness, type NodeFacts, readiness } from './health.ts';
import { errorFields, type Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import { type ListenAddress, listenError } from './sockets/listening-socket.ts';
import type { TopicCatalogue } from './topics/catalogue.ts';
import { addTopicRoutes } from './topics/routes.ts';

export interface HttpSources {
  readonly facts: () => NodeFacts;
  readonly metrics: Metrics;
  /** `/api/v1/node`. */
  readonly describeNode: () => unknown;
  /** `/api/v1/config`, as JSON. */
  readonly describeConfig: () => string;
  /** The declared topics; undefined while the node starts and when it keeps nothing on disk. */
  readonly topics: () => TopicCatalogue | undefined;
  /** `/api/v1/actors`: the inspection of every thread. */
  readonly inspectActors: () => Promise<unknown>;
}

export interface HttpListener {
  /** `host:port`, resolved. */
  readonly address: string;
  close(): Promise<void>;
}

/** Requests carry no body here, milliseconds and bytes are for clients that mean ill. */
const BODY_BYTES_MAX = 16_384;
const REQUEST_MS_MAX = 10_000;
const CONNECTIONS_MAX = 256;

function sendHealth(reply: FastifyReply, report: HealthReport): FastifyReply {
  return reply.code(report.status === 'ok' ? 200 : 503).send(report);
}

function sendProblem(reply: FastifyReply, status: number, code: ErrorCode, detail: string): FastifyReply {
  const problem = { type: 'about:blank', title: code, status, code, detail, help: ERROR_CATALOGUE[code] };
  return reply.code(status).type('application/problem+json').send(JSON.stringify(problem));
}

function addRoutes(app: FastifyInstance, sources: HttpSources): void {
  app.get('/health/live', (_request, reply) => sendHealth(reply, liveness(sources.facts())));
  app.get('/health/ready', (_request, reply) => sendHealth(reply, readiness(sources.facts())));
  app.get('/health/cluster', (_request, reply) => sendHealth(reply, clusterHealth(sources.facts())));
  app.get('/metrics', async (_request, reply) => reply.type(sources.metrics.contentType).send(await sources.metrics.render()));
  app.get('/api/v1/node', () => sources.describeNode());
  app.get('/api/v1/config', (_request, reply) => reply.type('application/json').send(sources.describeConfig()));
  app.get('/api/v1/actors', () => sources.inspectActors());
  addTopicRoutes(app, sources.topics);
}

/** What an error of a request means in HTTP; others are the node's own failures. */
const STATUS_OF: Partial<Record<ErrorCode, number>> = {
  SLUICE_TOPIC_UNKNOWN: 404,
  SLUICE_TOPIC_EXISTS: 409,
  SLUICE_TOPIC_LIMIT: 409,
  SLUICE_TOPIC_INVALID: 400,
  SLUICE_HTTP_UNAVAILABLE: 503,
  SLUICE_STORAGE_FULL: 507,
};

export async function startHttp(address: ListenAddress, sources: HttpSources, log: Log): Promise<HttpListener> {
  const app = fastify({
    logger: false,
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: REQUEST_MS_MAX,
    forceCloseConnections: true,
    exposeHeadRoutes: true,
  });
  app.server.maxConnections = CONNECTIONS_MAX;
  addRoutes(app, sources);
  app.setNotFoundHandler((request, reply) =>
    sendProblem(reply, 404, 'SLUICE_HTTP_NOT_FOUND', `${request.method} ${request.url.slice(0, 200)}: there is no such resource`),
  );
  app.setErrorHandler((error, request, reply) => {
    if (isCoded(error)) return sendProblem(reply, STATUS_OF[error.code] ?? 500, error.code, error.message);
    const status = (error as { statusCode?: number }).statusCode ?? 500;
    if (status >= 500) log.error({ url: request.url, ...errorFields(error) }, 'an administrative request failed');
    return sendProblem(reply, status, 'SLUICE_HTTP_FAILED', status >= 500 ? 'see the log of the node' : (error as Error).message);
  });
  try {
    await app.listen({ host: address.host, port: address.port });
  } catch (error) {
    await app.close();
    throw listenError(address, error);
  }
  const bound = app.server.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : address.port;
  return { address: formatAddress(address.host, port), close: () => app.close() };
}
