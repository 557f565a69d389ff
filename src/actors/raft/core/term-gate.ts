/** What a message's term means before anything else about it does. */
import type { RaftMessage } from '../message.ts';
import { NO_REPLICA } from '../replica.ts';
import { becomeFollower } from './become-follower.ts';
import { isLeaderAlive } from './election-timer.ts';
import type { Outbox } from './outbox.ts';
import type { RaftState } from './state.ts';
import { replyToVote } from './vote.ts';

/** False: the message is settled. */
export function passesTerm(state: RaftState, message: RaftMessage, out: Outbox): boolean {
  if (message.term > state.term) return meetsLaterTerm(state, message, out);
  if (message.term < state.term) {
    answerEarlierTerm(state, message, out);
    return false;
  }
  return true;
}

function meetsLaterTerm(state: RaftState, message: RaftMessage, out: Outbox): boolean {
  switch (message.type) {
    case 'requestVote':
    case 'requestPreVote':
      // Stickiness: whoever hears a leader helps nobody against it, unless the leader itself wants that.
      if (!message.isTransfer && isLeaderAlive(state)) return false;
      if (message.type === 'requestVote') becomeFollower(state, message.term, NO_REPLICA, out);
      return true;
    case 'preVoteReply':
      // Granted: the term is the one we asked for and nobody's yet. Refused: it is the voter's own, and ours is behind.
      if (!message.isGranted) becomeFollower(state, message.term, NO_REPLICA, out);
      return message.isGranted;
    case 'append':
    case 'heartbeat':
      becomeFollower(state, message.term, message.from, out);
      return true;
    default:
      becomeFollower(state, message.term, NO_REPLICA, out);
      return true;
  }
}

/** A leader or a candidate that does not know of our term must learn it, or it would go on for ever. */
function answerEarlierTerm(state: RaftState, message: RaftMessage, out: Outbox): void {
  switch (message.type) {
    case 'requestVote':
    case 'requestPreVote':
      return replyToVote(state, message, false, out);
    case 'append':
    case 'heartbeat': {
      const { group, from, to } = message;
      const { term } = state;
      const rest = { index: 0, isRejected: true, hintIndex: 0, hintTerm: 0, isFull: false };
      out.held.push({ type: 'appendReply', group, from: to, to: from, term, ...rest });
      return;
    }
    default:
  }
}
