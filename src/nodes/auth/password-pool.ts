/**
 * Checks and makes passwords on the main thread's behalf, in a pool of its own (piscina), so that scrypt stops neither main nor a reactor.
 *
 * The pool is made when passwords are to be expected, or come: a node that checks none has no thread for it. Bounds: AUTH_CHECKS_QUEUED_MAX jobs wait, and for AUTH_CHECKS_WAIT_MS_MAX at most by what jobs have taken of late; a further check is answered `overloaded`; AUTH_VERIFIED_MAX good logins are remembered,
 * which makes a reconnect storm of known devices cheap. What is remembered is a digest under a key of this process, never the password.
 */
import { hash, randomBytes } from 'node:crypto';
import type { Piscina } from 'piscina';
import { AUTH_CHECKS_QUEUED_MAX, AUTH_CHECKS_WAIT_MS_MAX, AUTH_VERIFIED_MAX } from '../../base/limits.ts';
import type { NewPassword, PasswordJob } from './check-worker.ts';
import { hashOfNobody } from './password-hash.ts';
import { isCheap, parseStoredPassword, type StoredPassword, verifyCheap } from './stored-password.ts';

export type PasswordVerdict = 'right' | 'wrong' | 'overloaded';

export interface PasswordPoolOptions {
  readonly threads: number;
  readonly queuedMax?: number;
  readonly waitMsMax?: number;
  /** Cost of new hashes: scrypt with N = 2 to this power. */
  readonly logN?: number;
}

const JOB_MS_GUESSED = 50;
/** The last jobs of which the average is, about. */
const JOBS_AVERAGED = 8;

type Pool = Piscina<PasswordJob, boolean | NewPassword>;

async function openPool({ threads, queuedMax = AUTH_CHECKS_QUEUED_MAX }: PasswordPoolOptions): Promise<Pool> {
  const { FixedQueue, Piscina } = await import('piscina');
  const pool = new Piscina<PasswordJob, boolean | NewPassword>({
    filename: new URL('./check-worker.js', import.meta.url).href,
    name: 'passwordJob',
    minThreads: threads,
    maxThreads: threads,
    maxQueue: queuedMax,
    taskQueue: new FixedQueue(),
  });
  await pool.run({ type: 'hello' });
  return pool;
}

export class PasswordPool {
  readonly #options: PasswordPoolOptions;
  #pool: Promise<Pool> | undefined;
  readonly #key: Buffer = randomBytes(32);
  /** Of user, password and stored form of what was right. Oldest first. */
  readonly #verified = new Set<string>();
  /** Checks that are not done: a login that comes many times at once is checked once. No more than the pool has and lets wait. */
  readonly #underWay = new Map<string, Promise<PasswordVerdict>>();
  /** What a job takes a thread, about. */
  #jobMs = JOB_MS_GUESSED;
  /** An unknown user costs what a known one does, or the answer's time would tell who exists. */
  readonly #nobody: StoredPassword;

  constructor(options: PasswordPoolOptions) {
    this.#options = options;
    this.#nobody = parseStoredPassword(hashOfNobody(options.logN))!;
  }

  async verify(username: string, password: Uint8Array, stored: StoredPassword): Promise<PasswordVerdict> {
    if (isCheap(stored)) return verifyCheap(password, stored) ? 'right' : 'wrong';
    const mac = this.#mac(username, password, stored);
    if (this.#verified.has(mac)) return 'right';
    const underWay = this.#underWay.get(mac);
    if (underWay !== undefined) return underWay;
    const check = this.#check(mac, { type: 'verify', password, stored }).finally(() => this.#underWay.delete(mac));
    this.#underWay.set(mac, check);
    return check;
  }

  async #check(mac: string, job: PasswordJob): Promise<PasswordVerdict> {
    const right = await this.#run(job);
    if (right === undefined) return 'overloaded';
    if (right !== true) return 'wrong';
    this.#remember(mac);
    return 'right';
  }

  /** Takes as long as the check of somebody who exists. */
  async verifyNobody(password: Uint8Array): Promise<'wrong' | 'overloaded'> {
    const answer = await this.#run({ type: 'verify', password, stored: this.#nobody });
    return answer === undefined ? 'overloaded' : 'wrong';
  }

  /** Undefined when too much waits already. */
  async hash(password: string): Promise<NewPassword | undefined> {
    const { logN } = this.#options;
    const job: PasswordJob = { type: 'hash', password, ...(logN === undefined ? {} : { logN }) };
    return (await this.#run(job)) as NewPassword | undefined;
  }

  /** Makes the pool before the first password comes, which would otherwise wait for a thread to start. Resolves when it is there. */
  async open(): Promise<void> {
    await this.#opened();
  }

  #opened(): Promise<Pool> {
    this.#pool ??= openPool(this.#options);
    return this.#pool;
  }

  async close(): Promise<void> {
    await (await this.#pool)?.destroy();
  }

  /** Undefined when too much waits already: piscina has a bound of its own, but by throwing from inside; asking first keeps errors for errors. */
  async #run(job: PasswordJob): Promise<boolean | NewPassword | undefined> {
    const pool = await this.#opened();
    const { threads, waitMsMax = AUTH_CHECKS_WAIT_MS_MAX } = this.#options;
    const ahead = pool.queueSize;
    if (ahead >= pool.options.maxQueue || (ahead * this.#jobMs) / threads > waitMsMax) return undefined;
    const begunAt = performance.now();
    const answer = await pool.run(job);
    const jobMs = ((performance.now() - begunAt) * threads) / (ahead + threads);
    this.#jobMs += (jobMs - this.#jobMs) / JOBS_AVERAGED;
    return answer;
  }

  /** Over the stored form too: another password or another salt, and nothing that was remembered counts. */
  #mac(username: string, password: Uint8Array, stored: StoredPassword): string {
    const text = 'text' in stored ? stored.text : JSON.stringify(stored);
    const head = Buffer.from(`${username.length}:${text.length}:${username}${text}`);
    const said = Buffer.concat([this.#key, head, password]);
    const mac = hash('sha256', said, 'base64');
    said.fill(0);
    return mac;
  }

  #remember(mac: string): void {
    if (this.#verified.size >= AUTH_VERIFIED_MAX) {
      const oldest = this.#verified.keys().next();
      if (!oldest.done) this.#verified.delete(oldest.value);
    }
    this.#verified.add(mac);
  }
}
