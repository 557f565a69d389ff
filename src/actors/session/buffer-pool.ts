/**
 * Output buffers of a reactor, lent to a connection from its first byte of a turn until the kernel has taken them. An idle connection holds
 * none; a busy one starts with a small buffer, which keeps an acknowledgement from touching 64 KiB, and moves to a large one when that is full.
 */
export const SMALL_BYTES = 1024;
export const LARGE_BYTES = 65_536;

/** Buffers of each size that the pool keeps; more are left to the garbage collector. */
const SMALL_KEPT_MAX = 4096;
const LARGE_KEPT_MAX = 256;

/** Bytes with the views that filling and sending them needs: making one costs as much as filling it. */
export class OutputBuffer extends Uint8Array {
  readonly words: DataView = new DataView(this.buffer);
  /** Of the length that was asked for last: sparse clients repeat the size of their packets. */
  #first: Uint8Array | null = null;

  first(length: number): Uint8Array {
    if (length === this.length) return this;
    const last = this.#first;
    if (last !== null && last.length === length) return last;
    this.#first = new Uint8Array(this.buffer, 0, length);
    return this.#first;
  }
}

export class BufferPool {
  readonly #small: OutputBuffer[] = [];
  readonly #large: OutputBuffer[] = [];

  /** A buffer of at least `bytes`: SMALL_BYTES, LARGE_BYTES, or exactly `bytes` when that is more. */
  take(bytes: number): OutputBuffer {
    if (bytes <= SMALL_BYTES) return this.#small.pop() ?? new OutputBuffer(SMALL_BYTES);
    if (bytes <= LARGE_BYTES) return this.#large.pop() ?? new OutputBuffer(LARGE_BYTES);
    return new OutputBuffer(bytes);
  }

  give(buffer: OutputBuffer): void {
    if (buffer.length === SMALL_BYTES) {
      if (this.#small.length < SMALL_KEPT_MAX) this.#small.push(buffer);
    } else if (buffer.length === LARGE_BYTES && this.#large.length < LARGE_KEPT_MAX) {
      this.#large.push(buffer);
    }
  }
}
