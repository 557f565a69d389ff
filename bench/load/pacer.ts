/**
 * When which message is due: message i at start + i / rate, from publisher i mod publishers. Pure; it never forgets a message because
 * the caller came late.
 */
export class Pacer {
  readonly #startMs: number;
  readonly #intervalMs: number;
  readonly #publishers: number;
  #next = 0;

  /** `rate` in messages per second over all publishers. */
  constructor(startMs: number, rate: number, publishers: number) {
    this.#startMs = startMs;
    this.#intervalMs = 1000 / rate;
    this.#publishers = publishers;
  }

  /** Hands out every message that is due at `nowMs`. */
  due(nowMs: number, offer: (publisher: number, intendedMs: number) => void): void {
    for (;;) {
      const intended = this.#startMs + this.#next * this.#intervalMs;
      if (intended > nowMs) return;
      offer(this.#next % this.#publishers, intended);
      this.#next += 1;
    }
  }
}
