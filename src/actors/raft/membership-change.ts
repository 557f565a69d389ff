/**
 * Changing who votes. One voter more or less is applied at once: any majority of the old voters and any of the new have one in common. More than that goes
 * through a joint membership, which the leader leaves by itself with an empty change as soon as the joint one is applied.
 */
import { isJoint, isMember, type Membership, sortedIds } from './membership.ts';
import type { ReplicaId } from './replica.ts';

export type ChangeOp = 'addVoter' | 'addLearner' | 'remove';

export interface MemberChange {
  readonly op: ChangeOp;
  readonly id: ReplicaId;
}

/** No changes: leave the joint membership. */
export type MembershipChange = readonly MemberChange[];

export const LEAVE_JOINT: MembershipChange = [];

export type ChangeRefusal = 'not_joint' | 'already_joint' | 'no_voters' | 'unknown_replica' | 'listed_twice';

/** The membership after `change`, or why it cannot be. */
export function changed(membership: Membership, change: MembershipChange): Membership | ChangeRefusal {
  if (change.length === 0) return isJoint(membership) ? left(membership) : 'not_joint';
  if (isJoint(membership)) return 'already_joint';
  if (new Set(change.map(({ id }) => id)).size < change.length) return 'listed_twice';

  const voters = new Set(membership.voters);
  const learners = new Set(membership.learners);
  for (const { op, id } of change) {
    if (op === 'remove' && !isMember(membership, id)) return 'unknown_replica';
    voters.delete(id);
    learners.delete(id);
    if (op === 'addVoter') voters.add(id);
    if (op === 'addLearner') learners.add(id);
  }
  if (voters.size === 0) return 'no_voters';
  return difference(membership.voters, voters) <= 1
    ? { voters: sortedIds([...voters]), outgoing: [], learners: sortedIds([...learners]), learnersNext: [] }
    : joined(membership, voters, learners);
}

/** An outgoing voter keeps its vote until the joint membership is left; what it is to become waits until then. */
function joined(membership: Membership, voters: ReadonlySet<ReplicaId>, learners: ReadonlySet<ReplicaId>): Membership {
  const outgoing = membership.voters;
  return {
    voters: sortedIds([...voters]),
    outgoing,
    learners: sortedIds([...learners].filter((id) => !outgoing.includes(id))),
    learnersNext: sortedIds([...learners].filter((id) => outgoing.includes(id))),
  };
}

function left({ voters, learners, learnersNext }: Membership): Membership {
  return { voters, outgoing: [], learners: sortedIds([...learners, ...learnersNext]), learnersNext: [] };
}

/** Voters that are only in one of the two. */
function difference(before: readonly ReplicaId[], after: ReadonlySet<ReplicaId>): number {
  let common = 0;
  for (const id of before) if (after.has(id)) common++;
  return before.length + after.size - 2 * common;
}
