/**
 * What a storage engine is: many shards, each an append-only sequence of records with offsets. An engine is owned by one thread and called by one
 * actor there; calls never block on other callers, and what takes time ends in a continuation that runs on the same thread, exactly once, perhaps before
 * the call returns. Commits end in the order of their calls.
 *
 * Appends are staged and become readable, and durable if asked, by the next `commit`: one turn, one commit, whatever the number of shards. `create`, `trim`
 * and `drop` show at once and become durable by it. All engines pass spec/storage/engine-suite.ts.
 */

/** Number of a shard, 1 … SHARD_MAX, given by whoever creates shards; names live in the metadata. */
export type ShardId = number;

export interface ShardStat {
  /** Oldest offset that can be read. */
  readonly start: number;
  /** Offset that the next record gets; staged appends count. */
  readonly next: number;
  /** Bytes of batches from `start` on, as far as the engine knows; an estimate after trimming inside a batch. */
  readonly bytes: number;
}

export interface ReadResult {
  /**
   * Whole record batches (Kafka v2), one after the other; the first holds the offset that was asked for. Empty at the end of the shard.
   * The memory is the caller's.
   */
  readonly batches: Uint8Array;
  readonly start: number;
  /** End of what is committed: `next` without staged appends. */
  readonly end: number;
}

/** What a call failed with, else undefined. Codes: SLUICE_STORAGE_*. */
export type EngineError = Error | undefined;

export interface Engine {
  /** Survives the death of the process, and of power if committed with `sync`. */
  readonly isDurable: boolean;

  /** Makes an empty shard beginning at `start`; nothing happens when it exists. Durable with the next commit. */
  create(shard: ShardId, start?: number): void;
  /** False before `create` and after `drop`. */
  has(shard: ShardId): boolean;
  /**
   * Stages one record batch, `bytes[from, to)`, and returns the base offset that it got. The engine copies the bytes and writes the offset into its
   * copy (the field lies outside of the batch's checksum). `expected`: the base offset that the writer believes in, -1 for whichever is next; another one is
   * refused by an error SLUICE_STORAGE_OFFSET_MISMATCH. Throws also SLUICE_STORAGE_FULL, SLUICE_STORAGE_UNKNOWN_SHARD and
   * SLUICE_STORAGE_BATCH_TOO_LARGE; nothing is staged then.
   */
  append(shard: ShardId, expected: number, bytes: Uint8Array, from: number, to: number): number;
  /** Makes everything staged readable, and durable if `sync`. After an error of `then` the engine takes no more appends. */
  commit(sync: boolean, then: (error: EngineError) => void): void;
  /** Batches from the one that holds `offset` on, at most `bytesMax` but at least one. Errors: SLUICE_STORAGE_OFFSET_OUT_OF_RANGE, SLUICE_STORAGE_CORRUPT. */
  read(
    shard: ShardId,
    offset: number,
    bytesMax: number,
    then: (error: EngineError, result: ReadResult | undefined) => void,
  ): void;
  /**
   * Base offset of the first batch that holds a record with a timestamp of `timestampMs` or later, `start` when it begins before that; the end when there is none.
   */
  offsetForTime(shard: ShardId, timestampMs: number, then: (error: EngineError, offset: number) => void): void;
  /** Gives up what lies before `start`; an offset below the present start changes nothing, one beyond the end trims to the end. */
  trim(shard: ShardId, start: number): void;
  stat(shard: ShardId): ShardStat;
  /** Forgets the shard and, in time, its bytes. */
  drop(shard: ShardId): void;
  shards(): Iterable<ShardId>;
  /** Ends without a commit: what is staged is lost. */
  close(then: (error: EngineError) => void): void;
}
