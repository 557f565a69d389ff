/** The protocol of whoever keeps a node's place in the cluster: founding, who is there, changes of members and leaders. It lives beside the node's groups. */
import { type ActorRef, wellKnownRef } from '../../runtime/ref.ts';
import type { ActorSystem } from '../../runtime/system.ts';
import type { GroupMember, GroupTransfer, MemberState } from '../../wire/schema-types.ts';
import type { GroupOverview } from '../raft/messages.ts';
import { raftThread } from '../raft/messages.ts';
import type { ReplicaId } from '../raft/replica.ts';

export const CLUSTER_SLOT = 5;

/** On a node whose groups are on `thread`. */
export function clusterRef(node: number, thread: number): ActorRef<ClusterRequest> {
  return wellKnownRef<ClusterRequest>(node, thread, CLUSTER_SLOT);
}

/** Of this node. */
export function ownClusterRef(system: ActorSystem): ActorRef<ClusterRequest> {
  return clusterRef(system.node, raftThread(system));
}

export type ClusterRequest =
  /** Another node, of itself. */
  | MemberState
  /** Ask; `Serving`, when every group that this node takes part in has answered a read. */
  | { readonly type: 'serving' }
  /** Ask; `HandedOver`, when this node leads nothing any more, or has to give up. */
  | { readonly type: 'handOver' }
  /** Ask; `ClusterOverview`. */
  | { readonly type: 'overview' }
  /** Ask; `ChangeReply`. The leader of the group, wherever it is, hands over to `to`. */
  | { readonly type: 'transfer'; readonly group: number; readonly to: number }
  /** Ask; `ChangeReply`. `add`: the node gets the group, and votes when it has caught up. `remove`: it is no member any more. */
  | { readonly type: 'member'; readonly change: 'add' | 'remove'; readonly group: number; readonly node: number }
  /** Asks of another node, for one of these two; `GroupChanged`. */
  | GroupTransfer
  | GroupMember;

export interface Serving {
  readonly groups: number;
}

export interface HandedOver {
  /** Groups that nobody has taken. */
  readonly left: number;
}

export interface MemberView {
  readonly node: number;
  /** 0: it has never been heard. */
  readonly replica: ReplicaId;
  /** Where its groups are; 0: not known. */
  readonly thread: number;
  readonly isUp: boolean;
}

export interface ClusterOverview {
  readonly node: number;
  /** Why it takes part in no group yet; empty when it does. */
  readonly waitsFor: string;
  readonly members: readonly MemberView[];
  readonly groups: readonly GroupOverview[];
}

/** `done`, or why not; the code is one of the error catalogue. */
export type ChangeReply =
  | { readonly result: 'done' }
  | { readonly result: 'refused'; readonly code: string; readonly reason: string };
