import type { RaftMessage } from '../message.ts';
import { campaign } from './campaign.ts';
import { onAppend, onHeartbeat } from './follow.ts';
import type { Outbox } from './outbox.ts';
import { onReadIndex, onReadIndexReply } from './reads.ts';
import type { RaftState } from './state.ts';
import { onRequestVote } from './vote.ts';

export function stepFollower(state: RaftState, message: RaftMessage, out: Outbox): void {
  switch (message.type) {
    case 'append':
      return onAppend(state, message, out);
    case 'heartbeat':
      return onHeartbeat(state, message, out);
    case 'requestVote':
    case 'requestPreVote':
      return onRequestVote(state, message, out);
    case 'timeoutNow':
      // From the leader of this very term; one that was late must not disturb the next leader.
      if (message.from === state.lead) campaign(state, true, out);
      return;
    case 'readIndex':
      return onReadIndex(state, message, out);
    case 'readIndexReply':
      return onReadIndexReply(state, message, out);
    default:
  }
}
