import type { RaftLog } from '../raft-log.ts';

/**
 * The last index up to `index` whose term is not above `term`: whatever is after it cannot be in a log that has `term` at `index`. Both sides skip whole
 * terms with it, so a divergent tail costs a round trip per term and not per entry.
 */
export function hintBefore(log: RaftLog, index: number, term: number): number {
  let hint = index;
  while (hint > log.snapshotIndex && log.term(hint) > term) hint--;
  return hint;
}
