import type { RaftMessage } from '../message.ts';
import { becomeFollower } from './become-follower.ts';
import { countVote } from './campaign.ts';
import type { Outbox } from './outbox.ts';
import type { RaftState } from './state.ts';
import { stepFollower } from './step-follower.ts';
import { learnCommit, onRequestVote } from './vote.ts';

/** Candidates of both kinds. Replies to pre-votes and to votes are told apart: the one kind never counts as the other. */
export function stepCandidate(state: RaftState, message: RaftMessage, out: Outbox): void {
  switch (message.type) {
    case 'append':
    case 'heartbeat':
      // Somebody else has won this term.
      becomeFollower(state, message.term, message.from, out);
      return stepFollower(state, message, out);
    case 'preVoteReply':
      learnCommit(state, message);
      if (state.role !== 'preCandidate') return;
      if (message.isGranted && message.term !== state.term + 1) return;
      return countVote(state, message.from, message.isGranted, out);
    case 'voteReply':
      learnCommit(state, message);
      if (state.role !== 'candidate') return;
      return countVote(state, message.from, message.isGranted, out);
    case 'requestVote':
    case 'requestPreVote':
      return onRequestVote(state, message, out);
    case 'readIndex':
      return stepFollower(state, message, out);
    default:
  }
}
