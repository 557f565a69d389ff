/** What everything in a simulation shares: virtual time, the events to come, chance, and the trace of what happened. */
import { Prng } from '../../base/prng.ts';
import { EventQueue } from './event-queue.ts';
import { TraceHash } from './trace-hash.ts';

export class SimWorld {
  readonly trace: TraceHash = new TraceHash();
  readonly prng: Prng;
  readonly #events = new EventQueue();
  #nowMs = 0;

  constructor(seed: number) {
    this.prng = new Prng(seed);
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /** Runs events up to `untilMs`, or until there are none: then every actor is idle and no timer is pending. */
  run(untilMs: number = Number.POSITIVE_INFINITY): void {
    while (this.#events.size > 0 && this.#events.nextMs <= untilMs) {
      const event = this.#events.take()!;
      this.#nowMs = event.atMs;
      event.run();
    }
    if (untilMs !== Number.POSITIVE_INFINITY) this.#nowMs = Math.max(this.#nowMs, untilMs);
  }

  /** Calls `then` at a virtual time: the script of a scenario. */
  at(atMs: number, then: () => void): void {
    this.#events.add(Math.max(atMs, this.#nowMs), then);
  }

  /** A delay between two bounds, milliseconds. */
  delay(minMs: number, maxMs: number): number {
    return minMs + this.prng.next() * (maxMs - minMs);
  }
}
