/**
 * Rows of the rocksdb engine. Batches of a shard lie side by side in the order of their offsets.
 *
 *   1 │ shard u64 │ base offset u64   →  the record batch
 *   2 │ shard u64 │ base offset u64   →  max timestamp i64, of each batch that raised the shard's largest timestamp
 *   3 │ shard u64                     →  start u64 │ end u64 │ bytes u64 │ batches u64 │ largest timestamp i64
 *
 * Rows of kind 2 rise in offset and time alike, so a time is found by a binary search over offsets.
 */
import { readI64, writeI64 } from '../big-endian.ts';
import type { ShardId } from '../engine.ts';
import { maxTimestampOf } from '../record-batch.ts';
import type { ShardRows } from './shard-rows.ts';

export const BATCH = 1;
export const TIME = 2;
export const SHARD = 3;

const KEY_BYTES = 17;
const STATE_BYTES = 40;

export function rowKey(kind: number, shard: ShardId, offset: number): Uint8Array {
  const key = Buffer.allocUnsafe(KEY_BYTES);
  key[0] = kind;
  writeI64(key, 1, shard);
  writeI64(key, 9, offset);
  return key;
}

export function offsetOfKey(key: Uint8Array): number {
  return readI64(key, 9);
}

export function shardKey(shard: ShardId): Uint8Array {
  const key = Buffer.allocUnsafe(9);
  key[0] = SHARD;
  writeI64(key, 1, shard);
  return key;
}

export function shardOfKey(key: Uint8Array): ShardId {
  return readI64(key, 1);
}

export function timeValue(batch: Uint8Array): Uint8Array {
  const value = Buffer.allocUnsafe(8);
  writeI64(value, 0, maxTimestampOf(batch, 0));
  return value;
}

export function stateValue(rows: ShardRows, shard: ShardId): Uint8Array {
  const value = Buffer.allocUnsafe(STATE_BYTES);
  writeI64(value, 0, rows.start[shard]!);
  writeI64(value, 8, rows.next[shard]!);
  writeI64(value, 16, rows.bytes[shard]!);
  writeI64(value, 24, rows.batches[shard]!);
  writeI64(value, 32, rows.maxTimestamp[shard]!);
  return value;
}

/** Makes the shard's row what `stateValue` wrote; false when the value is not of its kind. */
export function readState(rows: ShardRows, shard: ShardId, value: Uint8Array): boolean {
  if (value.length !== STATE_BYTES) return false;
  rows.create(shard, readI64(value, 0));
  rows.next[shard] = readI64(value, 8);
  rows.end[shard] = rows.next[shard]!;
  rows.bytes[shard] = readI64(value, 16);
  rows.batches[shard] = readI64(value, 24);
  rows.maxTimestamp[shard] = readI64(value, 32);
  return true;
}
