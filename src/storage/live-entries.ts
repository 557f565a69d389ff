/**
 * What is wanted of the front of a log: entries of its segments' indexes, in columns, segment after segment. A frame of several shards has an entry for each of them. For FrontRewrite; bounded by REWRITE_ENTRIES_MAX.
 */
import type { IndexColumns } from './seal.ts';
import type { IndexEntry } from './sealed-segment.ts';

/** A frame, and its entries: `entries[first … last]` in order of place. */
export interface LiveFrame {
  /** Index of its segment in the front. */
  readonly segment: number;
  readonly position: number;
  readonly length: number;
  readonly first: number;
  readonly last: number;
}

const CAPACITY_MIN = 1024;

export class LiveEntries implements IndexColumns {
  shard: Uint32Array = new Uint32Array(CAPACITY_MIN);
  position: Uint32Array = new Uint32Array(CAPACITY_MIN);
  length: Uint32Array = new Uint32Array(CAPACITY_MIN);
  span: Uint32Array = new Uint32Array(CAPACITY_MIN);
  offset: Float64Array = new Float64Array(CAPACITY_MIN);
  timestamp: Float64Array = new Float64Array(CAPACITY_MIN);
  size = 0;
  /** Of the frames, each counted once for each of its entries while a segment is being surveyed, and once in all when it is done. */
  bytes = 0;
  maxTimestamp = 0;
  /** For each whole segment: entries and bytes up to its end. */
  #ends: { readonly size: number; readonly bytes: number }[] = [];
  /** Entries in order of segment and place. */
  #placed: Uint32Array = new Uint32Array(0);

  add({ shard, position, length, span, offset, timestamp }: IndexEntry): void {
    const entry = this.size;
    if (entry === this.shard.length) this.#grow();
    this.size = entry + 1;
    this.shard[entry] = shard;
    this.position[entry] = position;
    this.length[entry] = length;
    this.span[entry] = span;
    this.offset[entry] = offset;
    this.timestamp[entry] = timestamp;
    this.bytes += length;
  }

  /** What has been added since the last call is all of a segment. */
  endSegment(): void {
    const before = this.#ends.at(-1) ?? { size: 0, bytes: 0 };
    const places = this.position.slice(before.size, this.size).sort();
    const lengths = new Map<number, number>();
    for (let entry = before.size; entry < this.size; entry++) lengths.set(this.position[entry]!, this.length[entry]!);
    let bytes = before.bytes;
    for (const [i, position] of places.entries()) if (i === 0 || places[i - 1] !== position) bytes += lengths.get(position)!;
    this.bytes = bytes;
    this.#ends.push({ size: this.size, bytes });
  }

  bytesUpTo(segments: number): number {
    return this.#ends[segments - 1]?.bytes ?? 0;
  }

  /** Only the first segments count. */
  cutTo(segments: number): void {
    const end = this.#ends[segments - 1] ?? { size: 0, bytes: 0 };
    this.#ends.length = segments;
    this.size = end.size;
    this.bytes = end.bytes;
  }

  /** Only what passes stays; `segment`: the index of the entry's. */
  keep(passes: (entry: IndexEntry, segment: number) => boolean): void {
    const ends = this.#ends;
    const entry: IndexEntry = { shard: 0, position: 0, length: 0, span: 0, timestamp: 0, offset: 0 };
    let at = 0;
    this.clear();
    for (const [segment, { size }] of ends.entries()) {
      for (; at < size; at++) {
        entry.shard = this.shard[at]!;
        entry.position = this.position[at]!;
        entry.length = this.length[at]!;
        entry.span = this.span[at]!;
        entry.timestamp = this.timestamp[at]!;
        entry.offset = this.offset[at]!;
        // What stays moves to the front, never beyond what is still to be looked at.
        if (passes(entry, segment)) this.add(entry);
      }
      this.endSegment();
    }
  }

  /** In order of segment and place. */
  frames(): LiveFrame[] {
    const frames: LiveFrame[] = [];
    this.#placed = new Uint32Array(this.size);
    for (let segment = 0, from = 0; segment < this.#ends.length; segment++) {
      const to = this.#ends[segment]!.size;
      const placed = Uint32Array.from({ length: to - from }, (_, i) => from + i);
      placed.sort((a, b) => this.position[a]! - this.position[b]!);
      this.#placed.set(placed, from);
      for (let i = from; i < to; ) {
        const entry = this.#placed[i]!;
        let last = i;
        while (last + 1 < to && this.position[this.#placed[last + 1]!] === this.position[entry]) last++;
        frames.push({ segment, position: this.position[entry]!, length: this.length[entry]!, first: i, last });
        i = last + 1;
      }
      from = to;
    }
    return frames;
  }

  wants({ first, last }: LiveFrame, shard: number): boolean {
    for (let i = first; i <= last; i++) if (this.shard[this.#placed[i]!] === shard) return true;
    return false;
  }

  /** The frame lies there from now on. */
  place({ first, last }: LiveFrame, position: number): void {
    for (let i = first; i <= last; i++) {
      const entry = this.#placed[i]!;
      this.position[entry] = position;
      this.maxTimestamp = Math.max(this.maxTimestamp, this.timestamp[entry]!);
    }
  }

  /** In order of shard, then offset, as a footer has them. */
  order(): Uint32Array {
    const order = Uint32Array.from({ length: this.size }, (_, i) => i);
    return order.sort((a, b) => this.shard[a]! - this.shard[b]! || this.offset[a]! - this.offset[b]!);
  }

  clear(): void {
    this.#ends = [];
    this.#placed = new Uint32Array(0);
    this.size = 0;
    this.bytes = 0;
  }

  #grow(): void {
    const capacity = this.shard.length * 2;
    this.shard = grown(this.shard, new Uint32Array(capacity));
    this.position = grown(this.position, new Uint32Array(capacity));
    this.length = grown(this.length, new Uint32Array(capacity));
    this.span = grown(this.span, new Uint32Array(capacity));
    this.offset = grown(this.offset, new Float64Array(capacity));
    this.timestamp = grown(this.timestamp, new Float64Array(capacity));
  }
}

function grown<T extends Uint32Array | Float64Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
