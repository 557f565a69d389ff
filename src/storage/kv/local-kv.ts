/**
 * A sorted store of keys and values in one process: what state machines, session state and the rocksdb engine keep their rows in. Three drivers, RocksDB, RocksDB on a
 * thread of its own, and memory, do the same by one suite (spec/storage/kv-suite.ts). Keys are ordered by their bytes. Opened and called by one thread; docs/internals/kv.md.
 *
 * Batches are atomic and are applied in the order of their calls. A batch with `sync` ends when it and all before it would survive a loss of power; one without
 * survives the death of the process. Reads see every batch that has ended, and may see one that has not.
 */

import type { PackedOps } from './packed-ops.ts';

export type KvOp =
  | { readonly type: 'put'; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly type: 'delete'; readonly key: Uint8Array }
  /** From `start` to before `end`. */
  | { readonly type: 'deleteRange'; readonly start: Uint8Array; readonly end: Uint8Array };

export interface KvEntry {
  readonly key: Uint8Array;
  /** Empty when only keys were asked for. */
  readonly value: Uint8Array;
}

export interface KvRange {
  /** First key, inclusive or exclusive; the first of all when neither is there. */
  readonly gte?: Uint8Array;
  readonly gt?: Uint8Array;
  /** Last key, inclusive or exclusive. */
  readonly lte?: Uint8Array;
  readonly lt?: Uint8Array;
  /** From the last key down. */
  readonly reverse?: boolean;
  /** Entries, at most KV_SCAN_ENTRIES_MAX, which is also the default. */
  readonly limit?: number;
  /** Stops behind the entry with which keys and values reach this; KV_SCAN_BYTES_MAX by default. */
  readonly bytesMax?: number;
  readonly keysOnly?: boolean;
}

export interface KvReader {
  get(key: Uint8Array): Promise<Uint8Array | undefined>;
  /** In the order of the keys given; far cheaper than one by one. */
  getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]>;
  /** One page; the next begins behind its last key. */
  scan(range: KvRange): Promise<KvEntry[]>;
}

/** What the store held at one moment. It holds resources until it is closed. */
export interface KvSnapshot extends KvReader {
  close(): Promise<void>;
}

export interface LocalKv extends KvReader {
  /** Keys, values and the list belong to the store until the promise settles; packed operations are read during the call. After a failure the store takes no more batches (SLUICE_STORAGE_FAILED). */
  batch(ops: readonly KvOp[] | PackedOps, options: { readonly sync: boolean }): Promise<void>;
  snapshot(): KvSnapshot;
  /**
   * Writes all that ended before to `directory`, which must not exist: a store that opens as this one was at that moment. It shares files with this one where
   * the file system can, and is complete or not there at all.
   */
  checkpoint(directory: string): Promise<void>;
  /** Ends what was called before; later calls fail. */
  close(): Promise<void>;
}
