/**
 * A group's log as it is on its way to the disk: the sum of what has been written so far, and which frames of its shard hold which entries. Built by recovery from the
 * frames that are there, then carried on with each write.
 */
import { assert } from '../../../base/assert.ts';
import { FRAME_HEADER_BYTES } from '../../../storage/frame.ts';
import { DurableGroup } from '../durable-group.ts';
import { bytesOf } from '../entry.ts';
import type { GroupWrite } from '../storage.ts';
import type { PlacedWrite } from './write-codec.ts';

/** Frames that are not needed stay in front of the arrays until they are this many and half of them. */
const SLACK_FRAMES = 1024;

export class GroupLog extends DurableGroup {
  /** Frames with entries that count, oldest first from `#dropped` on: the first index in each, and its offset. */
  #firsts: number[] = [];
  #offsets: number[] = [];
  #dropped = 0;
  /** Offset of the newest frame that says what the snapshot is. */
  #stateOffset = 0;
  #nextOffset: number;
  #isEmpty = true;

  /** @param nextOffset of the next frame of its shard. */
  constructor(nextOffset = 0) {
    super();
    this.#nextOffset = nextOffset;
  }

  /** What comes before is not needed to read the group. */
  get startOffset(): number {
    return Math.min(this.#stateOffset, this.#offsets[this.#dropped] ?? this.#stateOffset);
  }

  get nextOffset(): number {
    return this.#nextOffset;
  }

  /** The write with its place; it counts from now on. */
  place(write: GroupWrite): PlacedWrite {
    const { hard, snapshot, isReset, truncateFrom, entries, compactTo } = write;
    const { prevIndex, prevTerm } = this.#before(write);
    // Field by field: this is made for every group that writes in a turn, and spreading takes longer than all the rest.
    const placed = { hard, snapshot, isReset, isRestated: false, truncateFrom, compactTo, prevIndex, prevTerm, entries };
    this.take(placed);
    return placed;
  }

  #before({ isReset, snapshot, truncateFrom, entries }: GroupWrite): { prevIndex: number; prevTerm: number } {
    if (isReset) {
      assert(snapshot !== undefined, 'a snapshot takes the place of the log');
      return { prevIndex: snapshot.index, prevTerm: snapshot.term };
    }
    const end = truncateFrom > 0 ? Math.min(this.lastIndex, truncateFrom - 1) : this.lastIndex;
    const prevIndex = entries.length > 0 ? entries[0]!.index - 1 : end;
    const prevTerm = this.term(prevIndex);
    assert(prevIndex === end && prevTerm >= 0, 'a write goes on where the log ends');
    return { prevIndex, prevTerm };
  }

  /**
   * The next frame of the shard. The first one may stand anywhere in the log: also behind entries that a later frame makes void, when what was before them is compacted.
   * Then the log begins where that one says.
   */
  take(write: PlacedWrite): void {
    const offset = this.#nextOffset++;
    if (this.#isEmpty || write.isRestated) {
      this.#begin(write);
      this.#stateOffset = offset;
    } else if (write.truncateFrom > 0 && write.truncateFrom <= this.compacted.index && !write.isReset) {
      this.#begin(write);
    }
    this.apply(write);
    const { isReset, truncateFrom, snapshot, entries } = write;
    if (isReset) this.#forget(0);
    if (truncateFrom > 0) this.#forget(truncateFrom);
    if (snapshot !== undefined) this.#stateOffset = offset;
    if (entries.length > 0) {
      this.#firsts.push(entries[0]!.index);
      this.#offsets.push(offset);
    }
    this.#dropCompacted();
  }

  /** What `restate` writes, about. */
  get restatedBytes(): number {
    return FRAME_HEADER_BYTES + bytesOf(this.entries);
  }

  /** All that counts as one write. It counts from now on. */
  restate(): PlacedWrite {
    const { hard, snapshot, compacted, entries } = this;
    const write: PlacedWrite = {
      hard,
      snapshot,
      isReset: false,
      isRestated: true,
      truncateFrom: 0,
      compactTo: 0,
      prevIndex: compacted.index,
      prevTerm: compacted.term,
      entries: [...entries],
    };
    this.take(write);
    return write;
  }

  #begin({ prevIndex, prevTerm }: PlacedWrite): void {
    this.#isEmpty = false;
    this.entries = [];
    this.compacted = { index: prevIndex, term: prevTerm };
    this.#forget(0);
  }

  #dropCompacted(): void {
    const firsts = this.#firsts;
    const due = this.compacted.index + 1;
    while (this.#dropped < firsts.length && (firsts[this.#dropped + 1] ?? this.lastIndex + 1) <= due) this.#dropped++;
    if (this.#dropped < SLACK_FRAMES || this.#dropped * 2 < firsts.length) return;
    this.#firsts = firsts.slice(this.#dropped);
    this.#offsets = this.#offsets.slice(this.#dropped);
    this.#dropped = 0;
  }

  /** Entries from `index` on are void. */
  #forget(index: number): void {
    while (this.#firsts.length > this.#dropped && this.#firsts.at(-1)! >= index) {
      this.#firsts.pop();
      this.#offsets.pop();
    }
  }
}
