/**
 * The buffer that all connections of a reactor read into, one after the other. A session keeps what it cannot use yet in front of the next read:
 *
 *   |· · · · headroom for the rest of the last read · · · ·|· · · · · what a read brings · · · · ·|
 *   0                                     READ_HEADROOM_BYTES               + READ_BUFFER_BYTES
 */
import { READ_BUFFER_BYTES, READ_HEADROOM_BYTES } from '../../base/limits.ts';
import type { ReadView } from '../session/transport.ts';

export class SharedReads {
  /** Where reads go. */
  readonly buffer: Uint8Array;
  readonly #bytes = new Uint8Array(READ_HEADROOM_BYTES + READ_BUFFER_BYTES);
  readonly #view: ReadView;

  constructor() {
    this.buffer = this.#bytes.subarray(READ_HEADROOM_BYTES);
    this.#view = { bytes: this.#bytes, start: 0, end: 0 };
  }

  /** What a read of `length` bytes has brought; valid until the next read. */
  viewOf(length: number): ReadView {
    const view = this.#view;
    view.bytes = this.#bytes;
    view.start = READ_HEADROOM_BYTES;
    view.end = READ_HEADROOM_BYTES + length;
    return view;
  }

  /** Passes on bytes that were read elsewhere as if they had been read into the buffer, in parts that fit. */
  replay(bytes: Uint8Array, take: (view: ReadView) => void): void {
    for (let at = 0; at < bytes.length; at += READ_BUFFER_BYTES) {
      const part = bytes.subarray(at, at + READ_BUFFER_BYTES);
      this.buffer.set(part);
      take(this.viewOf(part.length));
    }
  }
}
