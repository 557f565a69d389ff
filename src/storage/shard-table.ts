/**
 * The state of every shard of a log as a struct of arrays: a cold shard is a row, 45 bytes, and no object, timer or actor. Rows are found by the shard's
 * number itself, so numbers are to be dense: who creates shards gives the lowest free ones.
 */

import { assert } from '../base/assert.ts';
import { SHARD_MAX } from '../base/limits.ts';
import type { ShardId, ShardStat } from './engine.ts';

export const NO_ENTRY = -1;
const ABSENT = 0;
const PRESENT = 1;
const CAPACITY_MIN = 16;

export class ShardTable {
  /** Number of the row 0. */
  readonly #base: ShardId;
  #state: Uint8Array = new Uint8Array(CAPACITY_MIN);
  #start: Float64Array = new Float64Array(CAPACITY_MIN);
  #next: Float64Array = new Float64Array(CAPACITY_MIN);
  /** What is committed; staged appends are beyond it. */
  #end: Float64Array = new Float64Array(CAPACITY_MIN);
  #bytes: Float64Array = new Float64Array(CAPACITY_MIN);
  /** First and last entry of the shard in the active index. */
  #first: Int32Array = new Int32Array(CAPACITY_MIN).fill(NO_ENTRY);
  #last: Int32Array = new Int32Array(CAPACITY_MIN).fill(NO_ENTRY);
  /** No sealed segment with a lower number holds anything of the shard. */
  #oldest: Uint32Array = new Uint32Array(CAPACITY_MIN);
  #rows = 0;
  #present = 0;

  constructor(base: ShardId) {
    this.#base = base;
  }

  get size(): number {
    return this.#present;
  }

  has(shard: ShardId): boolean {
    return this.#state[shard - this.#base] === PRESENT;
  }

  create(shard: ShardId, start: number, segment: number): void {
    const row = shard - this.#base;
    assert(row >= 0 && shard <= SHARD_MAX && Number.isInteger(row), 'shard number out of range');
    if (row >= this.#state.length) this.#grow(row + 1);
    assert(this.#state[row] === ABSENT, 'a shard is created once');
    this.#state[row] = PRESENT;
    this.#start[row] = start;
    this.#next[row] = start;
    this.#end[row] = start;
    this.#bytes[row] = 0;
    this.#first[row] = NO_ENTRY;
    this.#last[row] = NO_ENTRY;
    this.#oldest[row] = segment;
    this.#rows = Math.max(this.#rows, row + 1);
    this.#present++;
  }

  drop(shard: ShardId): void {
    const row = this.#row(shard);
    this.#state[row] = ABSENT;
    this.#present--;
  }

  start(shard: ShardId): number {
    return this.#start[this.#row(shard)]!;
  }

  next(shard: ShardId): number {
    return this.#next[this.#row(shard)]!;
  }

  end(shard: ShardId): number {
    return this.#end[this.#row(shard)]!;
  }

  oldestSegment(shard: ShardId): number {
    return this.#oldest[this.#row(shard)]!;
  }

  setOldestSegment(shard: ShardId, segment: number): void {
    this.#oldest[this.#row(shard)] = segment;
  }

  firstEntry(shard: ShardId): number {
    return this.#first[this.#row(shard)]!;
  }

  lastEntry(shard: ShardId): number {
    return this.#last[this.#row(shard)]!;
  }

  setEntries(shard: ShardId, first: number, last: number): void {
    const row = this.#row(shard);
    this.#first[row] = first;
    this.#last[row] = last;
  }

  /** The active index begins anew. */
  clearEntries(): void {
    this.#first.fill(NO_ENTRY, 0, this.#rows);
    this.#last.fill(NO_ENTRY, 0, this.#rows);
  }

  stage(shard: ShardId, records: number): void {
    this.#next[this.#row(shard)]! += records;
  }

  unstage(shard: ShardId, next: number): void {
    if (this.has(shard)) this.#next[this.#row(shard)] = next;
  }

  /** What was staged up to `end` is committed and took `bytes`. */
  committed(shard: ShardId, end: number, bytes: number): void {
    const row = this.#row(shard);
    this.#end[row] = end;
    this.#bytes[row]! += bytes;
  }

  /** As found in the log: the shard goes on at `end`. */
  recovered(shard: ShardId, end: number, bytes: number): void {
    const row = this.#row(shard);
    this.#next[row] = end;
    this.#end[row] = end;
    this.#bytes[row]! += bytes;
  }

  /** Moves the start forward, at most to the end of what is committed. Returns the start. */
  trim(shard: ShardId, start: number): number {
    const row = this.#row(shard);
    const before = this.#start[row]!;
    const end = this.#end[row]!;
    const to = Math.min(start, end);
    if (to <= before) return before;
    this.#bytes[row] = Math.round(this.#bytes[row]! * ((end - to) / (end - before)));
    this.#start[row] = to;
    return to;
  }

  stat(shard: ShardId): ShardStat {
    const row = this.#row(shard);
    return { start: this.#start[row]!, next: this.#next[row]!, bytes: this.#bytes[row]! };
  }

  setBytes(shard: ShardId, bytes: number): void {
    this.#bytes[this.#row(shard)] = bytes;
  }

  *shards(): Generator<ShardId> {
    for (let row = 0; row < this.#rows; row++) if (this.#state[row] === PRESENT) yield row + this.#base;
  }

  #row(shard: ShardId): number {
    const row = shard - this.#base;
    assert(this.#state[row] === PRESENT, 'no such shard');
    return row;
  }

  #grow(rows: number): void {
    let capacity = this.#state.length;
    while (capacity < rows) capacity *= 2;
    const { length } = this.#state;
    this.#state = grown(this.#state, new Uint8Array(capacity));
    this.#start = grown(this.#start, new Float64Array(capacity));
    this.#next = grown(this.#next, new Float64Array(capacity));
    this.#end = grown(this.#end, new Float64Array(capacity));
    this.#bytes = grown(this.#bytes, new Float64Array(capacity));
    this.#first = grown(this.#first, new Int32Array(capacity)).fill(NO_ENTRY, length);
    this.#last = grown(this.#last, new Int32Array(capacity)).fill(NO_ENTRY, length);
    this.#oldest = grown(this.#oldest, new Uint32Array(capacity));
  }
}

function grown<T extends Uint8Array | Float64Array | Int32Array | Uint32Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
