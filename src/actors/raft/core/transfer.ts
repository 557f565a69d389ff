/** Handing leadership over: no new entries, bring the target to the end of the log, tell it to campaign at once. */
import { isVoter } from '../membership.ts';
import { NO_REPLICA, type ReplicaId } from '../replica.ts';
import type { Outbox } from './outbox.ts';
import { findProgress } from './quorum.ts';
import { refuseReads } from './reads.ts';
import type { RaftState } from './state.ts';

/** To a voter only. A transfer under way to another is given up. */
export function startTransfer(state: RaftState, to: ReplicaId, out: Outbox): void {
  if (state.role !== 'leader' || to === state.self || state.transferee === to || !isVoter(state.membership, to)) return;
  state.transferee = to;
  state.transferDueMs = state.nowMs + state.settings.electionMinMs;
  state.isTransfereeTold = false;
  refuseReads(state, out);
}

/** At the end of a turn: what the target has acknowledged is durable there, and if that is all that there is, it can win with it. */
export function tryTransfer(state: RaftState, out: Outbox): void {
  const { transferee: to, group, self: from, term } = state;
  if (to === NO_REPLICA || state.isTransfereeTold) return;
  const progress = findProgress(state.progress, to);
  if (progress === undefined || !isVoter(state.membership, to) || progress.match < state.log.lastIndex) return;
  state.isTransfereeTold = true;
  state.hasTimedOutTransferee = true;
  out.messages.push({ type: 'timeoutNow', group, from, to, term });
}

/** It has not taken over within an election time-out: go on as leader. */
export function expireTransfer(state: RaftState): void {
  if (state.transferee !== NO_REPLICA && state.nowMs >= state.transferDueMs) state.transferee = NO_REPLICA;
}
