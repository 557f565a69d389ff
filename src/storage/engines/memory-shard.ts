/**
 * Batches of one shard in memory: slabs in order, each a row of whole batches. A lookup is a binary search over the slabs and a walk within one. Slabs
 * double in size as the shard grows, so a small shard costs little and a large one has few.
 */
import { MEMORY_SLAB_BYTES_MAX } from '../../base/limits.ts';
import type { ShardId } from '../engine.ts';
import { baseOffsetOf, batchBytes, lastOffsetOf, maxTimestampOf } from '../record-batch.ts';
import type { Piece } from './slab-pool.ts';

export interface Slab {
  readonly shard: ShardId;
  readonly piece: Piece;
  /** Batches lie in `piece.bytes[piece.start, end)`. */
  end: number;
  nextOffset: number;
  maxTimestamp: number;
  /** Largest timestamp of the shard up to here, slabs that are gone included: it never falls, so it can be searched. */
  maxTimestampSoFar: number;
  /** Neighbours in the order of all slabs by age. */
  older: Slab | undefined;
  newer: Slab | undefined;
}

export class MemoryShard {
  /** Most shards have one: an array that is made with what it holds has no room to spare, which is what a million of them can do without. */
  #slabs: Slab[] = NONE;
  /** Slabs before this are gone. */
  #head = 0;

  get last(): Slab | undefined {
    return this.#slabs.length > this.#head ? this.#slabs.at(-1) : undefined;
  }

  get first(): Slab | undefined {
    return this.#slabs[this.#head];
  }

  /** Size of the next slab for a batch of `bytes`. */
  nextSlabBytes(bytes: number, slabBytesMax: number): number {
    const doubled = 2 * (this.last?.piece.size ?? 0);
    return Math.max(bytes, Math.min(doubled, slabBytesMax, MEMORY_SLAB_BYTES_MAX));
  }

  push(slab: Slab): void {
    slab.maxTimestampSoFar = this.#slabs.at(-1)?.maxTimestampSoFar ?? Number.NEGATIVE_INFINITY;
    if (this.#slabs.length === 0) this.#slabs = [slab];
    else this.#slabs.push(slab);
  }

  removeFirst(): void {
    this.#head++;
    if (this.#head === this.#slabs.length) {
      this.#slabs = NONE;
      this.#head = 0;
    } else if (this.#head >= 64 && this.#head * 2 > this.#slabs.length) {
      this.#slabs.splice(0, this.#head);
      this.#head = 0;
    }
  }

  *slabs(): Generator<Slab> {
    for (let i = this.#head; i < this.#slabs.length; i++) yield this.#slabs[i]!;
  }

  /** Copies batches from the one that holds `offset` on and before `end`: at most `bytesMax`, at least one. */
  read(offset: number, end: number, bytesMax: number): Uint8Array {
    let index = this.#find((slab) => slab.nextOffset > offset);
    const chunks: Uint8Array[] = [];
    let total = 0;
    for (; index < this.#slabs.length; index++) {
      const slab = this.#slabs[index]!;
      const bytes = slab.piece.bytes;
      let at = slab.piece.start;
      while (at < slab.end && lastOffsetOf(bytes, at) < offset) at += batchBytes(bytes, at);
      const from = at;
      while (at < slab.end && baseOffsetOf(bytes, at) < end) {
        const size = batchBytes(bytes, at);
        if (total > 0 && total + size > bytesMax) break;
        total += size;
        at += size;
      }
      if (at > from) chunks.push(bytes.subarray(from, at));
      if (at < slab.end || total >= bytesMax) break;
    }
    return concat(chunks, total);
  }

  /** Base offset of the first batch that ends behind `start` and begins before `end`, with a timestamp of `timestampMs` or later, undefined when there is none. */
  offsetForTime(timestampMs: number, start: number, end: number): number | undefined {
    let index = this.#find((slab) => slab.maxTimestampSoFar >= timestampMs);
    for (; index < this.#slabs.length; index++) {
      const slab = this.#slabs[index]!;
      if (slab.maxTimestamp < timestampMs) continue;
      const bytes = slab.piece.bytes;
      for (let at = slab.piece.start; at < slab.end; at += batchBytes(bytes, at)) {
        const offset = baseOffsetOf(bytes, at);
        if (offset >= end) return undefined;
        if (maxTimestampOf(bytes, at) >= timestampMs && lastOffsetOf(bytes, at) >= start) return offset;
      }
    }
    return undefined;
  }

  /** Index of the first slab of which `holds`, which must be false first and true from then on. */
  #find(holds: (slab: Slab) => boolean): number {
    let low = this.#head;
    let high = this.#slabs.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (holds(this.#slabs[middle]!)) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

const NONE: Slab[] = [];

function concat(chunks: readonly Uint8Array[], total: number): Uint8Array {
  const all = Buffer.allocUnsafeSlow(total);
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}
