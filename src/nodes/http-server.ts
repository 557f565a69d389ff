/**
 * The administrative HTTP listener, on the main thread: health, metrics, what the node is doing, and what is managed while it runs, declared topics among it. Who may ask is the guard's to
 * say; what changes something goes into the audit log. Errors are RFC 9457 problems with a `code` of the catalogue.
 */
import { type FastifyInstance, type FastifyReply, type FastifyRequest, type FastifyServerOptions, fastify } from 'fastify';
import { formatAddress } from './address.ts';
import type { AuditLog } from './admin/audit-log.ts';
import type { AdminGuard } from './admin/guard.ts';
import { problemOf, sendProblem } from './admin/problem.ts';
import { clusterHealth, type HealthReport, liveness, type NodeFacts, readiness } from './health.ts';
import { fillingValidatorOf, type Validator } from './json-schema.ts';
import { errorFields, type Log } from './log.ts';
import type { NodeMeta } from './meta/node-meta.ts';
import { addMetaRoutes } from './meta/routes.ts';
import type { Metrics } from './metrics.ts';
import type { NodeGroups } from './raft/node-groups.ts';
import { addRaftRoutes } from './raft/routes.ts';
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
  /** The replicated groups; undefined while the node starts and when it holds none. */
  readonly groups: () => NodeGroups | undefined;
  /** The metadata; undefined as the groups are. */
  readonly meta: () => NodeMeta | undefined;
  /** `/api/v1/actors`: the inspection of every thread. */
  readonly inspectActors: () => Promise<unknown>;
}

/** Who may use it, what is written down of that, and the routes of what is managed. */
export interface HttpAdmin {
  readonly guard: AdminGuard;
  readonly audit: AuditLog;
  readonly addRoutes: (app: FastifyInstance) => void;
}

export interface HttpListener {
  /** `host:port`, resolved. */
  readonly address: string;
  close(): Promise<void>;
}

/** The largest body is all rules at once; milliseconds and connections are for clients that mean ill. */
const BODY_BYTES_MAX: number = 16 * 1024 * 1024;
const REQUEST_MS_MAX = 10_000;
const CONNECTIONS_MAX = 256;
/** Of a path in the audit log. */
const PATH_CHARS_MAX = 2048;

function sendHealth(reply: FastifyReply, report: HealthReport): FastifyReply {
  return reply.code(report.status === 'ok' ? 200 : 503).send(report);
}

function addRoutes(app: FastifyInstance, sources: HttpSources): void {
  app.get('/health/live', (_request, reply) => sendHealth(reply, liveness(sources.facts())));
  app.get('/health/ready', (_request, reply) => sendHealth(reply, readiness(sources.facts())));
  app.get('/health/cluster', async (_request, reply) =>
    sendHealth(
      reply,
      clusterHealth(
        sources.facts(),
        await sources
          .groups()
          ?.overview()
          .catch(() => null),
      ),
    ),
  );
  app.get('/metrics', async (_request, reply) => reply.type(sources.metrics.contentType).send(await sources.metrics.render()));
  app.get('/api/v1/node', () => sources.describeNode());
  app.get('/api/v1/config', (_request, reply) => reply.type('application/json').send(sources.describeConfig()));
  app.get('/api/v1/actors', () => sources.inspectActors());
  addTopicRoutes(app, sources.topics);
  addRaftRoutes(app, sources.groups);
  addMetaRoutes(app, sources.meta);
}

function addAdmin(app: FastifyInstance, { guard, audit, addRoutes: addMore }: HttpAdmin): void {
  app.addHook('onRequest', (request, reply) => guard.check(request, reply));
  app.addHook('onResponse', async (request, reply) => {
    if (changesSomething(request)) audit.record(describeAction(request, reply));
  });
  addMore(app);
}

function changesSomething({ method }: FastifyRequest): boolean {
  return method !== 'GET' && method !== 'HEAD' && method !== 'OPTIONS';
}

function describeAction(
  { method, url, ip, admin }: FastifyRequest,
  { statusCode }: FastifyReply,
): Parameters<AuditLog['record']>[0] {
  return { who: admin ?? 'nobody', from: ip, method, path: url.split('?', 1)[0]!.slice(0, PATH_CHARS_MAX), status: statusCode };
}

function validatorOfRoute({ schema }: { readonly schema: object }): Validator {
  return fillingValidatorOf(schema);
}

export async function startHttp(
  address: ListenAddress,
  sources: HttpSources,
  log: Log,
  admin?: HttpAdmin,
): Promise<HttpListener> {
  const options: FastifyServerOptions = {
    logger: false,
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: REQUEST_MS_MAX,
    forceCloseConnections: true,
    exposeHeadRoutes: true,
    // Not the ones that fastify brings: they compile all schemas before the first request.
    schemaController: { compilersFactory: { buildValidator: () => validatorOfRoute as never } },
  };
  const app = fastify(options);
  app.server.maxConnections = CONNECTIONS_MAX;
  // Any web page may send that without asking first.
  app.removeContentTypeParser('text/plain');
  if (admin !== undefined) addAdmin(app, admin);
  addRoutes(app, sources);
  app.setNotFoundHandler((request, reply) =>
    sendProblem(reply, 404, 'SLUICE_HTTP_NOT_FOUND', `${request.method} ${request.url.slice(0, 200)}: there is no such resource`),
  );
  app.setErrorHandler((error, request, reply) => {
    const { status, code, detail } = problemOf(error);
    if (status >= 500) log.error({ url: request.url, ...errorFields(error) }, 'an administrative request failed');
    return sendProblem(reply, status, code, detail);
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
