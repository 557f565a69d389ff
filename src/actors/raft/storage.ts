/**
 * Where a node's groups are kept. One storage serves all groups of a node: what they write in one turn is one batch, one contiguous write and one sync. It is told to
 * write and calls back when that is durable, in order; there is no other order that counts.
 */
import type { Entry } from './entry.ts';
import type { Membership } from './membership.ts';
import type { ReplicaId } from './replica.ts';

export interface HardState {
  readonly term: number;
  /** Who got our vote in `term`. */
  readonly vote: ReplicaId;
  /**
   * Written along with whatever else is, never for itself. It is therefore not behind the one but last membership change of the log: a leader proposes
   * a change only when the one before is committed, and says so in the message that brings it.
   */
  readonly commit: number;
}

export interface SnapshotMeta {
  readonly index: number;
  readonly term: number;
  /** As of `index`. */
  readonly membership: Membership;
}

/** What one group has to write in a turn; all or nothing of it survives a crash. The parts apply from top to bottom. */
export interface GroupWrite {
  readonly group: number;
  /** Number of the group's write; messages wait for it. */
  readonly seq: number;
  readonly hard: HardState;
  /** The snapshot that restart begins with from now on; its state is durable already. */
  readonly snapshot: SnapshotMeta | undefined;
  /** The snapshot takes the place of the whole log. */
  readonly isReset: boolean;
  /** Entries from here on are void; 0: none. */
  readonly truncateFrom: number;
  readonly entries: readonly Entry[];
  /** Entries up to here are not needed any more; 0: no news. */
  readonly compactTo: number;
}

export interface RaftStorage {
  /** Writes of one turn, at most one per group, numbered without gaps. `StorageListener.durable` is called once per batch or for several at once, later. */
  write(batch: number, writes: readonly GroupWrite[]): void;
  /** No room for further entries. Votes, terms and truncation still fit. */
  isFull(): boolean;
}

export interface StorageListener {
  /** All batches up to this one are durable. */
  durable(batch: number): void;
  /** A write or a sync has failed. Nothing that is not durable yet may be trusted, nor written again: the node ends. */
  failed(error: unknown): void;
}

/** A node's storage as it is found at a start. */
export interface NodeStorage extends RaftStorage {
  /** Groups that have written something. */
  readonly groups: ReadonlyMap<number, RecoveredGroup>;
  /** Who is told from now on; what was under way for another is not. */
  listen(listener: StorageListener): void;
}

/** What a group finds after a restart. */
export interface RecoveredGroup {
  readonly hard: HardState;
  readonly snapshot: SnapshotMeta;
  /** The entry before the first one: `snapshot`'s, or an older one when the log was kept further back. */
  readonly compacted: { readonly index: number; readonly term: number };
  readonly entries: readonly Entry[];
}
