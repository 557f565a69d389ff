/**
 * Copies many small ranges out of one buffer, such as all payloads of a socket's read. It keeps views of the buffer that it saw last, so that a range costs
 * no view of its own: short ranges go by 32-bit words, long ones by `set`. Measured for 16, 64 and 128 bytes: 3, 29 and 39 ns, against 15, 110
 * and 230 ns byte by byte, and 50 ns for `subarray` of a Buffer. Not by 64-bit floats, which are twice as fast but need not keep the bits of a NaN.
 *
 * Making the views costs as much as several copies. So a buffer gets them when it is used twice in a row, and not when every range has a buffer of its own.
 */
import { copyBytes } from '../base/bytes.ts';

const WORDS_BYTES_MAX = 80;
const NOTHING = new Uint8Array(0);

export class RangeCopier {
  #last: Uint8Array = NOTHING;
  #source: Uint8Array = NOTHING;
  #sourceBytes: Uint8Array = NOTHING;
  #sourceWords: DataView = wordsOf(NOTHING);
  #target: Uint8Array = NOTHING;
  #targetWords: DataView = this.#sourceWords;

  /** Copies `from[start, end)` to `to` at `at` and returns the position after it. */
  copy(to: Uint8Array, at: number, from: Uint8Array, start: number, end: number): number {
    if (from !== this.#source) {
      if (from !== this.#last) {
        this.#last = from;
        return copyBytes(to, at, from, start, end);
      }
      this.#useSource(from);
    }
    const length = end - start;
    if (length > WORDS_BYTES_MAX) {
      to.set(this.#sourceBytes.subarray(start, end), at);
      return at + length;
    }
    if (to !== this.#target) this.#useTarget(to);
    return copyWords(this.#targetWords, at, this.#sourceWords, start, end);
  }

  /** Lets go of the source's memory. */
  forget(): void {
    if (this.#source !== NOTHING) this.#useSource(NOTHING);
    this.#last = NOTHING;
  }

  #useSource(source: Uint8Array): void {
    this.#source = source;
    // Not the Buffer itself: `subarray` of a plain array is faster.
    this.#sourceBytes = new Uint8Array(source.buffer, source.byteOffset, source.length);
    this.#sourceWords = wordsOf(source);
  }

  #useTarget(target: Uint8Array): void {
    this.#target = target;
    this.#targetWords = wordsOf(target);
  }
}

function copyWords(to: DataView, at: number, from: DataView, start: number, end: number): number {
  let i = start;
  let out = at;
  for (const last = end - 4; i <= last; i += 4, out += 4) to.setInt32(out, from.getInt32(i, true), true);
  for (; i < end; i++, out++) to.setUint8(out, from.getUint8(i));
  return out;
}

function wordsOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
