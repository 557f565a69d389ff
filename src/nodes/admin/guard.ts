/**
 * Who may use the administrative HTTP: holders of a token, users of a file, or, when neither is configured, whoever reaches the listener, which is then on
 * loopback. Health is for everybody.
 *
 * Without authentication a request must name this machine: a web page that has its own name point to 127.0.0.1 gets nothing.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { SluiceError } from '../../base/errors.ts';
import type { PasswordPool } from '../auth/password-pool.ts';
import { readUsersFile, type Users } from '../auth/users-file.ts';
import type { Config } from '../config/schema.ts';
import { sendProblem } from './problem.ts';

const TOKEN_CHARS_MIN = 16;
const LOCAL = 'local';

type Outcome = { readonly who: string } | { readonly refused: 401 | 403 | 503 };

export class AdminGuard {
  readonly #pool: PasswordPool;
  readonly #asks: boolean;
  readonly #isOpenToAll: boolean;
  /** Hash of a token → its name: comparing hashes tells nothing about tokens. */
  readonly #tokens: ReadonlyMap<string, string>;
  readonly #users: Users;

  /** Throws when a file is bad. */
  constructor({ http, auth }: Config, pool: PasswordPool) {
    this.#pool = pool;
    this.#tokens = http.tokens_file === '' ? new Map() : readTokensFile(http.tokens_file);
    this.#users = http.users_file === '' ? new Map() : readUsersFile(http.users_file);
    this.#isOpenToAll = auth.insecure;
    this.#asks = http.tokens_file !== '' || http.users_file !== '';
  }

  /** Answers who is not let in; otherwise `request.admin` says who it is. */
  async check(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    if (request.url.startsWith('/health/')) return;
    const outcome = await this.#judge(request);
    if ('who' in outcome) {
      request.admin = outcome.who;
      return;
    }
    if (outcome.refused === 403) {
      await sendProblem(reply, 403, 'SLUICE_HTTP_FORBIDDEN', 'the Host header names another machine');
    } else if (outcome.refused === 503) {
      await sendProblem(reply, 503, 'SLUICE_SECURITY_BUSY', 'too many passwords wait to be checked');
    } else {
      reply.header('WWW-Authenticate', 'Bearer, Basic realm="sluice"');
      await sendProblem(reply, 401, 'SLUICE_HTTP_UNAUTHORIZED', 'no token or user that this node knows');
    }
  }

  async #judge({ headers }: FastifyRequest): Promise<Outcome> {
    if (!this.#asks) return this.#isOpenToAll || namesThisMachine(headers.host) ? { who: LOCAL } : { refused: 403 };
    const [scheme, value = ''] = (headers.authorization ?? '').split(' ', 2) as [string, string?];
    if (scheme.toLowerCase() === 'bearer') {
      const name = this.#tokens.get(hashOf(value));
      return name === undefined ? { refused: 401 } : { who: `token ${name}` };
    }
    return scheme.toLowerCase() === 'basic' ? this.#judgeUser(Buffer.from(value, 'base64').toString('utf8')) : { refused: 401 };
  }

  async #judgeUser(pair: string): Promise<Outcome> {
    const colon = pair.indexOf(':');
    const [name, password] = [pair.slice(0, Math.max(colon, 0)), Buffer.from(pair.slice(colon + 1))];
    const stored = this.#users.get(name);
    const verdict =
      stored === undefined ? await this.#pool.verifyNobody(password) : await this.#pool.verify(`admin:${name}`, password, stored);
    if (verdict === 'overloaded') return { refused: 503 };
    return verdict === 'right' ? { who: `user ${name}` } : { refused: 401 };
  }
}

/** An address, or the one name that every machine has for itself. */
function namesThisMachine(host: string | undefined): boolean {
  const name = (host ?? '').replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
  return isIP(name) !== 0 || name.toLowerCase() === 'localhost';
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('base64');
}

function readTokensFile(file: string): ReadonlyMap<string, string> {
  const bad = (what: string, cause?: unknown): SluiceError =>
    new SluiceError('SLUICE_HTTP_ADMINS_FILE', `${JSON.stringify(file)} ${what}`, { cause });
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw bad(`cannot be read: ${(error as NodeJS.ErrnoException).code ?? 'error'}`, error);
  }
  const tokens = new Map<string, string>();
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const colon = line.indexOf(':');
    const token = line.slice(colon + 1);
    if (colon <= 0 || token.length < TOKEN_CHARS_MIN)
      throw bad(`line ${index + 1} is not \`name:token\` with a token of at least ${TOKEN_CHARS_MIN} characters`);
    tokens.set(hashOf(token), line.slice(0, colon));
  }
  return tokens;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks, as the guard has found out; undefined for who was not let in. */
    admin?: string;
  }
}
