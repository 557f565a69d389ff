/** New entries, by the leader alone. What is refused here is in no log. */
import { encodeChange } from '../codec/membership-codec.ts';
import { DATA, ENTRY_OVERHEAD_BYTES, MEMBERSHIP } from '../entry.ts';
import { changed, type MembershipChange } from '../membership-change.ts';
import { NO_REPLICA } from '../replica.ts';
import { appendToLog } from './append-to-log.ts';
import type { Outbox, Refusal } from './outbox.ts';
import { findProgress } from './quorum.ts';
import { hasCommittedInTerm } from './reads.ts';
import type { RaftState } from './state.ts';

/** Takes as many as there is room for; one always, when everything is applied. */
export function propose(state: RaftState, items: readonly Uint8Array[], out: Outbox): void {
  const refusal = refusalNow(state);
  if (refusal !== undefined) return answer(state, 0, refusal, out);
  const room = state.settings.unappliedBytesMax - state.unappliedBytes;
  let bytes = 0;
  let count = 0;
  while (count < items.length) {
    bytes += items[count]!.length + ENTRY_OVERHEAD_BYTES;
    if (bytes > room && (count > 0 || state.unappliedBytes > 0)) break;
    count++;
  }
  answer(state, count, count < items.length ? 'too_many_uncommitted' : undefined, out);
  if (count === 0) return;
  state.proposalGapMs = state.nowMs - state.proposedMs;
  state.proposedMs = state.nowMs;
  appendToLog(state, DATA, count === items.length ? items : items.slice(0, count));
}

/** One change at a time, by a leader that has committed in its term: else two leaders could count majorities that have nobody in common. */
export function proposeChange(state: RaftState, change: MembershipChange, out: Outbox): void {
  const refusal = refusalNow(state) ?? changeRefusal(state, change);
  if (refusal !== undefined) return answer(state, 0, refusal, out);
  answer(state, 1, undefined, out);
  state.pendingChangeIndex = state.log.lastIndex + 1;
  appendToLog(state, MEMBERSHIP, [encodeChange(change)]);
}

function refusalNow(state: RaftState): Refusal | undefined {
  if (state.role !== 'leader') return 'not_leader';
  if (state.transferee !== NO_REPLICA || state.leavingIndex > 0) return 'transferring';
  if (state.isDiskFull) return 'disk_full';
  return undefined;
}

function changeRefusal(state: RaftState, change: MembershipChange): Refusal | undefined {
  if (state.applied < state.pendingChangeIndex || !hasCommittedInTerm(state)) return 'change_pending';
  if (change.length === 0 || typeof changed(state.membership, change) === 'string') return 'bad_change';
  for (const { op, id } of change) {
    if (op === 'addVoter' && !isCaughtUp(state, id)) return 'not_caught_up';
  }
  return undefined;
}

/** A voter that still has to get the log would hold up commits: it has to be a learner first, that answers and is close behind. */
function isCaughtUp(state: RaftState, id: number): boolean {
  const progress = findProgress(state.progress, id);
  if (id === state.self || progress === undefined) return progress !== undefined;
  return progress.mode === 'replicate' && progress.match + state.settings.promoteLagMax >= state.commit;
}

function answer(state: RaftState, count: number, refusal: Refusal | undefined, out: Outbox): void {
  out.proposed.push({ firstIndex: state.log.lastIndex + 1, count, term: state.term, refusal });
}
