/**
 * How fast clients may send. What comes too fast is not dropped: the connection is not read for as long as it is ahead of its rate, and TCP holds the
 * client back. A listener's rates are shared by its clients on all reactors; each reactor has its part of them.
 */
import { TokenBucket } from '../../base/token-bucket.ts';

/** Per second; 0 is no limit. */
export interface RateLimits {
  readonly clientMessages: number;
  readonly clientBytes: number;
  readonly listenerMessages: number;
  readonly listenerBytes: number;
}

const UNLIMITED: RateLimits = { clientMessages: 0, clientBytes: 0, listenerMessages: 0, listenerBytes: 0 };

/** The rates of one listener on one reactor, for as long as it is there: they may change. */
export class ListenerRates {
  readonly #reactors: number;
  #limits: RateLimits = UNLIMITED;
  #messages: TokenBucket | null = null;
  #bytes: TokenBucket | null = null;

  constructor(limits: RateLimits | undefined, reactors: number) {
    this.#reactors = reactors;
    this.change(limits);
  }

  /** For clients that ask from now on; those that are there ask again. */
  change(limits: RateLimits = UNLIMITED): void {
    this.#limits = limits;
    this.#messages = bucket(limits.listenerMessages / this.#reactors);
    this.#bytes = bucket(limits.listenerBytes / this.#reactors);
  }

  /** What a client's reads are measured by; null: nothing limits them, and nothing is measured. */
  forClient(): ClientRates | null {
    const { clientMessages, clientBytes } = this.#limits;
    const [messages, bytes] = [bucket(clientMessages), bucket(clientBytes)];
    const own = [messages, this.#messages].filter((each) => each !== null);
    const ownBytes = [bytes, this.#bytes].filter((each) => each !== null);
    return own.length + ownBytes.length === 0 ? null : new ClientRates(own, ownBytes);
  }
}

export class ClientRates {
  readonly #messages: readonly TokenBucket[];
  readonly #bytes: readonly TokenBucket[];

  constructor(messages: readonly TokenBucket[], bytes: readonly TokenBucket[]) {
    this.#messages = messages;
    this.#bytes = bytes;
  }

  /** How long the client is not to be read after it has sent this, milliseconds. */
  received(messages: number, bytes: number, now: number): number {
    let waitMs = 0;
    for (const each of this.#messages) waitMs = Math.max(waitMs, each.spend(messages, now));
    for (const each of this.#bytes) waitMs = Math.max(waitMs, each.spend(bytes, now));
    return waitMs;
  }
}

function bucket(perSecond: number): TokenBucket | null {
  return perSecond === 0 ? null : new TokenBucket(perSecond, Math.max(perSecond, 1));
}
