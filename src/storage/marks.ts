/**
 * Marks of the shards of a log: for a session's inbox, which messages beyond its start are done, which are half done, and which packet ids are taken. Sets of
 * numbers by shard and kind. Few shards have any, so they are a map; a shard's object goes with its last mark.
 */
import { SteadyMap } from '../base/steady-map.ts';
import type { ShardId } from './engine.ts';

export interface Mark {
  readonly kind: number;
  readonly value: number;
}

/** Kinds below this are about offsets: trimming beyond the offset takes the mark away. */
export const OFFSET_KINDS = 128;
const KIND_SPAN = 2 ** 45;

/** Those of one shard. */
class ShardMarks {
  /** `kind * KIND_SPAN + value` */
  readonly all = new Set<number>();
  /** Kinds about offsets that there have been. */
  readonly #kinds: number[] = [];
  /** No mark about an offset has a lower one. */
  #lowest = Number.POSITIVE_INFINITY;

  add(kind: number, value: number): void {
    this.all.add(kind * KIND_SPAN + value);
    if (kind >= OFFSET_KINDS) return;
    if (!this.#kinds.includes(kind)) this.#kinds.push(kind);
    if (value < this.#lowest) this.#lowest = value;
  }

  /** Looks up the offsets that go, or goes through all marks where these are fewer: an inbox with many marks is trimmed a few messages at a time. */
  trim(start: number): void {
    if (start <= this.#lowest) return;
    const lookups = (start - this.#lowest) * this.#kinds.length;
    if (lookups < this.all.size) {
      for (const kind of this.#kinds)
        for (let value = this.#lowest; value < start; value++) this.all.delete(kind * KIND_SPAN + value);
    } else {
      for (const mark of this.all)
        if (Math.floor(mark / KIND_SPAN) < OFFSET_KINDS && mark % KIND_SPAN < start) this.all.delete(mark);
    }
    this.#lowest = start;
  }
}

export class Marks {
  readonly #byShard = new SteadyMap<ShardId, ShardMarks>();

  set(shard: ShardId, kind: number, value: number): void {
    let marks = this.#byShard.get(shard);
    if (marks === undefined) this.#byShard.set(shard, (marks = new ShardMarks()));
    marks.add(kind, value);
  }

  clear(shard: ShardId, kind: number, value: number): void {
    const marks = this.#byShard.get(shard);
    if (marks === undefined) return;
    marks.all.delete(kind * KIND_SPAN + value);
    if (marks.all.size === 0) this.#byShard.delete(shard);
  }

  trim(shard: ShardId, start: number): void {
    const marks = this.#byShard.get(shard);
    if (marks === undefined) return;
    marks.trim(start);
    if (marks.all.size === 0) this.#byShard.delete(shard);
  }

  drop(shard: ShardId): void {
    this.#byShard.delete(shard);
  }

  of(shard: ShardId): Mark[] {
    const marks = this.#byShard.get(shard);
    if (marks === undefined) return [];
    return Array.from(marks.all, (mark) => ({ kind: Math.floor(mark / KIND_SPAN), value: mark % KIND_SPAN }));
  }

  get shards(): number {
    return this.#byShard.size;
  }

  *all(): Generator<[ShardId, Mark]> {
    for (const shard of this.#byShard.keys()) for (const mark of this.of(shard)) yield [shard, mark];
  }
}
