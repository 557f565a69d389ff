/**
 * What the leader knows about one replica's log.
 *
 *   probe ──── an append was accepted ───► replicate
 *     ▲  ◄── rejected, unreachable ─────────  │
 *     │                                       │ what it needs is compacted (also from probe)
 *     └─── snapshot has arrived, or not ─── snapshot
 *
 * probe: one append at a time, the next with the heartbeat's reply. replicate: appends are sent ahead of their replies, as many as the in-flight window takes.
 * snapshot: no appends.
 */
import type { ReplicaId } from '../replica.ts';
import { Inflights } from './inflights.ts';

export interface Progress {
  readonly id: ReplicaId;
  mode: 'probe' | 'replicate' | 'snapshot';
  /** The log is durable there and the same as ours up to here. */
  match: number;
  /** First index of the next append. */
  next: number;
  /** No append before the next reply to a heartbeat or an append. */
  isPaused: boolean;
  /** It has answered since the last check of the quorum. */
  isActive: boolean;
  /** Index of the snapshot that is under way in mode `snapshot`. */
  pendingSnapshot: number;
  /** Commit index that it has been told, if that message arrives. */
  sentCommit: number;
  /** Newest read round that it has confirmed. */
  readAck: number;
  /** When the newest heartbeat that it has answered was sent, by our clock; 0: none. */
  leaseFromMs: number;
  readonly inflights: Inflights;
}

export function newProgress(id: ReplicaId, next: number, inflightMax: number, inflightBytesMax: number): Progress {
  return {
    id,
    mode: 'probe',
    match: 0,
    next,
    isPaused: false,
    isActive: false,
    pendingSnapshot: 0,
    sentCommit: 0,
    readAck: 0,
    leaseFromMs: 0,
    inflights: new Inflights(inflightMax, inflightBytesMax),
  };
}

export function becomeProbe(progress: Progress): void {
  if (progress.mode === 'snapshot') {
    const sent = progress.pendingSnapshot;
    enterMode(progress, 'probe');
    progress.next = Math.max(progress.match, sent) + 1;
  } else {
    enterMode(progress, 'probe');
    progress.next = progress.match + 1;
  }
  progress.sentCommit = Math.min(progress.sentCommit, progress.next - 1);
}

export function becomeReplicate(progress: Progress): void {
  enterMode(progress, 'replicate');
  progress.next = progress.match + 1;
}

export function becomeSnapshot(progress: Progress, snapshotIndex: number): void {
  enterMode(progress, 'snapshot');
  progress.pendingSnapshot = snapshotIndex;
}

function enterMode(progress: Progress, mode: Progress['mode']): void {
  progress.mode = mode;
  progress.isPaused = false;
  progress.pendingSnapshot = 0;
  progress.inflights.clear();
}

/** An append was accepted up to `index`. False: nothing new. */
export function acknowledge(progress: Progress, index: number): boolean {
  if (index <= progress.match) return false;
  progress.match = index;
  progress.next = Math.max(progress.next, index + 1);
  progress.isPaused = false;
  return true;
}

/** An append after `rejected` was refused; `hint` may match. False: an old reply that says nothing new. */
export function backtrack(progress: Progress, rejected: number, hint: number): boolean {
  if (progress.mode === 'replicate') {
    if (rejected <= progress.match) {
      // That one has overtaken what it goes on from. What it was to tell it has not told.
      progress.sentCommit = 0;
      return false;
    }
    becomeProbe(progress);
    return true;
  }
  if (progress.next - 1 !== rejected) return false;
  progress.next = Math.max(Math.min(rejected, hint + 1), progress.match + 1);
  progress.sentCommit = Math.min(progress.sentCommit, progress.next - 1);
  progress.isPaused = false;
  return true;
}

/** An append of `count` entries (maybe none) up to `lastIndex` was sent. */
export function sent(progress: Progress, count: number, lastIndex: number, bytes: number, commit: number): void {
  if (progress.mode === 'replicate') {
    if (count > 0) {
      progress.next = lastIndex + 1;
      progress.inflights.add(lastIndex, bytes);
    }
    progress.isPaused = progress.inflights.isFull();
  } else {
    progress.isPaused = true;
  }
  progress.sentCommit = commit;
}
