/** Replies to the leader. */
import { assert } from '../../../base/assert.ts';
import type { AppendReply, HeartbeatReply, RaftMessage } from '../message.ts';
import { leaveOffice } from './apply.ts';
import { advanceCommit } from './commit.ts';
import { hintBefore } from './hint.ts';
import type { Outbox } from './outbox.ts';
import { acknowledge, backtrack, becomeProbe, becomeReplicate, type Progress } from './progress.ts';
import { findProgress } from './quorum.ts';
import { onReadIndex, releaseReads, startRound } from './reads.ts';
import { sendAppend } from './replicate.ts';
import type { RaftState } from './state.ts';
import { onRequestVote } from './vote.ts';

export function stepLeader(state: RaftState, message: RaftMessage, out: Outbox): void {
  switch (message.type) {
    case 'appendReply':
      return onAppendReply(state, message, out);
    case 'heartbeatReply':
      return onHeartbeatReply(state, message, out);
    case 'readIndex':
      return onReadIndex(state, message, out);
    case 'requestVote':
      return onRequestVote(state, message, out);
    case 'append':
    case 'heartbeat':
      assert(false, 'one leader per term');
      return;
    default:
  }
}

function onAppendReply(state: RaftState, message: AppendReply, out: Outbox): void {
  const progress = findProgress(state.progress, message.from);
  if (progress === undefined) return;
  progress.isActive = true;
  if (message.isRejected) onRejected(state, progress, message, out);
  else onAccepted(state, progress, message, out);
}

/** Skips the terms that the follower's log cannot have in common with ours. */
function onRejected(state: RaftState, progress: Progress, { index, hintIndex, hintTerm }: AppendReply, out: Outbox): void {
  const probeAt = hintTerm > 0 ? hintBefore(state.log, Math.min(hintIndex, state.log.lastIndex), hintTerm) : hintIndex;
  if (backtrack(progress, index, probeAt)) sendAppend(state, progress, true, out);
}

function onAccepted(state: RaftState, progress: Progress, { index, isFull }: AppendReply, out: Outbox): void {
  assert(index <= state.log.lastIndex, 'nobody has more than the leader in its own term');
  const isNews = acknowledge(progress, index);
  if (isNews || (progress.match === index && progress.mode === 'probe')) {
    if (progress.mode === 'replicate') progress.inflights.freeTo(index);
    else if (progress.mode === 'probe' || progress.match >= state.log.snapshotIndex) becomeReplicate(progress);
  }
  if (isFull) {
    becomeProbe(progress);
    progress.isPaused = true;
  }
  if (isNews && advanceCommit(state)) startRound(state, out);
  if (state.leavingIndex > 0 && state.commit >= state.leavingIndex) return leaveOffice(state, out);
}

function onHeartbeatReply(state: RaftState, message: HeartbeatReply, out: Outbox): void {
  const progress = findProgress(state.progress, message.from);
  if (progress === undefined) return;
  progress.isActive = true;
  progress.isPaused = false;
  progress.leaseFromMs = Math.max(progress.leaseFromMs, message.sentMs);
  if (progress.match < state.log.lastIndex || progress.mode === 'probe') sendAppend(state, progress, true, out);
  if (message.readSeq > progress.readAck) {
    progress.readAck = message.readSeq;
    releaseReads(state, out);
  }
}
