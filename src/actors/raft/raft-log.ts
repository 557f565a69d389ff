/**
 * A group's log as its core sees it: everything that was appended, durable or not. The core changes it at once and says in the same turn what is to be written
 * (`GroupWrite`); what is durable it hears later. An implementation keeps terms and sizes of all its entries at hand, the data of old ones maybe on disk.
 *
 *     snapshotIndex   firstIndex                            lastIndex
 *   ── compacted ──┤├──────────────── entries ────────────────┤
 */
import type { Entry } from './entry.ts';

export interface RaftLog {
  /** The last compacted entry, 0 when nothing was; its term is still known. */
  readonly snapshotIndex: number;
  /** `snapshotIndex + 1`. */
  readonly firstIndex: number;
  /** `snapshotIndex` when there are no entries. */
  readonly lastIndex: number;
  /** Term of the entry, -1 when it is compacted or does not exist. */
  term(index: number): number;
  /**
   * Entries from `from` up to `to`, as many as `bytesMax` takes and at least one. Undefined: their data is being fetched, and the owner of the log tells the core
   * (`fetched`) when to ask again. `from … to` must exist.
   */
  entries(from: number, to: number, bytesMax: number): readonly Entry[] | undefined;
  /** Bytes of the entries `from … to`, with overhead (`entryBytes`). */
  bytes(from: number, to: number): number;
  /** Continues at `lastIndex + 1`. */
  append(entries: readonly Entry[]): void;
  /** Drops the entries from `from` on. */
  truncate(from: number): void;
  /** Drops the entries up to `to`. */
  compact(to: number): void;
  /** Drops everything: a snapshot up to `index` takes the place of the log. */
  reset(index: number, term: number): void;
}
