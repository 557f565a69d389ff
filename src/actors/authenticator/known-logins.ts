/**
 * Logins that the authenticator has just let in, recognised on the reactor itself when they come again: a storm of devices that reconnect then costs main nothing, and no hop.
 *
 * What is kept of a login is a SHA-256 under a key of this reactor's life, never the password; the key makes looking it up safe as well, for nobody can choose a digest, or tell one from the time that a look-up takes. Only what depends on nothing
 * but chain, user name and password is kept (`AuthenticateReply.memorable`). Main has all reactors forget before a change of users counts as done; LOGINS_KNOWN_MS bounds what else could be
 * missed, LOGINS_KNOWN_MAX how many there are.
 */
import { hash } from 'node:crypto';
import { LOGIN_BYTES_MAX, LOGINS_KNOWN_MAX, LOGINS_KNOWN_MS } from '../../base/limits.ts';
import type { AuthenticateReply, AuthenticateRequest } from './messages.ts';

interface Known {
  readonly reply: AuthenticateReply;
  readonly untilMs: number;
}

export class KnownLogins {
  readonly #knownMax: number;
  /** By digest, the oldest first. */
  readonly #known = new Map<string, Known>();
  /** Changes of users that this reactor has heard of. */
  #changes = 0;
  /**
   *   | key | u16 length | chain | u16 length | user name | password |
   *   0     32
   */
  readonly #scratch: Buffer;
  readonly #keyBytes: number;

  /** `key`: 32 random bytes. */
  constructor(key: Uint8Array, knownMax: number = LOGINS_KNOWN_MAX) {
    this.#knownMax = knownMax;
    this.#keyBytes = key.length;
    this.#scratch = Buffer.alloc(key.length + LOGIN_BYTES_MAX);
    this.#scratch.set(key);
  }

  get size(): number {
    return this.#known.size;
  }

  recall(request: AuthenticateRequest, nowMs: number): AuthenticateReply | undefined {
    if (this.#known.size === 0) return undefined;
    const digest = this.#digest(request);
    const known = digest === undefined ? undefined : this.#known.get(digest);
    if (known === undefined) return undefined;
    if (known.untilMs > nowMs) return known.reply;
    this.#known.delete(digest!);
    return undefined;
  }

  /** Not when users have changed since it was found out, or are about to. */
  remember(request: AuthenticateRequest, reply: AuthenticateReply, nowMs: number): void {
    if (reply.memorable !== this.#changes) return;
    const digest = this.#digest(request);
    if (digest === undefined) return;
    this.#known.delete(digest); // to the end
    if (this.#known.size >= this.#knownMax) this.#known.delete(this.#known.keys().next().value!);
    this.#known.set(digest, { reply, untilMs: nowMs + LOGINS_KNOWN_MS });
  }

  /** Users have changed, so many times by now. */
  forget(changes: number): void {
    this.#changes = changes;
    this.#known.clear();
  }

  /** Undefined: without a password, or too long to be worth it. */
  #digest({ username, password, connection }: AuthenticateRequest): string | undefined {
    if (username === undefined || password === undefined) return undefined;
    const { authChain } = connection;
    // A UTF-16 unit takes three bytes at most.
    if (4 + 3 * (authChain.length + username.length) + password.length > LOGIN_BYTES_MAX) return undefined;
    const scratch = this.#scratch;
    let end = this.#keyBytes;
    for (const text of [authChain, username]) {
      const length = scratch.write(text, end + 2);
      scratch.writeUInt16BE(length, end);
      end += 2 + length;
    }
    scratch.set(password, end);
    end += password.length;
    const digest = hash('sha256', scratch.subarray(0, end), 'base64');
    scratch.fill(0, this.#keyBytes, end);
    return digest;
  }
}
