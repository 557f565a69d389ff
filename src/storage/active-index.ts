/**
 * Where the frames of each shard lie in the segment that is being written: an entry per frame and shard, in the order of the log, linked forward per shard.
 * Appending is a handful of stores; reading on is following a link. Looking an offset up walks the shard's entries from its first one, or, where all entries
 * belong to one shard, halves them.
 */
import type { ShardId } from './engine.ts';
import { NO_ENTRY, type ShardTable } from './shard-table.ts';

const CAPACITY_MIN = 1024;

export class ActiveIndex {
  readonly #table: ShardTable;
  /** All entries are of one shard. */
  readonly #isSingle: boolean;
  shard: Uint32Array = new Uint32Array(CAPACITY_MIN);
  position: Uint32Array = new Uint32Array(CAPACITY_MIN);
  length: Uint32Array = new Uint32Array(CAPACITY_MIN);
  /** Offsets that the frame takes of the shard. */
  span: Uint32Array = new Uint32Array(CAPACITY_MIN);
  offset: Float64Array = new Float64Array(CAPACITY_MIN);
  timestamp: Float64Array = new Float64Array(CAPACITY_MIN);
  next: Int32Array = new Int32Array(CAPACITY_MIN);
  size = 0;

  constructor(table: ShardTable, isSingle: boolean) {
    this.#table = table;
    this.#isSingle = isSingle;
  }

  add(shard: ShardId, position: number, length: number, offset: number, span: number, timestamp: number): void {
    const entry = this.push(shard, position, length, offset, span, timestamp);
    const last = this.#table.lastEntry(shard);
    if (last === NO_ENTRY) this.#table.setEntries(shard, entry, entry);
    else {
      this.next[last] = entry;
      this.#table.setEntries(shard, this.#table.firstEntry(shard), entry);
    }
  }

  /** An entry without links: it is found only by its place in the order of the log. */
  push(shard: ShardId, position: number, length: number, offset: number, span: number, timestamp: number): number {
    const entry = this.size;
    if (entry === this.shard.length) this.#grow();
    this.size = entry + 1;
    this.shard[entry] = shard;
    this.position[entry] = position;
    this.length[entry] = length;
    this.offset[entry] = offset;
    this.span[entry] = span;
    this.timestamp[entry] = timestamp;
    this.next[entry] = NO_ENTRY;
    return entry;
  }

  /** The entry that holds `offset`, or the first one after it; NO_ENTRY when all of the shard's end before it. */
  find(shard: ShardId, offset: number): number {
    const first = this.#table.firstEntry(shard);
    if (first === NO_ENTRY || offset <= this.offset[first]!) return first;
    const last = this.#table.lastEntry(shard);
    let entry = last;
    if (offset < this.offset[last]!) entry = this.#isSingle ? this.#halve(first, last, offset) : this.#walk(first, offset);
    return offset < this.offset[entry]! + this.span[entry]! ? entry : this.next[entry]!;
  }

  /** The first entry of the shard whose frame reaches `timestamp` and goes beyond `start`. */
  findTime(shard: ShardId, timestamp: number, start: number): number {
    let entry = this.find(shard, start);
    while (entry !== NO_ENTRY && this.timestamp[entry]! < timestamp) entry = this.next[entry]!;
    return entry;
  }

  clear(): void {
    this.size = 0;
    this.#table.clearEntries();
  }

  /** Entries in order of shard, then offset: what a sealed segment is searched by. */
  sorted(): Uint32Array {
    // Counting would need an array over all shards; sorting the shards that occur and following their links needs one over the entries.
    const firsts: number[] = [];
    for (let entry = 0; entry < this.size; entry++) {
      const shard = this.shard[entry]!;
      if (this.#table.has(shard) && this.#table.firstEntry(shard) === entry) firsts.push(entry);
    }
    firsts.sort((a, b) => this.shard[a]! - this.shard[b]!);
    const order = new Uint32Array(this.size);
    let size = 0;
    for (const first of firsts) for (let entry = first; entry !== NO_ENTRY; entry = this.next[entry]!) order[size++] = entry;
    return order.subarray(0, size);
  }

  #walk(first: number, offset: number): number {
    let entry = first;
    for (let next = this.next[entry]!; next !== NO_ENTRY && this.offset[next]! <= offset; next = this.next[entry]!) entry = next;
    return entry;
  }

  #halve(first: number, last: number, offset: number): number {
    let low = first;
    let high = last;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.offset[middle]! <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  #grow(): void {
    const capacity = this.shard.length * 2;
    this.shard = grown(this.shard, new Uint32Array(capacity));
    this.position = grown(this.position, new Uint32Array(capacity));
    this.length = grown(this.length, new Uint32Array(capacity));
    this.span = grown(this.span, new Uint32Array(capacity));
    this.offset = grown(this.offset, new Float64Array(capacity));
    this.timestamp = grown(this.timestamp, new Float64Array(capacity));
    this.next = grown(this.next, new Int32Array(capacity));
  }
}

function grown<T extends Float64Array | Int32Array | Uint32Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
