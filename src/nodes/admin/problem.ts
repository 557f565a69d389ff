/** Errors of the administrative HTTP as RFC 9457 problems with a code of the catalogue. */
import type { FastifyReply } from 'fastify';
import { ERROR_CATALOGUE, type ErrorCode, isCoded } from '../../base/errors.ts';

export function sendProblem(reply: FastifyReply, status: number, code: ErrorCode, detail: string): FastifyReply {
  const problem = { type: 'about:blank', title: code, status, code, detail, help: ERROR_CATALOGUE[code] };
  return reply.code(status).type('application/problem+json').send(JSON.stringify(problem));
}

/** What an error of a request means in HTTP; others are the node's own failures. */
const STATUS: Partial<Record<ErrorCode, number>> = {
  SLUICE_LISTEN_UNKNOWN: 404,
  SLUICE_LISTEN_ADDRESS: 409,
  SLUICE_LISTEN_ADDRESS_IN_USE: 409,
  SLUICE_LISTEN_CERTIFICATE: 409,
  SLUICE_TOPIC_UNKNOWN: 404,
  SLUICE_TOPIC_EXISTS: 409,
  SLUICE_TOPIC_LIMIT: 409,
  SLUICE_TOPIC_INVALID: 400,
  SLUICE_HTTP_UNAVAILABLE: 503,
  SLUICE_RAFT_REFUSED: 409,
  SLUICE_RAFT_NO_GROUP: 404,
  SLUICE_RAFT_NO_MEMBER: 404,
  SLUICE_RAFT_MEMBER: 409,
  SLUICE_RAFT_LEARNER: 409,
  SLUICE_CONFIG_BAD_VALUE: 400,
  SLUICE_CONFIG_UNKNOWN_KEY: 400,
  SLUICE_CONFIG_FILE: 400,
  SLUICE_AUTH_USERS_FILE: 400,
  SLUICE_AUTH_SCRAM_FILE: 400,
  SLUICE_BRIDGE_CONFIG: 400,
  SLUICE_ACL_FILE: 400,
  SLUICE_HTTP_FORBIDDEN: 403,
  SLUICE_HTTP_CONFLICT: 409,
  SLUICE_HTTP_INVALID: 400,
  SLUICE_HTTP_LIMIT: 409,
  SLUICE_META_UNAVAILABLE: 503,
  SLUICE_META_BUSY: 503,
  SLUICE_META_UNKNOWN: 504,
  SLUICE_META_COMPACTED: 410,
  SLUICE_META_FUTURE: 404,
  SLUICE_META_NO_KEY: 404,
  SLUICE_META_CONFLICT: 409,
  SLUICE_META_REFUSED: 409,
  SLUICE_STORAGE_FULL: 507,
  SLUICE_SECURITY_LIMIT: 409,
  SLUICE_SECURITY_BUSY: 503,
  SLUICE_SECURITY_STORE: 500,
};

/** Status, code and what may be said of an error that a handler has thrown. */
export function problemOf(error: unknown): { readonly status: number; readonly code: ErrorCode; readonly detail: string } {
  if (isCoded(error)) return { status: STATUS[error.code] ?? 500, code: error.code, detail: error.message };
  const status = (error as { statusCode?: number }).statusCode ?? 500;
  const detail = status >= 500 ? 'see the log of the node' : (error as Error).message;
  return { status, code: 'SLUICE_HTTP_FAILED', detail };
}
