/** What time alone brings about. */
import { NO_REPLICA } from '../replica.ts';
import { appendWhatIsDue } from './apply.ts';
import { becomeFollower } from './become-follower.ts';
import { campaign } from './campaign.ts';
import { resetElectionTimer } from './election-timer.ts';
import { broadcastHeartbeat, dueHeartbeat } from './heartbeat.ts';
import type { Outbox } from './outbox.ts';
import type { Progress } from './progress.ts';
import { quorumValue } from './quorum.ts';
import { expireForwarded } from './reads.ts';
import type { RaftState } from './state.ts';
import { expireTransfer } from './transfer.ts';
import { isDiskStalled } from './writes.ts';

/** Nothing happens before this, milliseconds, as long as there is no other input. */
export function nextDeadline(state: RaftState): number {
  return state.role === 'leader' ? Math.min(state.heartbeatDueMs, state.noticeDueMs) : state.electionDueMs;
}

export function tick(state: RaftState, out: Outbox): void {
  expireForwarded(state, out);
  if (state.role === 'leader') return tickLeader(state, out);
  if (state.nowMs < state.electionDueMs) return;
  resetElectionTimer(state);
  campaign(state, false, out);
}

/** A leader that hears no majority, or whose disk hangs, resigns: others may do better. */
function tickLeader(state: RaftState, out: Outbox): void {
  if (isDiskStalled(state)) return becomeFollower(state, state.term, NO_REPLICA, out);
  if (state.nowMs >= state.quorumCheckDueMs) {
    if (!hearsQuorum(state)) return becomeFollower(state, state.term, NO_REPLICA, out);
    state.quorumCheckDueMs = state.nowMs + state.settings.electionMinMs;
    for (const progress of state.progress) progress.isActive = false;
  }
  expireTransfer(state);
  appendWhatIsDue(state);
  if (state.nowMs < state.heartbeatDueMs) return;
  state.heartbeatDueMs = dueHeartbeat(state);
  broadcastHeartbeat(state, out);
}

function hearsQuorum(state: RaftState): boolean {
  const activeOf = (progress: Progress): number => (progress.isActive || progress.id === state.self ? 1 : 0);
  return quorumValue(state.membership, state.progress, activeOf) > 0;
}
