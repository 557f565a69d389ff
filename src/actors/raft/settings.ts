/** The knobs of a group. Every replica of a group has the same `electionMinMs`: leader stickiness and leases count on it. */
import { assert } from '../../base/assert.ts';
import {
  RAFT_APPEND_BYTES_MAX,
  RAFT_APPLY_BYTES_MAX,
  RAFT_DISK_STALL_MS,
  RAFT_ELECTION_MIN_MS,
  RAFT_HEARTBEAT_MS,
  RAFT_INFLIGHT_BYTES_MAX,
  RAFT_INFLIGHT_MAX,
  RAFT_LOG_BYTES_MAX,
  RAFT_NOTICE_MS,
  RAFT_PROMOTE_LAG_MAX,
  RAFT_READS_MAX,
  RAFT_UNAPPLIED_BYTES_MAX,
} from '../../base/limits.ts';

export interface RaftSettings {
  readonly heartbeatMs: number;
  /** What is committed is told to followers with the next entries, if they have come faster than this one after the other; at last after that time. */
  readonly noticeMs: number;
  /** A follower waits between this and twice this for a sign of its leader. */
  readonly electionMinMs: number;
  /** A write that takes longer costs a leader its office, and a follower its candidacy. */
  readonly diskStallMs: number;
  /** Bytes of entries in one append message; a larger entry goes alone. */
  readonly appendBytesMax: number;
  readonly inflightMax: number;
  readonly inflightBytesMax: number;
  /** Bytes of entries that are not applied yet, from which on a leader refuses more; of those that are committed, from which on a follower takes no more. */
  readonly unappliedBytesMax: number;
  /** Bytes of entries in one batch for the state machine. */
  readonly applyBytesMax: number;
  /** Reads that wait for a round. */
  readonly readsMax: number;
  /** Bytes of log kept for a replica that lags behind a snapshot. */
  readonly logBytesMax: number;
  /** A learner that lags by more entries is not made a voter. */
  readonly promoteLagMax: number;
  /** How much faster one node's clock may run than another's, as a ratio; leases are shorter by it. */
  readonly clockDrift: number;
}

export const DEFAULT_SETTINGS: RaftSettings = {
  heartbeatMs: RAFT_HEARTBEAT_MS,
  noticeMs: RAFT_NOTICE_MS,
  electionMinMs: RAFT_ELECTION_MIN_MS,
  diskStallMs: RAFT_DISK_STALL_MS,
  appendBytesMax: RAFT_APPEND_BYTES_MAX,
  inflightMax: RAFT_INFLIGHT_MAX,
  inflightBytesMax: RAFT_INFLIGHT_BYTES_MAX,
  unappliedBytesMax: RAFT_UNAPPLIED_BYTES_MAX,
  applyBytesMax: RAFT_APPLY_BYTES_MAX,
  readsMax: RAFT_READS_MAX,
  logBytesMax: RAFT_LOG_BYTES_MAX,
  promoteLagMax: RAFT_PROMOTE_LAG_MAX,
  clockDrift: 0.05,
};

export function checkSettings(settings: RaftSettings): void {
  assert(settings.electionMinMs >= 3 * settings.heartbeatMs, 'an election time-out is at least three heartbeats');
  assert(settings.inflightMax > 0 && settings.appendBytesMax > 0 && settings.applyBytesMax > 0, 'windows let something through');
  assert(settings.clockDrift >= 0 && settings.clockDrift < 0.5, 'clocks drift by less than half');
}
