/**
 * All that a group is on one node. Only `step` and `settle` (../machine.ts) and what they call change it; the same state and the same inputs give the same outputs. Chance comes from `prng`, time from the inputs.
 */
import type { Prng } from '../../../base/prng.ts';
import type { Entry } from '../entry.ts';
import type { Membership } from '../membership.ts';
import type { RaftLog } from '../raft-log.ts';
import type { ReplicaId } from '../replica.ts';
import type { RaftSettings } from '../settings.ts';
import type { SnapshotMeta } from '../storage.ts';
import type { Progress } from './progress.ts';

export type Role = 'follower' | 'preCandidate' | 'candidate' | 'leader';

/** The membership from `index` on. */
export interface MembershipSince {
  readonly index: number;
  readonly membership: Membership;
}

/** A write on its way to the disk, and where the log ended when it was issued. */
export interface PendingWrite {
  readonly seq: number;
  /** Less when entries were truncated since. */
  index: number;
  readonly issuedMs: number;
}

/** A read that waits: for the leader's first commit (`seq` 0), then for its round. */
export interface PendingRead {
  /** This replica, or the follower that forwarded it. */
  readonly from: ReplicaId;
  readonly id: number;
  seq: number;
  index: number;
}

export interface RaftState {
  readonly group: number;
  readonly self: ReplicaId;
  readonly settings: RaftSettings;
  readonly prng: Prng;
  readonly log: RaftLog;
  nowMs: number;

  // Durable before anything that depends on it leaves.
  term: number;
  vote: ReplicaId;
  isHardDirty: boolean;

  role: Role;
  lead: ReplicaId;
  /** When the leader was last heard, or this node started: until `electionMinMs` later nobody else gets a vote. */
  leaderContactMs: number;
  electionDueMs: number;

  commit: number;
  /** Handed to the state machine, and applied by it. One batch is under way at a time. */
  applying: number;
  applied: number;
  /** Membership changes among the entries under way. */
  applyingChanges: Entry[];
  unappliedBytes: number;

  /** Effective, as of `applied`. */
  membership: Membership;
  /** What it was since the snapshot, oldest first; for the next one. */
  memberships: MembershipSince[];
  snapshot: SnapshotMeta;
  /** A snapshot that the state machine is taking in. */
  installing: SnapshotMeta | undefined;

  // Writes: what is to be written with the next one, and what is on its way.
  unwritten: Entry[];
  truncateFrom: number;
  isReset: boolean;
  isSnapshotDirty: boolean;
  compactTo: number;
  writeSeq: number;
  durableSeq: number;
  writing: PendingWrite[];
  /** The log is durable up to here. */
  stable: number;
  isDiskFull: boolean;

  // Candidates.
  readonly votes: Map<ReplicaId, boolean>;
  /** The write that makes our vote for ourselves durable; it counts from then on. */
  campaignSeq: number;

  // The leader.
  progress: Progress[];
  heartbeatDueMs: number;
  /** When an append without entries tells followers what is committed, unless one with entries does so before; infinity: they know. */
  noticeDueMs: number;
  /** When something was proposed last, and how long after the time before. */
  proposedMs: number;
  proposalGapMs: number;
  quorumCheckDueMs: number;
  /** First index of the term. */
  termStartIndex: number;
  /** No further membership change before this index is applied. */
  pendingChangeIndex: number;
  /** A leader that was removed goes when this index is committed: then its successors know of the removal; 0: it stays. */
  leavingIndex: number;
  transferee: ReplicaId;
  transferDueMs: number;
  isTransfereeTold: boolean;
  /** Some transferee was told to campaign: leases end for this term, as the others will vote within them. */
  hasTimedOutTransferee: boolean;
  reads: PendingRead[];
  /** Newest read round. */
  readSeq: number;
  /** When that round began. */
  roundMs: number;

  // Followers: reads asked of the leader, by our id of the request.
  readonly forwarded: Map<number, ForwardedRead>;
  nextForwardId: number;
}

export interface ForwardedRead {
  /** The host's. */
  readonly id: number;
  readonly dueMs: number;
}
