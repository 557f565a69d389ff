/**
 * The bytes of a read that do not make a whole packet yet. Usually a few, kept in a copy of their own and put in front of the next read, into the
 * headroom that the reactor's read buffer has for that:
 *
 *     read buffer   |· · · · · · · headroom · · · [remainder]|new bytes … |
 *                                                  ^ start after join      ^ end
 *
 * A packet larger than the headroom is gathered in a buffer that grows with what has really come, never with what the packet's length promises.
 */
import { cloneBytes } from '../../base/bytes.ts';
import type { PacketTap } from '../insight/packet-tap.ts';
import type { ReadView } from './transport.ts';

export class Remainder {
  #bytes: Uint8Array | null = null;
  #length = 0;

  /** For a tap that is set while something is kept. */
  feed(tap: PacketTap): void {
    if (this.#bytes !== null) tap.feed('in', this.#bytes, 0, this.#length);
  }

  get length(): number {
    return this.#length;
  }

  /** Puts what is kept in front of the bytes of `view`, which may then show another buffer. */
  join(view: ReadView): void {
    const kept = this.#bytes;
    if (kept === null) return;
    const length = this.#length;
    if (length <= view.start) {
      view.bytes.set(length === kept.length ? kept : kept.subarray(0, length), view.start - length);
      view.start -= length;
      this.#bytes = null;
      this.#length = 0;
      return;
    }
    const fresh = view.end - view.start;
    const gathered = length + fresh <= kept.length ? kept : grown(kept, length, length + fresh);
    gathered.set(view.bytes.subarray(view.start, view.end), length);
    this.#bytes = gathered;
    this.#length = length + fresh;
    view.bytes = gathered;
    view.start = 0;
    view.end = length + fresh;
  }

  /** Keeps the bytes of `view` from `position` on; nothing when that is its end. */
  keep(view: ReadView, position: number): void {
    const length = view.end - position;
    if (length === 0) {
      this.#bytes = null;
    } else if (view.bytes !== this.#bytes || position > 0) {
      this.#bytes = cloneBytes(view.bytes, position, view.end);
    }
    this.#length = length;
  }
}

function grown(bytes: Uint8Array, length: number, needed: number): Uint8Array {
  const larger = new Uint8Array(Math.max(needed, bytes.length * 2));
  larger.set(bytes.subarray(0, length));
  return larger;
}
