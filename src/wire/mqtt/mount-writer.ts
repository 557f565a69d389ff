/**
 * What a mounted client is sent, write by write: the prefix is taken off the topic of each PUBLISH. A packet may be cut anywhere between two writes; only its
 * beginning up to the end of the prefix is waited for.
 */
import { cloneBytes, copyBytes } from '../../base/bytes.ts';
import { PacketType } from './constants.ts';
import { bodyOffset, frameLength } from './frame.ts';
import type { Mount } from './mount.ts';
import { writeVarint } from './varint.ts';

const NOTHING = new Uint8Array(0);

export class MountWriter {
  readonly #mount: Mount;
  /** The beginning of a packet, too little to know its topic. */
  #rest: Uint8Array = NOTHING;
  /** Bytes of the current packet that go through as they are. */
  #through = 0;

  constructor(mount: Mount) {
    this.#mount = mount;
  }

  /** What is to leave for `bytes`; memory of its own. */
  write(bytes: Uint8Array): Uint8Array {
    const all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    this.#rest = NOTHING;
    const out = new Uint8Array(all.length);
    let to = 0;
    let at = 0;
    while (at < all.length) {
      if (this.#through === 0) {
        const begun = this.#begin(all, at, out, to);
        if (begun < 0) {
          this.#rest = cloneBytes(all, at, all.length);
          break;
        }
        at += begun;
        to += this.#headerBytes;
      }
      const length = Math.min(this.#through, all.length - at);
      copyBytes(out, to, all, at, at + length);
      to += length;
      at += length;
      this.#through -= length;
    }
    return out.subarray(0, to);
  }

  /** Bytes that the last `#begin` has written. */
  #headerBytes = 0;

  /** Writes the beginning of the packet at `at` without its prefix; returns how many bytes of `all` that took, or -1 when there are too few. */
  #begin(all: Uint8Array, at: number, out: Uint8Array, to: number): number {
    const length = frameLength(all, at, all.length);
    if (length <= 0) return -1;
    this.#headerBytes = 0;
    this.#through = length;
    if (all[at]! >> 4 !== PacketType.PUBLISH) return 0;
    const body = bodyOffset(all, at);
    const topicAt = body + 2;
    const topicBytes = topicAt > all.length ? -1 : (all[body]! << 8) | all[body + 1]!;
    if (topicBytes < 0 || topicAt + topicBytes > all.length) {
      this.#through = 0;
      return -1;
    }
    const prefix = this.#mount.prefixOf(all, topicAt, topicBytes);
    if (prefix === 0) return 0;
    const left = topicBytes - prefix;
    out[to] = all[at]!;
    let next = writeVarint(out, to + 1, length - (body - at) - prefix);
    out[next++] = left >> 8;
    out[next++] = left & 255;
    this.#headerBytes = next - to;
    this.#through = length - (topicAt + prefix - at);
    return topicAt + prefix - at;
  }
}
