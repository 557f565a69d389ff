import { assert } from '../../../base/assert.ts';
import { NO_REPLICA } from '../replica.ts';
import { resetElectionTimer } from './election-timer.ts';
import type { RaftState } from './state.ts';

/** Asks first whether an election would succeed: nothing changes for anybody, no term is used up. */
export function becomePreCandidate(state: RaftState): void {
  assert(state.role !== 'leader', 'a leader does not campaign');
  state.role = 'preCandidate';
  state.lead = NO_REPLICA;
  state.votes.clear();
  resetElectionTimer(state);
}

/** Our own vote counts when it is durable, like everybody's. */
export function becomeCandidate(state: RaftState): void {
  assert(state.role !== 'leader', 'a leader does not campaign');
  state.role = 'candidate';
  state.term++;
  state.vote = state.self;
  state.isHardDirty = true;
  state.campaignSeq = state.writeSeq + 1;
  state.lead = NO_REPLICA;
  state.votes.clear();
  resetElectionTimer(state);
}
