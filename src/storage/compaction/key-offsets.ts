/**
 * The last offset of each key: the first pass of a compaction writes it, the second reads it. An open-addressing table in shared memory, so that the jobs of a compaction may run on any
 * threads of a pool, one after the other, without copies.
 *
 *   header u32: slots │ used │ slices │ slice        slot: digest 4 × u32 │ offset f64, -1 when free
 *
 * A key is its digest, 128 bits of SHA-256: keys come from clients, and two keys with one digest would make a record vanish; a faster hash could be made to collide.
 *
 * Bound: the slots, of which three quarters are used; then `put` refuses. More keys than that take several tables, one after the other: a table of slice `i` of `n` knows the keys whose digest says so, and of
 * all others that they are not its own.
 */
import { hash } from 'node:crypto';
import { assert } from '../../base/assert.ts';

/** Of a key of another slice. */
export const OTHER_SLICE = -2;

const HEADER_BYTES = 16;
const DIGEST_BYTES = 16;
const FREE = -1;
const SLOT_BYTES = DIGEST_BYTES + 8;

export class KeyOffsets {
  readonly memory: SharedArrayBuffer;
  readonly #counts: Uint32Array;
  readonly #digests: Uint32Array;
  readonly #offsets: Float64Array;

  /** A table for `keysMax` keys of a slice, or the one that lies in `memory`. */
  constructor(of: number | SharedArrayBuffer, slice = 0, slices = 1) {
    const slots = typeof of === 'number' ? Math.max(8, Math.ceil(of / 0.75)) : new Uint32Array(of, 0, 1)[0]!;
    this.memory = typeof of === 'number' ? new SharedArrayBuffer(HEADER_BYTES + slots * SLOT_BYTES) : of;
    assert(this.memory.byteLength === HEADER_BYTES + slots * SLOT_BYTES, 'a table of key offsets has its size');
    this.#counts = new Uint32Array(this.memory, 0, 4);
    this.#offsets = new Float64Array(this.memory, HEADER_BYTES, slots);
    this.#digests = new Uint32Array(this.memory, HEADER_BYTES + slots * 8, slots * 4);
    if (typeof of === 'number') {
      this.#counts.set([slots, 0, slices, slice]);
      this.#offsets.fill(FREE);
    }
  }

  get size(): number {
    return this.#counts[1]!;
  }

  /** Notes a later offset of a key. False when the table is full and does not know the key. */
  put(key: Uint8Array, offset: number): boolean {
    const slot = this.#find(key);
    if (slot === OTHER_SLICE) return true;
    if (this.#offsets[slot] === FREE) {
      if (this.size >= this.#offsets.length * 0.75) return false;
      this.#counts[1]!++;
      for (let i = 0; i < 4; i++) this.#digests[slot * 4 + i] = this.#digest[i]!;
    }
    this.#offsets[slot] = Math.max(this.#offsets[slot]!, offset);
    return true;
  }

  /** The last offset of a key, undefined when the table does not know it; OTHER_SLICE when another one does. */
  get(key: Uint8Array): number | undefined {
    const slot = this.#find(key);
    if (slot === OTHER_SLICE) return OTHER_SLICE;
    const offset = this.#offsets[slot]!;
    return offset === FREE ? undefined : offset;
  }

  readonly #digest = new Uint32Array(4);

  /** The slot of the key, or the free one where it would be; OTHER_SLICE. */
  #find(key: Uint8Array): number {
    const digest = this.#digest;
    // Copied to be aligned; the bytes' order does not matter as long as it is the same.
    new Uint8Array(digest.buffer).set(hash('sha256', key, 'buffer').subarray(0, DIGEST_BYTES));
    if (digest[1]! % this.#counts[2]! !== this.#counts[3]!) return OTHER_SLICE;
    const slots = this.#offsets.length;
    let slot = digest[0]! % slots;
    while (this.#offsets[slot] !== FREE && !this.#holds(slot)) slot = slot + 1 === slots ? 0 : slot + 1;
    return slot;
  }

  #holds(slot: number): boolean {
    for (let i = 0; i < 4; i++) if (this.#digests[slot * 4 + i] !== this.#digest[i]) return false;
    return true;
  }
}
