/** What a mounted client sends, read by read: whole packets are prefixed, the rest waits, in memory that grows with what has come and not with what a length promises. */
import { cloneBytes } from '../../base/bytes.ts';
import { frameLength } from './frame.ts';
import type { Mount } from './mount.ts';

const NOTHING = new Uint8Array(0);
const FIXED_HEADER_BYTES_MAX = 5;
/** The fixed header of the largest packet that MQTT can express. No session takes that one, whatever its client may send. */
const TOO_LARGE = Uint8Array.of(0x30, 0xff, 0xff, 0xff, 0x7f);

export class MountReader {
  readonly #mount: Mount;
  readonly #packetBytesMax: number;
  #rest: Uint8Array = NOTHING;
  /** A length is malformed or too large: the session will say so, and nothing after it matters. */
  #isOver = false;

  constructor(mount: Mount, packetBytesMax: number) {
    this.#mount = mount;
    this.#packetBytesMax = packetBytesMax;
  }

  /** The packets that `bytes[start, end)` completes, as the session is to read them; empty when there is none. Valid until the next call. */
  read(bytes: Uint8Array, start: number, end: number): Uint8Array {
    if (this.#isOver) return NOTHING;
    const all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes.subarray(start, end)]);
    const limit = all === bytes ? end : all.length;
    let at = all === bytes ? start : 0;
    const packets: Uint8Array[] = [];
    while (at < limit) {
      const length = frameLength(all, at, limit);
      if (length < 0 || length > this.#packetBytesMax) {
        this.#isOver = true;
        packets.push(length < 0 ? all.subarray(at, Math.min(limit, at + FIXED_HEADER_BYTES_MAX)) : TOO_LARGE);
        break;
      }
      if (length === 0 || at + length > limit) break;
      packets.push(this.#mount.enter(all, at, at + length));
      at += length;
    }
    this.#rest = at < limit && !this.#isOver ? cloneBytes(all, at, limit) : NOTHING;
    return packets.length === 1 ? packets[0]! : Buffer.concat(packets);
  }
}
