import { assert } from '../../../base/assert.ts';
import { NO_BYTES, NO_OP } from '../entry.ts';
import { members } from '../membership.ts';
import { NO_REPLICA } from '../replica.ts';
import { appendToLog } from './append-to-log.ts';
import { dueHeartbeat } from './heartbeat.ts';
import { newProgress } from './progress.ts';
import type { RaftState } from './state.ts';

export function becomeLeader(state: RaftState): void {
  assert(state.role === 'candidate', 'elected');
  state.role = 'leader';
  state.lead = state.self;
  state.votes.clear();
  state.transferee = NO_REPLICA;
  state.hasTimedOutTransferee = false;
  state.leavingIndex = 0;
  state.readSeq = 0;
  state.quorumCheckDueMs = state.nowMs + state.settings.electionMinMs;
  state.heartbeatDueMs = dueHeartbeat(state);
  state.noticeDueMs = Number.POSITIVE_INFINITY;
  trackMembers(state);
  state.termStartIndex = state.log.lastIndex + 1;
  // There may be a change among what is not applied yet: the next one waits for all of it, and for something of this term.
  state.pendingChangeIndex = state.termStartIndex;
  appendToLog(state, NO_OP, [NO_BYTES]);
}

/** One progress per member; those who stay keep theirs. */
export function trackMembers(state: RaftState): void {
  const { inflightMax, inflightBytesMax } = state.settings;
  const before = state.progress;
  state.progress = members(state.membership).map((id) => {
    const kept = before.find((progress) => progress.id === id);
    if (kept !== undefined) return kept;
    const progress = newProgress(id, state.log.lastIndex + 1, inflightMax, inflightBytesMax);
    // Whoever is new has an election time-out to show up.
    progress.isActive = true;
    if (id === state.self) progress.match = state.stable;
    return progress;
  });
}
