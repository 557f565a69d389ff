/**
 * The memory engine: shards in the memory of one thread, lost with the process. Calls end before they return.
 *
 * Bounds: `bytesMax` of memory in all, `shardBytesMax` of batches per shard. At a bound the engine drops the oldest slab, of the shard or of all shards,
 * or refuses the append, by `overflow`. What is staged is never dropped.
 */

import { SluiceError } from '../../base/errors.ts';
import { RECORD_BATCH_BYTES_MAX } from '../../base/limits.ts';
import type { Engine, EngineError, ReadResult, ShardId, ShardStat } from '../engine.ts';
import { batchBytes, lastOffsetOf, maxTimestampOf, setBaseOffset } from '../record-batch.ts';
import { checkAppend, outOfRange } from './append-check.ts';
import { MemoryShard, type Slab } from './memory-shard.ts';
import { ShardRows, unknownShard } from './shard-rows.ts';
import { SlabPool } from './slab-pool.ts';

export interface MemoryEngineOptions {
  /** Memory for all shards; at least one block of 1 MiB. */
  readonly bytesMax: number;
  readonly shardBytesMax: number;
  readonly overflow: 'drop-oldest' | 'refuse';
}

/** A shard at its bound should lose an eighth of it at most. */
const SLABS_PER_SHARD_BOUND = 8;

export class MemoryEngine implements Engine {
  readonly isDurable = false;
  readonly #options: MemoryEngineOptions;
  readonly #rows = new ShardRows();
  readonly #pool: SlabPool;
  /** Only shards that hold something. */
  readonly #shards = new Map<ShardId, MemoryShard>();
  #dirty: ShardId[] = [];
  #oldest: Slab | undefined;
  #newest: Slab | undefined;

  constructor(options: MemoryEngineOptions) {
    this.#options = options;
    this.#pool = new SlabPool(options.bytesMax);
  }

  /** Memory that is held, bytes. */
  get bytes(): number {
    return this.#pool.bytes;
  }

