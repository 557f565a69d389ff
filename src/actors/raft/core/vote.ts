/** Elections, from the side of who is asked. Learners vote as well: a replica may not know yet that it was made a voter. */
import type { RequestVote, VoteReply } from '../message.ts';
import { NO_REPLICA } from '../replica.ts';
import { commitTo } from './commit.ts';
import { resetElectionTimer } from './election-timer.ts';
import type { Outbox } from './outbox.ts';
import type { RaftState } from './state.ts';

/** A request of our term, or a pre-vote for a later one. */
export function onRequestVote(state: RaftState, message: RequestVote, out: Outbox): void {
  const isPreVote = message.type === 'requestPreVote';
  const isFree = state.vote === message.from || (state.vote === NO_REPLICA && state.lead === NO_REPLICA);
  const mayVote = isFree || (isPreVote && message.term > state.term);
  const isGranted = mayVote && isUpToDate(state, message);
  if (isGranted && !isPreVote) {
    if (state.vote !== message.from) state.isHardDirty = true;
    state.vote = message.from;
    resetElectionTimer(state);
  }
  replyToVote(state, message, isGranted, out);
}

/** A refused pre-vote tells our term, a granted one repeats the term that was asked for. */
export function replyToVote(
  state: RaftState,
  { type, group, from, to, term }: RequestVote,
  isGranted: boolean,
  out: Outbox,
): void {
  out.held.push({
    type: type === 'requestPreVote' ? 'preVoteReply' : 'voteReply',
    group,
    from: to,
    to: from,
    term: isGranted ? term : state.term,
    isGranted,
    commit: isGranted ? 0 : state.commit,
    commitTerm: isGranted ? 0 : state.log.term(state.commit),
  });
}

/**
 * The voter knows of a committed entry. If our log has it too, it is committed there as well. It may be the change that made somebody a voter no more, whose vote we
 * ask for in vain.
 */
export function learnCommit(state: RaftState, { commit, commitTerm }: VoteReply): void {
  if (commit > state.commit && state.log.term(commit) === commitTerm) commitTo(state, commit);
}

/** The paper's restriction: nobody leads without what may be committed. */
function isUpToDate({ log }: RaftState, { lastIndex, lastTerm }: RequestVote): boolean {
  const ownTerm = log.term(log.lastIndex);
  return lastTerm > ownTerm || (lastTerm === ownTerm && lastIndex >= log.lastIndex);
}
