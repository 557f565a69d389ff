import { assert } from '../../../base/assert.ts';
import type { Progress } from './progress.ts';
import { quorumValue } from './quorum.ts';
import type { RaftState } from './state.ts';

const matchOf = (progress: Progress): number => progress.match;

/** Counts only entries of the leader's own term: an older one that a majority has may still be replaced (figure 8 of the paper). */
export function advanceCommit(state: RaftState): boolean {
  const index = quorumValue(state.membership, state.progress, matchOf);
  if (index <= state.commit || index === Number.POSITIVE_INFINITY) return false;
  if (state.log.term(index) !== state.term) return false;
  commitTo(state, index);
  return true;
}

export function commitTo(state: RaftState, index: number): void {
  if (index <= state.commit) return;
  assert(index <= state.log.lastIndex, 'what is committed is in the log');
  state.commit = index;
}
