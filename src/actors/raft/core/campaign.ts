/** Elections, from the side of who wants to lead. */
import { MEMBERSHIP } from '../entry.ts';
import { isVoter } from '../membership.ts';
import { becomeCandidate, becomePreCandidate } from './become-candidate.ts';
import { becomeFollower } from './become-follower.ts';
import { becomeLeader } from './become-leader.ts';
import type { Outbox } from './outbox.ts';
import { verdict } from './quorum.ts';
import type { RaftState } from './state.ts';
import { isDiskStalled } from './writes.ts';

/** Campaigns if it may: a pre-vote first, unless the leader itself asks. */
export function campaign(state: RaftState, isTransfer: boolean, out: Outbox): void {
  if (state.role === 'leader' || !mayCampaign(state)) return;
  if (isTransfer) return campaignForReal(state, true, out);
  becomePreCandidate(state);
  askForVotes(state, 'requestPreVote', false, out);
  countVote(state, state.self, true, out);
}

/**
 * Members only, and only with a membership that is up to date: one that is committed but not applied could demand other majorities. A node whose disk
 * hangs could not lead.
 */
function mayCampaign(state: RaftState): boolean {
  return (
    isVoter(state.membership, state.self) && state.installing === undefined && !isDiskStalled(state) && !hasUnappliedChange(state)
  );
}

function hasUnappliedChange(state: RaftState): boolean {
  if (state.applied >= state.commit) return false;
  const { log } = state;
  const entries = log.entries(state.applied + 1, state.commit, Number.POSITIVE_INFINITY);
  return entries === undefined || entries.some(({ kind }) => kind === MEMBERSHIP);
}

/** The requests leave when our own vote and all of the log that they speak of are durable: after a crash we could not keep what they promise. */
function campaignForReal(state: RaftState, isTransfer: boolean, out: Outbox): void {
  becomeCandidate(state);
  askForVotes(state, 'requestVote', isTransfer, out);
}

/** Our vote for ourselves has become durable. */
export function onOwnVoteDurable(state: RaftState, out: Outbox): void {
  countVote(state, state.self, true, out);
}

export function countVote(state: RaftState, from: number, isGranted: boolean, out: Outbox): void {
  if (!state.votes.has(from)) state.votes.set(from, isGranted);
  const result = verdict(state.membership, state.votes);
  if (result === 'open') return;
  if (result === 'lost') becomeFollower(state, state.term, 0, out);
  else if (state.role === 'preCandidate') campaignForReal(state, false, out);
  else becomeLeader(state);
}

function askForVotes(state: RaftState, type: 'requestPreVote' | 'requestVote', isTransfer: boolean, out: Outbox): void {
  const { membership, log, self } = state;
  const to = type === 'requestVote' ? out.held : out.messages;
  const lastTerm = log.term(log.lastIndex);
  for (const id of new Set([...membership.voters, ...membership.outgoing])) {
    if (id === self) continue;
    const term = type === 'requestVote' ? state.term : state.term + 1;
    to.push({ type, group: state.group, from: self, to: id, term, lastIndex: log.lastIndex, lastTerm, isTransfer });
  }
}
