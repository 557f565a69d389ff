/** What a group replicates: a deterministic machine that is fed the log. The seam between Raft and the services on it. */
import type { Entry } from './entry.ts';
import type { SnapshotMeta } from './storage.ts';

export interface StateMachine {
  /** The last entry in its state, which survives a restart as far as it says so then. */
  readonly appliedIndex: number;
  /**
   * Entries in log order, every index once: data, and what it may skip (membership changes, no-ops). `done` is called when their effects are in place, now or later,
   * with a reply per entry for whoever proposed it. The next batch comes after that.
   */
  apply(entries: readonly Entry[], done: (replies: readonly unknown[]) => void): void;
  /**
   * Of a machine that keeps its state itself: `done` when a restart, after a loss of power too, will find at least what is applied now. The log up to there is not needed
   * then, nor is a snapshot, until a replica asks for one. Absent: the state is in snapshots alone.
   */
  readonly checkpoint?: ((done: () => void) => void) | undefined;
  /** The state as of `appliedIndex`; it does not change while it is read. */
  snapshot(): SnapshotReader;
  /** Becomes what the snapshot holds; what it was before is gone. */
  restore(meta: SnapshotMeta, reader: SnapshotReader, done: () => void): void;
}

export interface SnapshotReader {
  /** The next bytes, at most `bytesMax`. After the last ones no more is asked. */
  read(bytesMax: number, done: (bytes: Uint8Array, isLast: boolean) => void): void;
  close(): void;
}

/** A node's snapshots. One that is older than what the storage names is of no use; one that is newer may be named next. */
export interface SnapshotStore {
  /** Reads all of `reader` and keeps it. `done` when it is durable, or could not be made so. */
  save(group: number, meta: SnapshotMeta, reader: SnapshotReader, done: (isOk: boolean) => void): void;
  /** The newest durable one. */
  open(group: number): OpenSnapshot | undefined;
  /** The one that the storage names. */
  openAt(group: number, index: number): OpenSnapshot | undefined;
  /** Restart begins with the one at `index` from now on: older ones are not needed. */
  discardBefore(group: number, index: number): void;
  /** One that arrives from a leader. */
  receive(group: number, meta: SnapshotMeta): SnapshotWriter;
}

export interface OpenSnapshot {
  readonly meta: SnapshotMeta;
  readonly reader: SnapshotReader;
}

export interface SnapshotWriter {
  /** False: not now, nothing was taken. */
  write(bytes: Uint8Array): boolean;
  /** `done` when it is durable, or could not be made so. */
  commit(done: (isOk: boolean) => void): void;
  abort(): void;
}
