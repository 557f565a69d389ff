/** What a disk has of a group: the sum of its durable writes, in their order. Whoever recovers a group from what was written builds it. */
import type { Entry } from './entry.ts';
import { NO_MEMBERSHIP } from './membership.ts';
import type { GroupWrite, HardState, RecoveredGroup, SnapshotMeta } from './storage.ts';

export class DurableGroup implements RecoveredGroup {
  hard: HardState = { term: 0, vote: 0, commit: 0 };
  snapshot: SnapshotMeta = { index: 0, term: 0, membership: NO_MEMBERSHIP };
  compacted: { index: number; term: number } = { index: 0, term: 0 };
  entries: Entry[] = [];

  get lastIndex(): number {
    return this.compacted.index + this.entries.length;
  }

  term(index: number): number {
    if (index === this.compacted.index) return this.compacted.term;
    return this.entries[index - this.compacted.index - 1]?.term ?? -1;
  }

  /** The parts in their order: storage.ts says which. */
  apply(write: Omit<GroupWrite, 'group' | 'seq'>): void {
    this.hard = write.hard;
    if (write.snapshot !== undefined) this.snapshot = write.snapshot;
    if (write.isReset) {
      this.entries = [];
      this.compacted = { index: this.snapshot.index, term: this.snapshot.term };
    }
    if (write.truncateFrom > 0)
      this.entries.length = Math.min(this.entries.length, write.truncateFrom - this.compacted.index - 1);
    for (const entry of write.entries) {
      if (entry.index !== this.lastIndex + 1) throw new Error(`write of ${entry.index} behind ${this.lastIndex}`);
      this.entries.push(entry);
    }
    if (write.compactTo > this.compacted.index) {
      const dropped = write.compactTo - this.compacted.index;
      this.compacted = { index: write.compactTo, term: this.term(write.compactTo) };
      this.entries = this.entries.slice(dropped);
    }
  }

  /** All of it as one write. */
  asWrite(group: number): GroupWrite[] {
    const base = { group, seq: 0, hard: this.hard, truncateFrom: 0 };
    const first: GroupWrite = {
      ...base,
      snapshot: { ...this.compacted, membership: NO_MEMBERSHIP },
      isReset: true,
      entries: this.entries,
      compactTo: 0,
    };
    return [first, { ...base, snapshot: this.snapshot, isReset: false, entries: [], compactTo: 0 }];
  }
}
