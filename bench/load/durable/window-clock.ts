/**
 * The window of a publisher whose acknowledgements come in the order of its messages, and the times of some of them: what is left to a protocol is to write messages
 * and to count acknowledgements.
 */
import { assert } from '../../../src/base/assert.ts';
import type { Histogram } from '../../../src/base/histogram.ts';
import type { StampSpan } from '../stamp-span.ts';

/** One message in so many is timed. */
const STAMP_EVERY = 32;

export class WindowClock {
  readonly #window: number;
  readonly #now: () => number;
  readonly #span: StampSpan;
  readonly #latency: Histogram;
  /** Times of sending, by message / STAMP_EVERY, round and round. */
  readonly #stamps: Float64Array;
  readonly #every: number;
  sent = 0;
  acked = 0;

  constructor(window: number, now: () => number, span: StampSpan, latency: Histogram) {
    this.#window = window;
    this.#now = now;
    this.#span = span;
    this.#latency = latency;
    // A small window would have too few times otherwise.
    this.#every = window < STAMP_EVERY ? 1 : STAMP_EVERY;
    this.#stamps = new Float64Array(Math.ceil(window / this.#every) + 2);
  }

  get credit(): number {
    return this.#window - (this.sent - this.acked);
  }

  /** So many messages are sent now. */
  send(count: number): void {
    const now = this.#now();
    const every = this.#every;
    for (let n = Math.ceil(this.sent / every) * every; n < this.sent + count; n += every) {
      this.#stamps[(n / every) % this.#stamps.length] = now;
    }
    this.sent += count;
  }

  /** So many more are acknowledged. */
  ack(count: number): void {
    assert(this.acked + count <= this.sent, 'an acknowledgement for a message that was not sent');
    const now = this.#now();
    const every = this.#every;
    for (let n = Math.ceil(this.acked / every) * every; n < this.acked + count; n += every) {
      const stamp = this.#stamps[(n / every) % this.#stamps.length]!;
      if (this.#span.holds(stamp)) this.#latency.record((now - stamp) * 1000);
    }
    this.acked += count;
  }
}
