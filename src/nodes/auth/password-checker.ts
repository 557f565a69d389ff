/**
 * Checks passwords on the main thread's behalf, in a pool of its own (piscina), so that scrypt stops neither main nor a reactor.
 *
 * Bounds: AUTH_CHECKS_QUEUED_MAX checks wait, a further one is answered `overloaded`; AUTH_VERIFIED_MAX good logins are remembered,
 * which makes a reconnect storm of known devices cheap. What is remembered is a MAC under a key of this process, never the password.
 */
import { createHmac, randomBytes } from 'node:crypto';
import { FixedQueue, Piscina } from 'piscina';
import type { AuthenticateReply } from '../../actors/authenticator/messages.ts';
import { AUTH_CHECKS_QUEUED_MAX, AUTH_VERIFIED_MAX } from '../../base/limits.ts';
import type { CheckJob } from './check-worker.ts';
import { hashPassword } from './password-hash.ts';
import type { Users } from './users-file.ts';

export interface PasswordChecker {
  check(username: string, password: Uint8Array): Promise<AuthenticateReply>;
  /** Other users from now on; what was remembered is forgotten. */
  replaceUsers(users: Users): void;
  close(): Promise<void>;
}

export interface PasswordCheckerOptions {
  readonly threads: number;
  readonly queuedMax?: number;
}

const REFUSED: AuthenticateReply = { ok: false };
const OVERLOADED: AuthenticateReply = { ok: false, overloaded: true };

export function createPasswordChecker(users: Users, options: PasswordCheckerOptions): PasswordChecker {
  return new ScryptChecker(users, options);
}

class ScryptChecker implements PasswordChecker {
  #users: Users;
  readonly #pool: Piscina<CheckJob, boolean>;
  readonly #key: Buffer = randomBytes(32);
  /** MAC of user and password → the stored hash that it was checked against. Oldest first. */
  readonly #verified = new Map<string, string>();
  /** An unknown user costs what a known one does, or the answer's time would tell who exists. */
  readonly #nobody: string = hashPassword(randomBytes(16));

  constructor(users: Users, options: PasswordCheckerOptions) {
    this.#users = users;
    this.#pool = new Piscina<CheckJob, boolean>({
      filename: new URL('./check-worker.js', import.meta.url).href,
      name: 'checkPassword',
      minThreads: 1,
      maxThreads: options.threads,
      maxQueue: options.queuedMax ?? AUTH_CHECKS_QUEUED_MAX,
      taskQueue: new FixedQueue(),
    });
  }

  async check(username: string, password: Uint8Array): Promise<AuthenticateReply> {
    const known = this.#users.get(username);
    const mac = createHmac('sha256', this.#key)
      .update(`${Buffer.byteLength(username)}:${username}`)
      .update(password)
      .digest('base64');
    if (known !== undefined && this.#verified.get(mac) === known) return { ok: true };
    // Piscina has a queue bound of its own, but by throwing from inside; asking first keeps errors for errors.
    if (this.#pool.queueSize >= this.#pool.options.maxQueue) return OVERLOADED;
    const matches = await this.#pool.run({ password, stored: known ?? this.#nobody });
    if (known === undefined || !matches || this.#users.get(username) !== known) return REFUSED;
    this.#remember(mac, known);
    return { ok: true };
  }

  #remember(mac: string, stored: string): void {
    if (this.#verified.size >= AUTH_VERIFIED_MAX) {
      const oldest = this.#verified.keys().next();
      if (!oldest.done) this.#verified.delete(oldest.value);
    }
    this.#verified.set(mac, stored);
  }

  replaceUsers(users: Users): void {
    this.#users = users;
    this.#verified.clear();
  }

  close(): Promise<void> {
    return this.#pool.destroy();
  }
}
