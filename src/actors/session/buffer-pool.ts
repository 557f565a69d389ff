/**
 * Output buffers of a reactor, lent to a connection from its first byte of a turn until the kernel has taken them. An idle connection holds
 * none; a busy one starts with a small buffer, which keeps an acknowledgement from touching 64 KiB, and moves to a large one when that is full.
 */
export const SMALL_BYTES = 1024;
export const LARGE_BYTES = 65_536;

/** Buffers of each size that the pool keeps; more are left to the garbage collector. */
const SMALL_KEPT_MAX = 4096;
const LARGE_KEPT_MAX = 256;

export class BufferPool {
  readonly #small: Uint8Array[] = [];
  readonly #large: Uint8Array[] = [];

  /** A buffer of at least `bytes`: SMALL_BYTES, LARGE_BYTES, or exactly `bytes` when that is more. */
  take(bytes: number): Uint8Array {
    if (bytes <= SMALL_BYTES) return this.#small.pop() ?? Buffer.allocUnsafeSlow(SMALL_BYTES);
    if (bytes <= LARGE_BYTES) return this.#large.pop() ?? Buffer.allocUnsafeSlow(LARGE_BYTES);
    return Buffer.allocUnsafeSlow(bytes);
  }

  give(buffer: Uint8Array): void {
    if (buffer.length === SMALL_BYTES) {
      if (this.#small.length < SMALL_KEPT_MAX) this.#small.push(buffer);
    } else if (buffer.length === LARGE_BYTES && this.#large.length < LARGE_KEPT_MAX) {
      this.#large.push(buffer);
    }
  }
}
