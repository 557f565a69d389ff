/**
 * The oldest sealed segments of a log: which of them recovery can do without, who keeps them, and how they go, given up or replaced by what is left of them. Oldest first, and not before what has ended their records is
 * durable: what a crash brings back must not begin in a file that is gone. Owned by the journal.
 */
import type { ShardId } from './engine.ts';
import type { Journal } from './journal.ts';
import type { IndexEntry, SealedSegment } from './sealed-segment.ts';

export class Front {
  readonly #journal: Journal;
  /** Numbers of the segments that the two checkpoints begin with; 0: from the first one on nothing is to go. */
  #checkpointed: { readonly older: number; readonly newer: number };
  /** What was found to hold nothing any more: up to which segment, and the sync that makes what ended its records durable. */
  #dead = { upTo: 0, settledBy: 0 };

  /** @param checkpointed what the checkpoint begins with that the log was opened by; 0: there is none */
  constructor(journal: Journal, checkpointed: number) {
    this.#journal = journal;
    this.#checkpointed = { older: checkpointed, newer: checkpointed };
  }

  /** A checkpoint has been written that begins with the segment. */
  checkpointed(segment: number): void {
    this.#checkpointed = { older: this.#checkpointed.newer, newer: segment };
  }

  /**
   * How many sealed segments recovery can do without: those before what both checkpoints begin with. The last one is never among them. After a crash between a new segment and its checkpoint there
   * are more behind them.
   */
  get length(): number {
    const { sealed } = this.#journal;
    let count = 0;
    while (count < sealed.length - 1 && sealed[count]!.info.number < this.#checkpointed.older) count++;
    return count;
  }

  /** Gives up the segments of which no shard has anything any more, when that is on disk. Returns how many went. */
  collect(): number {
    const { sealed, pins } = this.#journal;
    const before = this.#dead;
    let dead = 0;
    const { length } = this;
    while (dead < length && !pins.has(sealed[dead]!.info.number) && !this.#isAlive(sealed[dead]!)) dead++;
    if (dead === 0) return 0;
    this.#dead = { upTo: sealed[dead - 1]!.info.number, settledBy: this.#journal.settledBy() };
    if (!this.#journal.isSettled(this.#dead.settledBy)) {
      if (!this.#journal.isSettled(before.settledBy)) return 0;
      while (dead > 0 && sealed[dead - 1]!.info.number > before.upTo) dead--;
    }
    for (const segment of sealed.splice(0, dead)) this.#retire(segment);
    return dead;
  }

  /** The shards that keep the oldest segment, if it may be given up; undefined when they are more than `most`. */
  keepers(most: number): ReadonlySet<ShardId> | undefined {
    const keepers = new Set<ShardId>();
    const first = this.#journal.sealed[0];
    if (first === undefined || this.length === 0) return keepers;
    const entry: IndexEntry = { shard: 0, position: 0, length: 0, span: 0, timestamp: 0, offset: 0 };
    for (let i = 0; first.entry(i, entry); i++) {
      if (!this.isWanted(entry, first.info.number)) continue;
      keepers.add(entry.shard);
      if (keepers.size > most) return undefined;
    }
    return keepers;
  }

  /** `segment` holds what was left of the first `count` sealed ones, and has the name of the last of them. */
  replace(count: number, segment: SealedSegment): void {
    const { sealed, tail } = this.#journal;
    const { number } = segment.info;
    tail.forget(number);
    for (const old of sealed.splice(0, count, segment)) if (old.info.number !== number) this.#retire(old);
  }

  /** Somebody keeps what a sealed segment's entry tells of. */
  isWanted({ shard, offset, span }: IndexEntry, segment: number): boolean {
    const { table } = this.#journal;
    return table.has(shard) && table.oldestSegment(shard) <= segment && offset + span > table.start(shard);
  }

  #isAlive(segment: SealedSegment): boolean {
    const entry: IndexEntry = { shard: 0, position: 0, length: 0, span: 0, timestamp: 0, offset: 0 };
    for (let i = 0; segment.entry(i, entry); i++) if (this.isWanted(entry, segment.info.number)) return true;
    return false;
  }

  #retire({ info: { path, size, number } }: SealedSegment): void {
    this.#journal.files.close(path);
    this.#journal.spares.retire(path, size, number);
  }
}
