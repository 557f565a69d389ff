/** A log whose older entries have to be fetched, as from a disk: the first question has no answer, one after the fetch has. */
import type { Entry } from '../../../src/actors/raft/entry.ts';
import type { MemoryLog } from '../../../src/actors/raft/memory-log.ts';
import type { RaftLog } from '../../../src/actors/raft/raft-log.ts';

const WARM_ENTRIES = 8;

export class ColdLog implements RaftLog {
  /** All of it, for who only looks on. */
  readonly warm: MemoryLog;
  /** Calls back when the entries are in memory. */
  readonly #fetch: (done: () => void) => void;
  /** A group starts with all of its log in memory. */
  isCold = false;
  #isFetching = false;
  #fetchedFrom = Number.POSITIVE_INFINITY;

  constructor(log: MemoryLog, fetch: (done: () => void) => void) {
    this.warm = log;
    this.#fetch = fetch;
  }

  get snapshotIndex(): number {
    return this.warm.snapshotIndex;
  }

  get firstIndex(): number {
    return this.warm.firstIndex;
  }

  get lastIndex(): number {
    return this.warm.lastIndex;
  }

  term(index: number): number {
    return this.warm.term(index);
  }

  entries(from: number, to: number, bytesMax: number): readonly Entry[] | undefined {
    if (!this.isCold || from > this.lastIndex - WARM_ENTRIES || from >= this.#fetchedFrom)
      return this.warm.entries(from, to, bytesMax);
    if (this.#isFetching) return undefined;
    this.#isFetching = true;
    this.#fetch(() => {
      this.#isFetching = false;
      this.#fetchedFrom = from;
    });
    return undefined;
  }

  bytes(from: number, to: number): number {
    return this.warm.bytes(from, to);
  }

  append(entries: readonly Entry[]): void {
    this.warm.append(entries);
  }

  truncate(from: number): void {
    this.warm.truncate(from);
  }

  compact(to: number): void {
    this.warm.compact(to);
  }

  reset(index: number, term: number): void {
    this.warm.reset(index, term);
  }
}
