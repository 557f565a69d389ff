/**
 * State of every shard of an engine as a struct of arrays: a shard is a row, 54 bytes, and no object. Rows are found by the shard's number itself, so numbers
 * are to be dense: who creates shards gives the lowest free ones. Bound: SHARD_MAX rows.
 */
import { assert } from '../../base/assert.ts';
import { SluiceError } from '../../base/errors.ts';
import { SHARD_MAX } from '../../base/limits.ts';
import type { ShardId, ShardStat } from '../engine.ts';

const CAPACITY_MIN = 64;
/** Below every timestamp that a batch may carry. */
const NO_TIMESTAMP = -Number.MAX_SAFE_INTEGER;

export class ShardRows {
  #present: Uint8Array = new Uint8Array(CAPACITY_MIN);
  /** Whether something of the shard is staged. */
  #dirty: Uint8Array = new Uint8Array(CAPACITY_MIN);
  start: Float64Array = new Float64Array(CAPACITY_MIN);
  /** End of what is committed. */
  end: Float64Array = new Float64Array(CAPACITY_MIN);
  /** End of what is staged. */
  next: Float64Array = new Float64Array(CAPACITY_MIN);
  /** Bytes and number of batches, staged ones included. */
  bytes: Float64Array = new Float64Array(CAPACITY_MIN);
  batches: Float64Array = new Float64Array(CAPACITY_MIN);
  /** Largest timestamp that the shard has seen, staged ones included. */
  maxTimestamp: Float64Array = new Float64Array(CAPACITY_MIN);
  /** Tells a shard from its successors of the same number. */
  incarnation: Uint32Array = new Uint32Array(CAPACITY_MIN);
  #rows = 0;

  has(shard: ShardId): boolean {
    return this.#present[shard] === 1;
  }

  /** Throws SLUICE_STORAGE_UNKNOWN_SHARD. */
  demand(shard: ShardId): void {
    if (!this.has(shard)) throw unknownShard(shard);
  }

  create(shard: ShardId, start: number): void {
    assert(Number.isInteger(shard) && shard >= 1 && shard <= SHARD_MAX, 'a shard number is out of range');
    assert(Number.isSafeInteger(start) && start >= 0, 'a shard starts at an offset');
    this.#grow(shard + 1);
    this.#present[shard] = 1;
    this.#dirty[shard] = 0;
    this.start[shard] = start;
    this.end[shard] = start;
    this.next[shard] = start;
    this.bytes[shard] = 0;
    this.batches[shard] = 0;
    this.maxTimestamp[shard] = NO_TIMESTAMP;
    this.incarnation[shard]!++;
    this.#rows = Math.max(this.#rows, shard + 1);
  }

  drop(shard: ShardId): void {
    this.#present[shard] = 0;
  }

  isDirty(shard: ShardId): boolean {
    return this.#dirty[shard] === 1;
  }

  setDirty(shard: ShardId, dirty: boolean): void {
    this.#dirty[shard] = dirty ? 1 : 0;
  }

  /** Moves the start forward, at most to the end of what is committed, and scales the bytes down with it. False when it stays. */
  trim(shard: ShardId, start: number): boolean {
    const before = this.start[shard]!;
    const to = Math.min(start, this.end[shard]!);
    if (!(to > before)) return false;
    const kept = (this.next[shard]! - to) / (this.next[shard]! - before);
    this.bytes[shard] = Math.round(this.bytes[shard]! * kept);
    this.batches[shard] = Math.ceil(this.batches[shard]! * kept);
    this.start[shard] = to;
    return true;
  }

  stat(shard: ShardId): ShardStat {
    this.demand(shard);
    return { start: this.start[shard]!, next: this.next[shard]!, bytes: this.bytes[shard]! };
  }

  *shards(): Generator<ShardId> {
    for (let shard = 0; shard < this.#rows; shard++) if (this.#present[shard] === 1) yield shard;
  }

  #grow(rows: number): void {
    if (rows <= this.#present.length) return;
    let capacity = this.#present.length;
    while (capacity < rows) capacity *= 2;
    this.#present = grown(this.#present, new Uint8Array(capacity));
    this.#dirty = grown(this.#dirty, new Uint8Array(capacity));
    this.start = grown(this.start, new Float64Array(capacity));
    this.end = grown(this.end, new Float64Array(capacity));
    this.next = grown(this.next, new Float64Array(capacity));
    this.bytes = grown(this.bytes, new Float64Array(capacity));
    this.batches = grown(this.batches, new Float64Array(capacity));
    this.maxTimestamp = grown(this.maxTimestamp, new Float64Array(capacity));
    this.incarnation = grown(this.incarnation, new Uint32Array(capacity));
  }
}

export function unknownShard(shard: ShardId): SluiceError {
  return new SluiceError('SLUICE_STORAGE_UNKNOWN_SHARD', `There is no shard ${shard}.`);
}

function grown<T extends Uint8Array | Uint32Array | Float64Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
