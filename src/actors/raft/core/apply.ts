/** Committed and durable entries go to the state machine; membership changes take effect when it has passed them. */
import { assert } from '../../../base/assert.ts';
import { decodeChange, encodeChange } from '../codec/membership-codec.ts';
import { type Entry, MEMBERSHIP, NO_BYTES, NO_OP } from '../entry.ts';
import { isAlone, isJoint, isVoter } from '../membership.ts';
import { changed, LEAVE_JOINT } from '../membership-change.ts';
import { NO_REPLICA } from '../replica.ts';
import { appendToLog } from './append-to-log.ts';
import { becomeFollower } from './become-follower.ts';
import { trackMembers } from './become-leader.ts';
import { advanceCommit } from './commit.ts';
import { broadcastHeartbeat } from './heartbeat.ts';
import type { Outbox } from './outbox.ts';
import { releaseReads } from './reads.ts';
import type { RaftState } from './state.ts';

/** There are committed and durable entries, and the batch before is applied. */
export function canApply({ applying, applied, installing, commit, stable }: RaftState): boolean {
  return applying <= applied && installing === undefined && Math.min(commit, stable) > applied;
}

/** The next batch. */
export function releaseCommitted(state: RaftState, out: Outbox): void {
  if (!canApply(state)) return;
  const to = Math.min(state.commit, state.stable);
  const entries = state.log.entries(state.applied + 1, to, state.settings.applyBytesMax);
  if (entries === undefined) return;
  state.applying = state.applied + entries.length;
  state.applyingChanges = entries.filter(({ kind }) => kind === MEMBERSHIP);
  out.apply = entries;
}

export function onApplied(state: RaftState, index: number, out: Outbox): void {
  // What was under way when a snapshot took its place does not count.
  if (index <= state.applied || state.installing !== undefined) return;
  assert(index <= state.applying, 'the state machine applies what it was given');
  state.unappliedBytes -= state.log.bytes(state.applied + 1, index);
  state.applied = index;
  while (state.applyingChanges.length > 0 && state.applyingChanges[0]!.index <= index) {
    applyChange(state, state.applyingChanges.shift()!, out);
  }
  appendWhatIsDue(state);
}

function applyChange(state: RaftState, entry: Entry, out: Outbox): void {
  const next = changed(state.membership, decodeChange(entry.data));
  // Refused by every replica alike: a leader checks before it proposes, but not against changes that are not applied yet.
  if (typeof next === 'string') return;
  state.membership = next;
  state.memberships.push({ index: entry.index, membership: next });
  if (state.role !== 'leader') {
    // Nobody else will call an election.
    if (isAlone(next, state.self)) state.electionDueMs = state.nowMs;
    return;
  }
  trackMembers(state);
  advanceCommit(state);
  releaseReads(state, out);
}

/**
 * A leader that votes no more stays until the new voters have committed something without it. That came to a majority of them with the news that the change is
 * committed; had the leader gone before, they might ask for its vote for ever.
 */
function prepareToLeave(state: RaftState): void {
  if (state.leavingIndex > 0 || isVoter(state.membership, state.self)) return;
  state.leavingIndex = state.log.lastIndex + 1;
  appendToLog(state, NO_OP, [NO_BYTES]);
}

/** Lets one who has all of the log lead at once. */
export function leaveOffice(state: RaftState, out: Outbox): void {
  broadcastHeartbeat(state, out);
  const { group, self, term, membership, log } = state;
  const heir = state.progress.find(({ id, match }) => isVoter(membership, id) && match === log.lastIndex);
  if (heir !== undefined) out.messages.push({ type: 'timeoutNow', group, from: self, to: heir.id, term });
  becomeFollower(state, term, NO_REPLICA, out);
}

/**
 * What the leader itself adds to the log after a change. Not while another is about to take over with the log as it is: that one will see to it, or we when it has
 * not come to that.
 */
export function appendWhatIsDue(state: RaftState): void {
  if (state.role !== 'leader' || state.transferee !== NO_REPLICA) return;
  leaveJoint(state);
  prepareToLeave(state);
}

/** The leader ends a joint membership as soon as it is in force; a new leader that finds one, when it has applied all that was before it. */
function leaveJoint(state: RaftState): void {
  if (!isJoint(state.membership) || state.applied < state.pendingChangeIndex) return;
  state.pendingChangeIndex = state.log.lastIndex + 1;
  appendToLog(state, MEMBERSHIP, [encodeChange(LEAVE_JOINT)]);
}
