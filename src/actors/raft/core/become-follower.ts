import { NO_REPLICA, type ReplicaId } from '../replica.ts';
import { resetElectionTimer } from './election-timer.ts';
import type { Outbox } from './outbox.ts';
import { refuseReads } from './reads.ts';
import type { RaftState } from './state.ts';

/** Follows `lead` in `term`, or whoever will lead. */
export function becomeFollower(state: RaftState, term: number, lead: ReplicaId, out: Outbox): void {
  if (term !== state.term) {
    state.term = term;
    state.vote = NO_REPLICA;
    state.isHardDirty = true;
  }
  if (state.role === 'leader') {
    refuseReads(state, out);
    state.progress = [];
    state.transferee = NO_REPLICA;
  }
  state.role = 'follower';
  state.lead = lead;
  state.votes.clear();
  resetElectionTimer(state);
}
