/**
 * Who may come in now, who waits and who is turned away, on one listener of one reactor.
 *
 *   accepted ──▶ too many connections? ──▶ turned away
 *            ──▶ no token, or too many handshakes under way? ──▶ waits, first come first served; turned away when too many wait
 *            ──▶ comes in
 *
 * A storm of connections is so stretched instead of refused, as long as its clients have the patience.
 */
import type net from 'node:net';
import { LISTENER_WAITING_MAX } from '../../base/limits.ts';
import { TokenBucket } from '../../base/token-bucket.ts';
import type { ListenerCounters } from './counters.ts';
import type { IntakeSettings } from './settings.ts';
import type { StreamHandle } from './stream-internals.ts';

/** What the kernel has handed over, and nothing is read from yet. */
export type Accepted = net.Socket | StreamHandle;

export interface Waiting {
  readonly accepted: Accepted;
  readonly deadline: number;
}

export type Verdict = 'enters' | 'waits' | 'too many' | 'too fast';

export class Intake {
  #settings: IntakeSettings;
  readonly #counters: ListenerCounters;
  readonly #row: number;
  readonly #reactor: number;
  /** Null: there is no limit. */
  #bucket: TokenBucket | null;
  readonly #waiting: Waiting[] = [];

  constructor(settings: IntakeSettings, counters: ListenerCounters, row: number, reactor: number) {
    this.#settings = settings;
    this.#counters = counters;
    this.#row = row;
    this.#reactor = reactor;
    this.#bucket = bucketOf(settings);
  }

  /** Who is in stays, and who waits keeps the deadline that it has. */
  change(settings: IntakeSettings): void {
    if (settings.ratePerSecond !== this.#settings.ratePerSecond) this.#bucket = bucketOf(settings);
    this.#settings = settings;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** One that `enters` or `waits` counts as a connection, until `left`. */
  judge(accepted: Accepted, handshakes: number, now: number): Verdict {
    const { connectionsMax, nodeConnectionsMax, handshakeTimeoutMs } = this.#settings;
    if (!this.#counters.enter(this.#row, this.#reactor, connectionsMax, nodeConnectionsMax)) return 'too many';
    if (this.#waiting.length === 0 && this.#mayEnter(handshakes, now)) return 'enters';
    if (this.#waiting.length >= LISTENER_WAITING_MAX) {
      this.left();
      return 'too fast';
    }
    this.#waiting.push({ accepted, deadline: now + handshakeTimeoutMs });
    return 'waits';
  }

  /** For a connection that cannot wait, because it has shaken hands already. */
  admits(now: number): boolean {
    const { connectionsMax, nodeConnectionsMax } = this.#settings;
    return this.#take(now) && this.#counters.enter(this.#row, this.#reactor, connectionsMax, nodeConnectionsMax);
  }

  /** The next who may come in now, if there is one. */
  next(handshakes: number, now: number): Waiting | undefined {
    if (this.#waiting.length === 0 || !this.#mayEnter(handshakes, now)) return undefined;
    return this.#waiting.shift();
  }

  /** Takes out those who have waited too long. */
  expired(now: number): Waiting[] {
    const patient = this.#waiting.findIndex(({ deadline }) => deadline > now);
    return this.#waiting.splice(0, patient < 0 ? this.#waiting.length : patient);
  }

  /** When it makes sense to ask for the next, milliseconds from now; 0 when it depends on handshakes alone. */
  delayMs(now: number): number {
    return this.#bucket?.delayMs(1, now) ?? 0;
  }

  left(): void {
    this.#counters.leave(this.#row, this.#reactor);
  }

  #mayEnter(handshakes: number, now: number): boolean {
    return handshakes < this.#settings.handshakesMax && this.#take(now);
  }

  #take(now: number): boolean {
    if (this.#bucket === null) return true;
    if (this.#bucket.delayMs(1, now) > 0) return false;
    this.#bucket.spend(1, now);
    return true;
  }
}

function bucketOf({ ratePerSecond }: IntakeSettings): TokenBucket | null {
  return ratePerSecond === 0 ? null : new TokenBucket(ratePerSecond, Math.max(ratePerSecond, 1));
}
