/** A group as it starts: from what is on disk, or as one that has nothing yet. */
import { assert } from '../../../base/assert.ts';
import { Prng } from '../../../base/prng.ts';
import { decodeChange } from '../codec/membership-codec.ts';
import { type Entry, MEMBERSHIP } from '../entry.ts';
import { isAlone, type Membership } from '../membership.ts';
import { changed } from '../membership-change.ts';
import type { RaftLog } from '../raft-log.ts';
import { NO_REPLICA, type ReplicaId } from '../replica.ts';
import { checkSettings, type RaftSettings } from '../settings.ts';
import type { HardState, SnapshotMeta } from '../storage.ts';
import { resetElectionTimer } from './election-timer.ts';
import type { MembershipSince, RaftState } from './state.ts';

export interface BootOptions {
  readonly group: number;
  readonly self: ReplicaId;
  readonly settings: RaftSettings;
  /** Differs from start to start and from replica to replica. */
  readonly seed: number;
  readonly now: number;
  readonly log: RaftLog;
  readonly hard: HardState;
  readonly snapshot: SnapshotMeta;
  /** What the state machine holds: at least the snapshot. */
  readonly applied: number;
  /** Nothing of this is on disk yet (founding.ts). */
  readonly isNew: boolean;
}

export function boot(options: BootOptions): RaftState {
  const { settings, log, hard, snapshot, applied, now, isNew } = options;
  checkSettings(settings);
  const commit = Math.max(hard.commit, applied, snapshot.index);
  assert(
    applied >= snapshot.index && log.snapshotIndex <= snapshot.index,
    'the state machine is not behind the snapshot, nor is that behind the log',
  );
  assert(commit <= log.lastIndex, 'what is committed is in the log');
  const memberships = recoverMemberships(log, snapshot, applied);
  const prng = new Prng(options.seed);
  const state: RaftState = {
    group: options.group,
    self: options.self,
    settings,
    prng,
    log,
    nowMs: now,
    term: hard.term,
    vote: hard.vote,
    isHardDirty: isNew && hard.term > 0,
    role: 'follower',
    lead: NO_REPLICA,
    leaderContactMs: now,
    electionDueMs: now,
    commit,
    applying: applied,
    applied,
    applyingChanges: [],
    unappliedBytes: log.bytes(applied + 1, log.lastIndex),
    membership: memberships[memberships.length - 1]!.membership,
    memberships,
    snapshot,
    installing: undefined,
    unwritten: isNew ? [...recoverEntries(log)] : [],
    truncateFrom: 0,
    isReset: false,
    isSnapshotDirty: false,
    compactTo: 0,
    writeSeq: 0,
    durableSeq: 0,
    writing: [],
    stable: isNew ? log.snapshotIndex : log.lastIndex,
    isDiskFull: false,
    votes: new Map(),
    campaignSeq: 0,
    progress: [],
    heartbeatDueMs: 0,
    noticeDueMs: Number.POSITIVE_INFINITY,
    proposedMs: 0,
    proposalGapMs: Number.POSITIVE_INFINITY,
    quorumCheckDueMs: 0,
    termStartIndex: 0,
    pendingChangeIndex: 0,
    leavingIndex: 0,
    transferee: NO_REPLICA,
    transferDueMs: 0,
    isTransfereeTold: false,
    hasTimedOutTransferee: false,
    reads: [],
    readSeq: 0,
    roundMs: 0,
    forwarded: new Map(),
    nextForwardId: prng.nextU32() * 2 ** 20,
  };
  resetElectionTimer(state);
  if (isAlone(state.membership, state.self)) state.electionDueMs = now;
  return state;
}

function recoverEntries(log: RaftLog): readonly Entry[] {
  if (log.lastIndex < log.firstIndex) return [];
  const entries = log.entries(log.firstIndex, log.lastIndex, Number.POSITIVE_INFINITY);
  assert(entries !== undefined, 'the log is in memory when a group starts');
  return entries;
}

/** Changes take effect when they are applied: what the state machine has applied is in force, what is only in the log is not. */
function recoverMemberships(log: RaftLog, snapshot: SnapshotMeta, applied: number): MembershipSince[] {
  const memberships: MembershipSince[] = [{ index: snapshot.index, membership: snapshot.membership }];
  let { membership }: { membership: Membership } = snapshot;
  for (let from = Math.max(snapshot.index + 1, log.firstIndex); from <= applied; ) {
    const entries = log.entries(from, applied, Number.POSITIVE_INFINITY);
    assert(entries !== undefined, 'the log is in memory when a group starts');
    for (const entry of entries) {
      if (entry.kind !== MEMBERSHIP) continue;
      const next = changed(membership, decodeChange(entry.data));
      if (typeof next === 'string') continue;
      membership = next;
      memberships.push({ index: entry.index, membership });
    }
    from += entries.length;
  }
  return memberships;
}
