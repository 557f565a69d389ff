/** Snapshots between nodes, in chunks. */
import type { ReplicaId } from '../replica.ts';
import type { SnapshotMeta } from '../storage.ts';

export interface SnapshotChunk {
  readonly type: 'snapshotChunk';
  readonly group: number;
  readonly from: ReplicaId;
  readonly to: ReplicaId;
  /** The leader's. */
  readonly term: number;
  readonly meta: SnapshotMeta;
  readonly offset: number;
  readonly isLast: boolean;
  readonly data: Uint8Array;
}

export interface SnapshotReply {
  readonly type: 'snapshotReply';
  readonly group: number;
  readonly from: ReplicaId;
  readonly to: ReplicaId;
  readonly term: number;
  readonly index: number;
  /** Everything before this has arrived. */
  readonly offset: number;
  /** The whole of it is here and durable. */
  readonly isDone: boolean;
}

export type SnapshotMessage = SnapshotChunk | SnapshotReply;
