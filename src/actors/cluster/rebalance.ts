/**
 * What a leader does for its groups unasked: it takes a member that came back without its disk in again, under its new name, in the place of the old one, and it hands groups to members that lead
 * few. One thing per group at a time; what is refused now is tried again later.
 */
import { isJoint, type Membership } from '../raft/membership.ts';
import type { MembershipChange } from '../raft/membership-change.ts';
import type { GroupOverview } from '../raft/messages.ts';
import { NO_REPLICA, nodeOfReplica, type ReplicaId } from '../raft/replica.ts';

export interface LiveMember {
  readonly node: number;
  readonly replica: ReplicaId;
  readonly leads: number;
}

/** Leaders are moved only from a member that leads this many more than another. */
export const LEADS_APART_MAX = 2;

/** The next step towards the live members being who votes; undefined when there is none. */
export function nextChange(membership: Membership, live: readonly LiveMember[]): MembershipChange | undefined {
  if (isJoint(membership)) return undefined;
  const { voters, learners } = membership;
  for (const { node, replica } of live) {
    const old = [...voters, ...learners].filter((id) => nodeOfReplica(id) === node && id !== replica);
    const remove = old.map((id) => ({ op: 'remove', id }) as const);
    if (voters.includes(replica)) {
      if (old.length > 0) return remove;
    } else if (learners.includes(replica)) {
      return [...remove, { op: 'addVoter', id: replica }];
    } else if (old.length > 0) {
      return [{ op: 'addLearner', id: replica }];
    }
  }
  return undefined;
}

/** Another member leads or follows the group, and no replica of `node` takes part in it: there is nothing for that node to serve. */
export function isElsewhere({ lead, membership }: GroupOverview, node: number): boolean {
  const { voters, outgoing, learners } = membership;
  // A member that has just joined follows a leader before it knows who votes.
  return (
    lead !== NO_REPLICA && voters.length > 0 && ![...voters, ...outgoing, ...learners].some((id) => nodeOfReplica(id) === node)
  );
}

/** A group to hand over and to whom; undefined when leaders are spread well enough. */
export function nextTransfer(
  leads: readonly GroupOverview[],
  live: readonly LiveMember[],
): { readonly group: number; readonly to: ReplicaId } | undefined {
  const least = [...live].sort((a, b) => a.leads - b.leads || a.node - b.node)[0];
  if (least === undefined || leads.length - least.leads <= LEADS_APART_MAX) return undefined;
  const group = leads.find(({ membership }) => !isJoint(membership) && membership.voters.includes(least.replica));
  return group === undefined ? undefined : { group: group.group, to: least.replica };
}
