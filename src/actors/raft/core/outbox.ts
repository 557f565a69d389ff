/**
 * What a group wants done, gathered during a turn and complete after `settle`. Reused from turn to turn: its owner empties it.
 */
import type { Entry } from '../entry.ts';
import type { RaftMessage } from '../message.ts';
import type { ReplicaId } from '../replica.ts';
import type { GroupWrite, SnapshotMeta } from '../storage.ts';

export type Refusal =
  | 'not_leader'
  | 'transferring'
  | 'too_many_uncommitted'
  | 'disk_full'
  | 'change_pending'
  | 'not_caught_up'
  | 'bad_change'
  | 'too_large';

/** The answer to one `propose` or `changeMembership`: the first `count` entries are in the leader's log, the others will never be. */
export interface Proposed {
  readonly firstIndex: number;
  readonly count: number;
  readonly term: number;
  /** Why not all. */
  readonly refusal: Refusal | undefined;
}

export interface ReadAnswer {
  readonly id: number;
  /** Read when this index is applied; -1: refused, ask again or elsewhere. */
  readonly index: number;
  /** Infinity, or a lease: the read counts if, when it is done, the clock says less than this and the replica still leads in `ledTerm`. */
  readonly leaseUntilMs: number;
  /** The term in which this replica led when it vouched for the index; 0: another one does, or nobody. */
  readonly ledTerm: number;
}

const NO_ENTRIES: readonly Entry[] = [];

export class Outbox {
  /** May leave at once. */
  readonly messages: RaftMessage[] = [];
  /** Leave when `after` is durable. */
  readonly held: RaftMessage[] = [];
  /** The group's newest write: what `held` waits for. */
  after = 0;
  write: GroupWrite | undefined = undefined;
  /** Committed and durable entries for the state machine, in order; the next come when these are applied. */
  apply: readonly Entry[] = NO_ENTRIES;
  /** The state machine is to take this snapshot instead. */
  install: SnapshotMeta | undefined = undefined;
  /** Replicas that need a snapshot of at least the log's `snapshotIndex`. */
  readonly snapshotsFor: ReplicaId[] = [];
  readonly proposed: Proposed[] = [];
  readonly reads: ReadAnswer[] = [];

  clear(): void {
    if (this.messages.length > 0) this.messages.length = 0;
    if (this.held.length > 0) this.held.length = 0;
    this.write = undefined;
    this.apply = NO_ENTRIES;
    this.install = undefined;
    if (this.snapshotsFor.length > 0) this.snapshotsFor.length = 0;
    if (this.proposed.length > 0) this.proposed.length = 0;
    if (this.reads.length > 0) this.reads.length = 0;
  }
}
