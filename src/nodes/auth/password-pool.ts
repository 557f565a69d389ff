/**
 * Checks and makes passwords on the main thread's behalf, in a pool of its own (piscina), so that scrypt stops neither main nor a reactor.
 *
 * Bounds: AUTH_CHECKS_QUEUED_MAX jobs wait, a further check is answered `overloaded`; AUTH_VERIFIED_MAX good logins are remembered,
 * which makes a reconnect storm of known devices cheap. What is remembered is a MAC under a key of this process, never the password.
 */
import { createHmac, randomBytes } from 'node:crypto';
import { FixedQueue, Piscina } from 'piscina';
import { AUTH_CHECKS_QUEUED_MAX, AUTH_VERIFIED_MAX } from '../../base/limits.ts';
import type { NewPassword, PasswordJob } from './check-worker.ts';
import { hashOfNobody } from './password-hash.ts';
import { isCheap, parseStoredPassword, type StoredPassword, verifyCheap } from './stored-password.ts';

export type PasswordVerdict = 'right' | 'wrong' | 'overloaded';

export interface PasswordPoolOptions {
  readonly threads: number;
  readonly queuedMax?: number;
  /** Cost of new hashes: scrypt with N = 2 to this power. */
  readonly logN?: number;
}

export class PasswordPool {
  readonly #pool: Piscina<PasswordJob, boolean | NewPassword>;
  readonly #logN: number | undefined;
  readonly #key: Buffer = randomBytes(32);
  /** MAC of user, password and stored form of what was right. Oldest first. */
  readonly #verified = new Set<string>();
  /** An unknown user costs what a known one does, or the answer's time would tell who exists. */
  readonly #nobody: StoredPassword;

  constructor(options: PasswordPoolOptions) {
    this.#logN = options.logN;
    this.#nobody = parseStoredPassword(hashOfNobody(options.logN))!;
    this.#pool = new Piscina<PasswordJob, boolean | NewPassword>({
      filename: new URL('./check-worker.js', import.meta.url).href,
      name: 'passwordJob',
      minThreads: 1,
      maxThreads: options.threads,
      maxQueue: options.queuedMax ?? AUTH_CHECKS_QUEUED_MAX,
      taskQueue: new FixedQueue(),
    });
  }

  async verify(username: string, password: Uint8Array, stored: StoredPassword): Promise<PasswordVerdict> {
    if (isCheap(stored)) return verifyCheap(password, stored) ? 'right' : 'wrong';
    const mac = this.#mac(username, password, stored);
    if (this.#verified.has(mac)) return 'right';
    if (this.#isFull) return 'overloaded';
    if ((await this.#pool.run({ type: 'verify', password, stored })) !== true) return 'wrong';
    this.#remember(mac);
    return 'right';
  }

  /** Takes as long as the check of somebody who exists. */
  async verifyNobody(password: Uint8Array): Promise<'wrong' | 'overloaded'> {
    if (this.#isFull) return 'overloaded';
    await this.#pool.run({ type: 'verify', password, stored: this.#nobody });
    return 'wrong';
  }

  /** Undefined when too much waits already. */
  async hash(password: string): Promise<NewPassword | undefined> {
    if (this.#isFull) return undefined;
    const job: PasswordJob = { type: 'hash', password, ...(this.#logN === undefined ? {} : { logN: this.#logN }) };
    return (await this.#pool.run(job)) as NewPassword;
  }

  close(): Promise<void> {
    return this.#pool.destroy();
  }

  /** Piscina has a queue bound of its own, but by throwing from inside; asking first keeps errors for errors. */
  get #isFull(): boolean {
    return this.#pool.queueSize >= this.#pool.options.maxQueue;
  }

  /** Over the stored form too: another password or another salt, and nothing that was remembered counts. */
  #mac(username: string, password: Uint8Array, stored: StoredPassword): string {
    const mac = createHmac('sha256', this.#key);
    for (const part of [username, password, 'text' in stored ? stored.text : JSON.stringify(stored)]) {
      mac.update(`${typeof part === 'string' ? Buffer.byteLength(part) : part.length}:`).update(part);
    }
    return mac.digest('base64');
  }

  #remember(mac: string): void {
    if (this.#verified.size >= AUTH_VERIFIED_MAX) {
      const oldest = this.#verified.keys().next();
      if (!oldest.done) this.#verified.delete(oldest.value);
    }
    this.#verified.add(mac);
  }
}
