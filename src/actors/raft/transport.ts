/** The way to other nodes. It may lose, repeat and reorder: Raft asks for no more. It must not damage: frames carry a checksum below this. */
import type { ReplicaId } from './replica.ts';

/**
 * `urgent`: heartbeats, votes, replies; they wait for nothing. `append`: entries. `snapshot`: chunks. One frame per turn, peer and lane.
 */
export type Lane = 'urgent' | 'append' | 'snapshot';

export interface RaftTransport {
  /** `to` names a node in one of its incarnations. The bytes are valid during the call alone. */
  send(to: ReplicaId, lane: Lane, bytes: Uint8Array): void;
}
