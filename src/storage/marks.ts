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

export class Marks {
  readonly #byShard = new SteadyMap<ShardId, Set<number>>();

  set(shard: ShardId, kind: number, value: number): void {
    const marks = this.#byShard.get(shard);
    if (marks === undefined) this.#byShard.set(shard, new Set([kind * KIND_SPAN + value]));
    else marks.add(kind * KIND_SPAN + value);
  }

  clear(shard: ShardId, kind: number, value: number): void {
    const marks = this.#byShard.get(shard);
    if (marks === undefined) return;
    marks.delete(kind * KIND_SPAN + value);
    if (marks.size === 0) this.#byShard.delete(shard);
  }

  trim(shard: ShardId, start: number): void {
    const marks = this.#byShard.get(shard);
    if (marks === undefined) return;
    for (const mark of marks) {
      if (Math.floor(mark / KIND_SPAN) < OFFSET_KINDS && mark % KIND_SPAN < start) marks.delete(mark);
    }
    if (marks.size === 0) this.#byShard.delete(shard);
  }

  drop(shard: ShardId): void {
    this.#byShard.delete(shard);
  }

  of(shard: ShardId): Mark[] {
    const marks = this.#byShard.get(shard);
    if (marks === undefined) return [];
    return [...marks].map((mark) => ({ kind: Math.floor(mark / KIND_SPAN), value: mark % KIND_SPAN }));
  }

  get shards(): number {
    return this.#byShard.size;
  }

  *all(): Generator<[ShardId, Mark]> {
    for (const shard of this.#byShard.keys()) for (const mark of this.of(shard)) yield [shard, mark];
  }
}
