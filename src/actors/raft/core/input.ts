/** Everything that can happen to a group. `now` is the node's monotonic clock, milliseconds: the core has no other. */
import type { MembershipChange } from '../membership-change.ts';
import type { RaftMessage } from '../message.ts';
import type { ReplicaId } from '../replica.ts';
import type { SnapshotMeta } from '../storage.ts';

export type Input = { readonly now: number } & (
  | { readonly type: 'tick' }
  | { readonly type: 'message'; readonly message: RaftMessage }
  /** Data of new entries. Answered at once in `Outbox.proposed`. */
  | { readonly type: 'propose'; readonly entries: readonly Uint8Array[] }
  | { readonly type: 'changeMembership'; readonly change: MembershipChange }
  /** Linearizable reads; `ids` are the host's. Answered in `Outbox.reads`, each once. */
  | { readonly type: 'read'; readonly ids: readonly number[]; readonly mode: 'index' | 'lease' }
  | { readonly type: 'transfer'; readonly to: ReplicaId }
  | { readonly type: 'campaign' }
  /** Writes up to `seq` are durable. */
  | { readonly type: 'durable'; readonly seq: number }
  /** The state machine has applied everything up to `index`. */
  | { readonly type: 'applied'; readonly index: number }
  /** The state machine's state as of `meta.index` is durable: the log may be compacted. */
  | { readonly type: 'snapshotSaved'; readonly meta: SnapshotMeta }
  /** A leader's snapshot is here and durable. */
  | { readonly type: 'snapshotReceived'; readonly meta: SnapshotMeta; readonly from: ReplicaId }
  /** The state machine is at `index`, from the snapshot. */
  | { readonly type: 'snapshotInstalled'; readonly index: number }
  /** What became of a snapshot on its way to `to`. */
  | { readonly type: 'snapshotReport'; readonly to: ReplicaId; readonly isOk: boolean }
  /** Entries that the log had to fetch are there. */
  | { readonly type: 'fetched' }
  /** Messages to `to` were lost. */
  | { readonly type: 'unreachable'; readonly to: ReplicaId }
  | { readonly type: 'disk'; readonly isFull: boolean }
);
