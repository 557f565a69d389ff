/**
 * The store's protocol. It lives on a thread of its own, the only one that blocks for the disk. Writing goes by raw records, whose results come back in the
 * order of the requests, one record for all of a commit; everything else is asked.
 */
import type { ErrorCode } from '../../base/errors.ts';
import { type ActorRef, wellKnownRef } from '../../runtime/ref.ts';
import type { ActorSystem } from '../../runtime/system.ts';
import type { Mark } from '../../storage/marks.ts';

/** Its slot among the well-known actors of the store thread. */
export const STORE_SLOT = 2;

/** The store of this node: on the first service thread. */
export function storeRef(system: ActorSystem): ActorRef<StoreMessage> {
  return wellKnownRef<StoreMessage>(system.node, system.reactors + 1, STORE_SLOT);
}

/** Which engine keeps a shard. Shards are numbered per engine. */
export const ENGINE = { shared: 0, dedicated: 1, memory: 2, rocksdb: 3 } as const;
export type EngineName = keyof typeof ENGINE;
/** By their code in raw records. */
export const ENGINE_NAMES: readonly EngineName[] = ['shared', 'dedicated', 'memory', 'rocksdb'];

/**
 * Kinds of raw records. The requests, all little endian:
 *
 *   append   shard u32 · engine u8 · flags u8 · 0 u16 · expected base offset f64 (-1: any) · record batch v2
 *   fanOut   messages u32 · engine u8 (shared) · flags u8 · 0 u16 · max timestamp f64 · body (storage/fan-out.ts)
 *   control  shard u32 · engine u8 · flags u8 · op u8 · kind u8 · value f64        op: trim, drop, mark or unmark of storage/control.ts, or 0: none
 *   logs     0 u32 · engine u8 (shared) · flags u8 · 0 u16 · number f64 · item *   what replicated groups write; see replicated-logs.ts
 *   item     group u32 · kind u8 · 0 u24 · bytes u32 · entries u32 · body, to a multiple of 4
 *
 * and the answer to all requests of one sender that an engine has committed together:
 *
 *   committed   engine u8 · status u8 · 0 u16 · requests u32 · result f64 *
 *
 * Results in order of the requests: the base offset of an append; of a fan-out one for each recipient, -1 for one that is gone; none of a control. An append that
 * was refused by itself has -2 - n for the n-th of STORE_ERRORS, counted from 0. `logs` have one result: their number, or -1 when they are not the ones that are due.
 * `status`: 0, or n + 1 when all of the requests have failed.
 */
export const STORE_BYTES = { append: 1, fanOut: 2, control: 3, committed: 4, logs: 5 } as const;
export const STORE_REQUEST_BYTES = 16;
export const STORE_COMMITTED_BYTES = 8;
/** Items of a `logs` record: an entry of a group's log, its body the storage's of the groups; or where a group's log begins from now on, f64. */
export const LOG_ITEM = { entry: 1, trim: 2 } as const;
export const LOG_ITEM_BYTES = 16;
/** Flags of a request: it must be durable, not just written, before it is answered; or it is to be durable within STORE_SYNC_INTERVAL_MS. */
export const STORE_SYNC = 1;
export const STORE_SYNC_SOON = 2;
/** The request belongs to a unit that the sender's next request goes on with: the engine commits all of a unit at once. */
export const STORE_MORE = 4;

export type StoreErrorCode = Extract<ErrorCode, `SLUICE_STORAGE_${string}`>;
export const STORE_ERRORS: readonly StoreErrorCode[] = [
  'SLUICE_STORAGE_FULL',
  'SLUICE_STORAGE_FAILED',
  'SLUICE_STORAGE_UNKNOWN_SHARD',
  'SLUICE_STORAGE_OFFSET_MISMATCH',
  'SLUICE_STORAGE_BATCH_TOO_LARGE',
];

/** Makes shards, numbered by the store; answered, when they are durable, by `CreatedShards`. */
export interface CreateShards {
  readonly type: 'create';
  readonly engine: EngineName;
  readonly count: number;
}

/** Answered by `ShardBytes`: record batches, or whole frames if `raw`. */
export interface ReadShard {
  readonly type: 'read';
  readonly engine: EngineName;
  readonly shard: number;
  readonly offset: number;
  readonly bytesMax: number;
  readonly raw: boolean;
}

/** Answered by `DescribedShards`. */
export interface DescribeShards {
  readonly type: 'describe';
  readonly engine: EngineName;
  readonly shards: readonly number[];
}

/** Which shards of the shared log have a mark of that kind; answered by `MarkedShards`. */
export interface FindMarked {
  readonly type: 'marked';
  readonly engine: 'shared';
  readonly kind: number;
}

/** Answered by `FoundOffset`. */
export interface FindTime {
  readonly type: 'time';
  readonly engine: EngineName;
  readonly shard: number;
  readonly timestampMs: number;
}

/** Answered by `FoundOffset`, the shard's end: when it has, or is about to have, records from `offset` on, or when nothing has come for `waitMs`. */
export interface FollowShard {
  readonly type: 'follow';
  readonly engine: EngineName;
  readonly shard: number;
  readonly offset: number;
  readonly waitMs: number;
}

/** How long a shard keeps its records; no answer. 0: no such limit. */
export interface RetainShard {
  readonly type: 'retain';
  readonly engine: EngineName;
  readonly shard: number;
  readonly retentionMs: number;
  readonly retentionBytes: number;
  /** Of each key the last record stays; in the dedicated engine. */
  readonly isCompacted: boolean;
}

/** Forgets a shard and its records; no answer. */
export interface DropShard {
  readonly type: 'drop';
  readonly engine: EngineName;
  readonly shard: number;
}

/** Which replicated groups there are, answered by `ListedLogs`. */
export interface ListLogs {
  readonly type: 'logs';
  readonly engine: 'shared';
}

/** Groups that alone keep the oldest segment of the log, and how long the log is that cannot become shorter for that. */
export interface KeptFront {
  readonly groups: readonly number[];
  readonly logBytes: number;
}

/** From the store to whoever writes replicated groups: they may write anew what they still need of it. */
export interface RestateLogs extends KeptFront {
  readonly type: 'restate';
}

/** These are all shards of the engine that anybody knows: others are forgotten, but those of replicated groups and inboxes that are being emptied. No answer. */
export interface KeepShards {
  readonly type: 'keep';
  readonly engine: EngineName;
  readonly shards: readonly number[];
}

export type StoreMessage =
  | CreateShards
  | KeepShards
  | ReadShard
  | DescribeShards
  | FindMarked
  | FindTime
  | FollowShard
  | RetainShard
  | DropShard
  | ListLogs;

/** What a question is answered by when there is no answer. */
export interface StoreRefusal {
  readonly code: string;
  readonly message: string;
}

export interface CreatedShards {
  readonly shards: readonly number[];
}

export interface ShardBytes {
  readonly bytes: Uint8Array;
  readonly start: number;
  /** End of what is committed. */
  readonly end: number;
}

export interface ShardFacts {
  readonly start: number;
  readonly next: number;
  readonly bytes: number;
  readonly marks: readonly Mark[];
}

export interface DescribedShards {
  /** In order of the shards asked for; null for one that is not there. */
  readonly facts: readonly (ShardFacts | null)[];
}

export interface MarkedShards {
  readonly marked: readonly (readonly [shard: number, value: number])[];
}

export interface ListedLogs {
  readonly logs: readonly { readonly group: number; readonly shard: number; readonly start: number; readonly end: number }[];
}

export interface FoundOffset {
  readonly offset: number;
}
