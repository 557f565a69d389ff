/** The protocol of a node's Raft groups. Frames from other nodes come as raw bytes of kind `RAFT_FRAME`, in the class of their lane (wire/classes.ts). */
import { type ActorRef, wellKnownRef } from '../../runtime/ref.ts';
import type { ActorSystem } from '../../runtime/system.ts';
import type { Membership } from './membership.ts';
import type { MembershipChange } from './membership-change.ts';
import type { ReplicaId } from './replica.ts';

export const RAFT_FRAME = 1;

/** Slot of the groups on their thread, which is a service thread of the node. */
export const RAFT_SLOT = 3;

/** The thread of this node's groups: the service behind the store. */
export function raftThread(system: ActorSystem): number {
  return system.reactors + 2;
}

/** The groups of this node. */
export function raftRef(system: ActorSystem): ActorRef<RaftRequest> {
  return wellKnownRef<RaftRequest>(system.node, raftThread(system), RAFT_SLOT);
}

export type RaftRequest =
  /** Ask; `GroupReply`, when that is durable. The group begins here, with these voters. Once in its life. */
  | { readonly type: 'found'; readonly group: number; readonly voters: readonly ReplicaId[] }
  /** Ask; `GroupReply`. This replica waits to be added by the group's leader. */
  | { readonly type: 'join'; readonly group: number }
  /** Ask; `ProposalOutcome` when it is applied here, or will not be. */
  | { readonly type: 'propose'; readonly group: number; readonly data: Uint8Array }
  /** Ask; `ReadReply` when the state machine here is as recent as the read has to see it. */
  | { readonly type: 'read'; readonly group: number; readonly mode: 'index' | 'lease' }
  /** Ask; `ProposalOutcome`. */
  | { readonly type: 'changeMembership'; readonly group: number; readonly change: MembershipChange }
  /** The group's leader, if it is here, hands over to `to`. */
  | { readonly type: 'transfer'; readonly group: number; readonly to: ReplicaId }
  /** Ask; `GroupStatus`. */
  | { readonly type: 'status'; readonly group: number }
  /** Ask; `GroupsOverview`. */
  | { readonly type: 'overview' }
  /** From the groups to themselves: what this turn has brought so far is settled. */
  | { readonly type: 'settle' }
  /** The connection to a node has lost what was on its way. */
  | { readonly type: 'unreachable'; readonly node: number };

export interface GroupReply {
  /** False: the group is here already, or was. */
  readonly isOk: boolean;
}

export interface ReadReply {
  /** False: not here and now. `lead` may know better. */
  readonly isOk: boolean;
  /** What the state machine had applied. */
  readonly applied: number;
  readonly lead: ReplicaId;
  /** The term that this replica led in when it vouched for that: with mode `index`, after it was asked; 0: another one vouches, or nobody. */
  readonly ledTerm: number;
}

export interface GroupStatus {
  readonly role: 'follower' | 'preCandidate' | 'candidate' | 'leader' | 'absent' | 'poisoned';
  readonly term: number;
  readonly lead: ReplicaId;
  readonly commit: number;
  readonly applied: number;
  readonly lastIndex: number;
}

export interface GroupOverview extends GroupStatus {
  readonly group: number;
  readonly membership: Membership;
  /** Why it is poisoned. */
  readonly poison?: string;
}

export interface GroupsOverview {
  readonly self: ReplicaId;
  readonly groups: readonly GroupOverview[];
}
