/** What an operator may ask of a group's members: whether it makes sense for this membership at all, before anything is tried. Pure. */
import type { ErrorCode } from '../../base/errors.ts';
import { isVoter, type Membership, members } from '../raft/membership.ts';
import { nodeOfReplica } from '../raft/replica.ts';
import type { ClusterRequest } from './messages.ts';

export interface Refusal {
  readonly code: ErrorCode;
  readonly reason: string;
}

type Change = Extract<ClusterRequest, { type: 'transfer' | 'member' }>;

/** Undefined: it may be tried. `replica`: who the node of an `add` is now, if that is known. */
export function judgeChange(change: Change, membership: Membership, replica: number | undefined): Refusal | undefined {
  if (change.type === 'member' && change.change === 'add') {
    const isVoting = replica !== undefined && membership.voters.includes(replica);
    return isVoting ? { code: 'SLUICE_RAFT_MEMBER', reason: `node ${change.node} votes in the group already` } : undefined;
  }
  const node = change.type === 'transfer' ? change.to : change.node;
  const its = members(membership).filter((id) => nodeOfReplica(id) === node);
  if (its.length === 0) return { code: 'SLUICE_RAFT_NO_MEMBER', reason: `node ${node} is no member of the group` };
  if (change.type === 'transfer' && !its.some((id) => isVoter(membership, id)))
    return { code: 'SLUICE_RAFT_LEARNER', reason: `node ${node} gets the log of the group, but does not vote in it yet` };
  return undefined;
}
