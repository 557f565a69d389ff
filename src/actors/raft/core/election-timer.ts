import type { RaftState } from './state.ts';

/** Another wait for a leader, of random length: so that not all campaign at once. */
export function resetElectionTimer(state: RaftState): void {
  state.electionDueMs = state.nowMs + state.settings.electionMinMs * (1 + state.prng.next());
}

/** The leader was heard within the shortest time that anyone waits for it: no other gets a vote now. */
export function isLeaderAlive(state: RaftState): boolean {
  return state.role === 'leader' || state.nowMs - state.leaderContactMs < state.settings.electionMinMs;
}
