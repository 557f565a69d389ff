/** Between the log in memory and the disk. A write is named by its number; what became durable is looked up by that, never by an index: one index may be written more than once. */
import type { Outbox } from './outbox.ts';
import type { RaftState } from './state.ts';

/** A commit index alone is not worth a write. */
export function hasUnwritten({ isHardDirty, unwritten, truncateFrom, isSnapshotDirty, compactTo }: RaftState): boolean {
  return isHardDirty || unwritten.length > 0 || truncateFrom > 0 || isSnapshotDirty || compactTo > 0;
}

/** Everything of this turn that has to be durable, as one write. */
export function flushWrites(state: RaftState, out: Outbox): void {
  const { log, unwritten } = state;
  if (hasUnwritten(state)) {
    const seq = ++state.writeSeq;
    out.write = {
      group: state.group,
      seq,
      hard: { term: state.term, vote: state.vote, commit: state.commit },
      snapshot: state.isSnapshotDirty ? state.snapshot : undefined,
      isReset: state.isReset,
      truncateFrom: state.truncateFrom,
      entries: unwritten,
      compactTo: state.compactTo,
    };
    state.writing.push({ seq, index: log.lastIndex, issuedMs: state.nowMs });
    state.isHardDirty = false;
    state.isSnapshotDirty = false;
    state.isReset = false;
    state.truncateFrom = 0;
    state.compactTo = 0;
    state.unwritten = [];
  }
  out.after = state.writeSeq;
}

/** The log is durable up to where it ended when the newest durable write was issued, less what was truncated since. */
export function onDurable(state: RaftState, seq: number): void {
  const { writing } = state;
  let durable = 0;
  while (durable < writing.length && writing[durable]!.seq <= seq) durable++;
  if (durable === 0) return;
  const { index } = writing[durable - 1]!;
  writing.splice(0, durable);
  state.durableSeq = seq;
  if (index > state.stable) state.stable = index;
}

/**
 * Entries from `from` on are void. Writes on their way may hold some; entries that take their place, even the same ones again, are durable with a later write only.
 */
export function voidWrites(state: RaftState, from: number): void {
  state.stable = Math.min(state.stable, from - 1);
  for (const write of state.writing) write.index = Math.min(write.index, from - 1);
}

export function isDiskStalled(state: RaftState): boolean {
  const oldest = state.writing[0];
  return oldest !== undefined && state.nowMs - oldest.issuedMs > state.settings.diskStallMs;
}
