import type { Outbox } from './outbox.ts';
import type { RaftState } from './state.ts';

/**
 * Nothing is left to do but to send `messages`: a heartbeat of an idle group, given or taken. Such groups are most of a node's, most of the time, so they are spared the end of a turn.
 * Everything is replicated, committed, applied and written, everybody has been told so, and nobody waits.
 */
export function isQuiet(state: RaftState, out: Outbox): boolean {
  const { lastIndex } = state.log;
  if (state.applied !== lastIndex || state.commit !== lastIndex || state.durableSeq !== state.writeSeq) return false;
  if (state.isHardDirty || state.isSnapshotDirty || state.compactTo > 0 || state.unwritten.length > 0) return false;
  if (out.held.length > 0 || out.reads.length > 0 || out.snapshotsFor.length > 0 || out.proposed.length > 0) return false;
  if (state.role !== 'leader') return state.role === 'follower';
  if (state.reads.length > 0 || state.transferee !== 0 || state.leavingIndex > 0) return false;
  if (state.noticeDueMs !== Number.POSITIVE_INFINITY) return false;
  for (const { id, match, sentCommit } of state.progress) {
    if (id !== state.self && (match !== lastIndex || sentCommit !== lastIndex)) return false;
  }
  return true;
}
