/** Snapshots: what compaction leaves, and what replaces the log of a replica that is too far behind. */
import { assert } from '../../../base/assert.ts';
import type { ReplicaId } from '../replica.ts';
import type { SnapshotMeta } from '../storage.ts';
import { commitTo } from './commit.ts';
import type { Outbox } from './outbox.ts';
import { becomeProbe } from './progress.ts';
import { findProgress } from './quorum.ts';
import type { RaftState } from './state.ts';
import { voidWrites } from './writes.ts';

/** What a snapshot at `index` (applied, not before the last snapshot) says about itself: the membership that was in force there. */
export function snapshotMetaAt(state: RaftState, index: number): SnapshotMeta {
  assert(index >= state.snapshot.index && index <= state.applied, 'a snapshot holds what is applied');
  let { membership } = state.snapshot;
  for (const since of state.memberships) if (since.index <= index) membership = since.membership;
  return { index, term: index === state.snapshot.index ? state.snapshot.term : state.log.term(index), membership };
}

export function onSnapshotSaved(state: RaftState, meta: SnapshotMeta): void {
  if (meta.index <= state.snapshot.index) return;
  useSnapshot(state, meta);
  const to = Math.min(meta.index, neededByOthers(state, meta.index) - 1);
  if (to <= state.log.snapshotIndex) return;
  state.log.compact(to);
  state.compactTo = to;
}

/** First index that a live replica lacks, unless that would keep too much. */
function neededByOthers(state: RaftState, snapshotIndex: number): number {
  let first = snapshotIndex + 1;
  for (const { id, isActive, mode, match } of state.progress) {
    if (id !== state.self && isActive && mode !== 'snapshot') first = Math.min(first, match + 1);
  }
  first = Math.max(first, state.log.firstIndex);
  return state.log.bytes(first, snapshotIndex) > state.settings.logBytesMax ? snapshotIndex + 1 : first;
}

function useSnapshot(state: RaftState, meta: SnapshotMeta): void {
  state.snapshot = meta;
  state.isSnapshotDirty = true;
  state.memberships = [
    { index: meta.index, membership: meta.membership },
    ...state.memberships.filter((m) => m.index > meta.index),
  ];
}

/** The leader's snapshot: of what we lack, or too late. Either way it is answered with what we have. */
export function onSnapshotReceived(state: RaftState, meta: SnapshotMeta, from: ReplicaId, out: Outbox): void {
  if (meta.index > state.commit) {
    if (state.log.term(meta.index) === meta.term) commitTo(state, meta.index);
    else restore(state, meta, out);
  }
  out.held.push({
    type: 'appendReply',
    group: state.group,
    from: state.self,
    to: from,
    term: state.term,
    index: state.commit,
    isRejected: false,
    hintIndex: 0,
    hintTerm: 0,
    isFull: false,
  });
}

function restore(state: RaftState, meta: SnapshotMeta, out: Outbox): void {
  voidWrites(state, state.log.firstIndex);
  state.log.reset(meta.index, meta.term);
  state.unwritten = [];
  state.truncateFrom = 0;
  state.compactTo = 0;
  state.unappliedBytes = 0;
  state.isReset = true;
  state.stable = meta.index;
  state.commit = meta.index;
  state.applying = meta.index;
  state.applyingChanges = [];
  state.membership = meta.membership;
  state.memberships = [];
  useSnapshot(state, meta);
  state.installing = meta;
  out.install = meta;
}

export function onSnapshotInstalled(state: RaftState, index: number): void {
  if (state.installing?.index !== index) return;
  state.installing = undefined;
  state.applied = index;
}

/** The sender has ended. If the snapshot is there, the next append shows it; if not, a probe finds out what is needed now. */
export function onSnapshotReport(state: RaftState, to: ReplicaId, isOk: boolean): void {
  const progress = findProgress(state.progress, to);
  if (progress === undefined || progress.mode !== 'snapshot') return;
  if (!isOk) progress.pendingSnapshot = 0;
  becomeProbe(progress);
  progress.isPaused = true;
}