  create(shard: ShardId, start = 0): void {
    if (!this.#rows.has(shard)) this.#rows.create(shard, start);
  }

  has(shard: ShardId): boolean {
    return this.#rows.has(shard);
  }

  append(shard: ShardId, expected: number, bytes: Uint8Array, from: number, to: number): number {
    const rows = this.#rows;
    rows.demand(shard);
    const offset = rows.next[shard]!;
    const { bytesMax, shardBytesMax } = this.#options;
    const sizeMax = Math.min(RECORD_BATCH_BYTES_MAX, shardBytesMax, bytesMax);
    const offsets = checkAppend(shard, offset, expected, sizeMax, bytes, from, to);
    const size = to - from;
    this.#makeRoomInShard(shard, size);
    const slab = this.#slabFor(shard, offset, size);
    const { piece } = slab;
    piece.bytes.set(bytes.subarray(from, to), slab.end);
    setBaseOffset(piece.bytes, slab.end, offset);
    slab.end += size;
    slab.nextOffset = offset + offsets;
    slab.maxTimestamp = Math.max(slab.maxTimestamp, maxTimestampOf(bytes, from));
    slab.maxTimestampSoFar = Math.max(slab.maxTimestampSoFar, slab.maxTimestamp);
    rows.next[shard] = offset + offsets;
    rows.bytes[shard]! += size;
    rows.batches[shard]!++;
    if (!rows.isDirty(shard)) {
      rows.setDirty(shard, true);
      this.#dirty.push(shard);
    }
    return offset;
  }

  commit(_sync: boolean, then: (error: EngineError) => void): void {
    const rows = this.#rows;
    for (const shard of this.#dirty) {
      if (!rows.isDirty(shard)) continue;
      rows.setDirty(shard, false);
      rows.end[shard] = rows.next[shard]!;
    }
    this.#dirty = [];
    then(undefined);
  }

  read(
    shard: ShardId,
    offset: number,
    bytesMax: number,
    then: (error: EngineError, result: ReadResult | undefined) => void,
  ): void {
    if (!this.#rows.has(shard)) return then(unknownShard(shard), undefined);
    const start = this.#rows.start[shard]!;
    const end = this.#rows.end[shard]!;
    const error = outOfRange(shard, offset, start, end);
    if (error !== undefined) return then(error, undefined);
    const batches = this.#shards.get(shard)?.read(offset, end, bytesMax) ?? new Uint8Array(0);
    then(undefined, { batches, start, end });
  }

  offsetForTime(shard: ShardId, timestampMs: number, then: (error: EngineError, offset: number) => void): void {
    if (!this.#rows.has(shard)) return then(unknownShard(shard), 0);
    const start = this.#rows.start[shard]!;
    const end = this.#rows.end[shard]!;
    const offset = this.#shards.get(shard)?.offsetForTime(timestampMs, start, end) ?? end;
    then(undefined, Math.max(offset, start));
  }

  trim(shard: ShardId, start: number): void {
    if (!this.#rows.has(shard) || !this.#rows.trim(shard, start)) return;
    const memory = this.#shards.get(shard);
    if (memory === undefined) return;
    const kept = this.#rows.start[shard]!;
    for (let slab = memory.first; slab !== undefined && slab.nextOffset <= kept; slab = memory.first) this.#free(memory, slab);
    if (memory.first === undefined) this.#shards.delete(shard);
    else this.#count(shard, memory, kept);
  }

  stat(shard: ShardId): ShardStat {
    return this.#rows.stat(shard);
  }

  drop(shard: ShardId): void {
    if (!this.#rows.has(shard)) return;
    const memory = this.#shards.get(shard);
    if (memory !== undefined) for (let slab = memory.first; slab !== undefined; slab = memory.first) this.#free(memory, slab);
    this.#shards.delete(shard);
    this.#rows.setDirty(shard, false);
    this.#rows.drop(shard);
  }

  shards(): Iterable<ShardId> {
    return this.#rows.shards();
  }

  close(then: (error: EngineError) => void): void {
    for (const shard of this.shards()) this.drop(shard);
    then(undefined);
  }

  #makeRoomInShard(shard: ShardId, size: number): void {
    const { shardBytesMax, overflow } = this.#options;
    while (this.#rows.bytes[shard]! + size > shardBytesMax) {
      const first = this.#shards.get(shard)?.first;
      if (overflow === 'refuse' || first === undefined || !this.#dropOldest(first))
        throw full(`Shard ${shard} is at its bound of ${shardBytesMax} bytes.`);
    }
  }

  /** The slab that takes the next `size` bytes of the shard. */
  #slabFor(shard: ShardId, offset: number, size: number): Slab {
    const last = this.#shards.get(shard)?.last;
    if (last !== undefined && last.end + size <= last.piece.start + last.piece.size) return last;
    const slabBytesMax = this.#options.shardBytesMax / SLABS_PER_SHARD_BOUND;
    const wanted = (): number => this.#shards.get(shard)?.nextSlabBytes(size, slabBytesMax) ?? size;
    let piece = this.#pool.take(wanted()) ?? this.#pool.take(size);
    while (piece === undefined) {
      if (this.#options.overflow === 'refuse' || !this.#dropOldestOfAll())
        throw full(`All shards together are at their bound of ${this.#options.bytesMax} bytes.`);
      piece = this.#pool.take(size);
    }
    // Dropping may have emptied this very shard.
    let memory = this.#shards.get(shard);
    if (memory === undefined) this.#shards.set(shard, (memory = new MemoryShard()));
    const slab: Slab = {
      shard,
      piece,
      end: piece.start,
      nextOffset: offset,
      maxTimestamp: Number.NEGATIVE_INFINITY,
      maxTimestampSoFar: Number.NEGATIVE_INFINITY,
      older: this.#newest,
      newer: undefined,
    };
    if (this.#newest === undefined) this.#oldest = slab;
    else this.#newest.newer = slab;
    this.#newest = slab;
    memory.push(slab);
    return slab;
  }

  /** Gives up the first slab of a shard with all that it holds; false when something in it is not committed. */
  #dropOldest(slab: Slab): boolean {
    if (slab.nextOffset > this.#rows.end[slab.shard]!) return false;
    this.trim(slab.shard, slab.nextOffset);
    return true;
  }

  #dropOldestOfAll(): boolean {
    for (let slab = this.#oldest; slab !== undefined; slab = slab.newer) if (this.#dropOldest(slab)) return true;
    return false;
  }

  /** Bytes and batches from the start on, exactly: what the bounds are held against must not drift. */
  #count(shard: ShardId, memory: MemoryShard, start: number): void {
    let total = 0;
    for (const slab of memory.slabs()) total += slab.end - slab.piece.start;
    const { piece, end } = memory.first!;
    for (let at = piece.start; at < end && lastOffsetOf(piece.bytes, at) < start; at += batchBytes(piece.bytes, at))
      total -= batchBytes(piece.bytes, at);
    this.#rows.bytes[shard] = total;
  }

  #free(memory: MemoryShard, slab: Slab): void {
    memory.removeFirst();
    if (slab.older === undefined) this.#oldest = slab.newer;
    else slab.older.newer = slab.newer;
    if (slab.newer === undefined) this.#newest = slab.older;
    else slab.newer.older = slab.older;
    this.#pool.free(slab.piece);
  }
}

function full(what: string): SluiceError {
  return new SluiceError('SLUICE_STORAGE_FULL', what);
}
