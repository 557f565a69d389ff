/** The log with all its entries in memory; bounded by compaction (`RaftSettings.logBytesMax`). */
import { assert } from '../../base/assert.ts';
import { type Entry, entryBytes } from './entry.ts';
import type { RaftLog } from './raft-log.ts';

/** Compacted entries stay in front of the array until they are this many and more than half of it. */
const SLACK_ENTRIES = 1024;

export class MemoryLog implements RaftLog {
  #entries: Entry[] = [];
  /** Bytes of all entries up to and including each, since the log was made or reset. */
  #bytesTo: number[] = [];
  /** Places in front of the arrays that are compacted. */
  #start = 0;
  #bytesCompacted = 0;
  #snapshotIndex: number;
  #snapshotTerm: number;

  constructor(snapshotIndex = 0, snapshotTerm = 0, entries: readonly Entry[] = []) {
    this.#snapshotIndex = snapshotIndex;
    this.#snapshotTerm = snapshotTerm;
    this.append(entries);
  }

  get snapshotIndex(): number {
    return this.#snapshotIndex;
  }

  get firstIndex(): number {
    return this.#snapshotIndex + 1;
  }

  get lastIndex(): number {
    return this.#snapshotIndex + this.#entries.length - this.#start;
  }

  term(index: number): number {
    if (index === this.#snapshotIndex) return this.#snapshotTerm;
    if (index < this.#snapshotIndex || index > this.lastIndex) return -1;
    return this.#entries[this.#place(index)]!.term;
  }

  entries(from: number, to: number, bytesMax: number): readonly Entry[] {
    assert(from > this.#snapshotIndex && to <= this.lastIndex && from <= to, 'entries outside of the log');
    const first = this.#place(from);
    const last = this.#place(to);
    const before = this.#bytesBefore(first);
    let end = last + 1;
    if (this.#bytesTo[last]! - before > bytesMax) {
      end = first + 1;
      while (end <= last && this.#bytesTo[end]! - before <= bytesMax) end++;
    }
    return this.#entries.slice(first, end);
  }

  bytes(from: number, to: number): number {
    if (from > to) return 0;
    assert(from > this.#snapshotIndex && to <= this.lastIndex, 'bytes outside of the log');
    return this.#bytesTo[this.#place(to)]! - this.#bytesBefore(this.#place(from));
  }

  append(entries: readonly Entry[]): void {
    let bytes = this.#bytesBefore(this.#entries.length);
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[i]!;
      assert(entry.index === this.lastIndex + 1, 'the log has no gaps');
      bytes += entryBytes(entry);
      this.#entries.push(entry);
      this.#bytesTo.push(bytes);
    }
  }

  truncate(from: number): void {
    assert(from > this.#snapshotIndex, 'what is compacted is committed');
    const place = this.#place(from);
    if (place >= this.#entries.length) return;
    this.#entries.length = place;
    this.#bytesTo.length = place;
  }

  compact(to: number): void {
    if (to <= this.#snapshotIndex) return;
    assert(to <= this.lastIndex, 'compacts what there is');
    this.#snapshotTerm = this.term(to);
    this.#start = this.#place(to) + 1;
    this.#snapshotIndex = to;
    if (this.#start < SLACK_ENTRIES || this.#start < this.#entries.length / 2) return;
    this.#bytesCompacted = this.#bytesTo[this.#start - 1]!;
    this.#entries = this.#entries.slice(this.#start);
    this.#bytesTo = this.#bytesTo.slice(this.#start);
    this.#start = 0;
  }

  reset(index: number, term: number): void {
    this.#entries = [];
    this.#bytesTo = [];
    this.#start = 0;
    this.#bytesCompacted = 0;
    this.#snapshotIndex = index;
    this.#snapshotTerm = term;
  }

  #bytesBefore(place: number): number {
    return place === 0 ? this.#bytesCompacted : this.#bytesTo[place - 1]!;
  }

  #place(index: number): number {
    return this.#start + index - this.#snapshotIndex - 1;
  }
}
