/** How the rocksdb engine finds rows: free functions over the store, which know nothing of what is staged. */
import { ROCKSDB_DELETES_SINGLE_MAX } from '../../base/limits.ts';
import { readI64 } from '../big-endian.ts';
import type { ShardId } from '../engine.ts';
import type { KvEntry, KvOp, KvReader } from '../kv/local-kv.ts';
import { lastOffsetOf, maxTimestampOf } from '../record-batch.ts';
import { BATCH, offsetOfKey, rowKey, TIME } from './rocksdb-keys.ts';

/** Rows fetched at once: what the caller asked for if batches are as large as they are on average. */
const ROWS_AT_ONCE_MAX = 256;

/** Batches before `end` from the one that holds `offset` on: at most `bytesMax`, at least one; undefined when that one is not there. */
export async function readBatches(
  kv: KvReader,
  shard: ShardId,
  offset: number,
  end: number,
  bytesMax: number,
  averageBytes: number,
): Promise<Uint8Array | undefined> {
  const limit = Math.min(ROWS_AT_ONCE_MAX, Math.max(1, Math.ceil(bytesMax / Math.max(1, averageBytes))));
  // A reader that goes on where it was asks for the first offset of a batch.
  let rows = await kv.scan({ gte: rowKey(BATCH, shard, offset), lt: rowKey(BATCH, shard, end), limit, bytesMax });
  if (rows.length === 0 || offsetOfKey(rows[0]!.key) !== offset) {
    const before = await lastRow(kv, BATCH, shard, offset);
    if (before === undefined || lastOffsetOf(before.value, 0) < offset) return undefined;
    rows = [before, ...rows];
  }
  let total = 0;
  let count = 0;
  for (; count < rows.length; count++) {
    const size = rows[count]!.value.length;
    if (count > 0 && total + size > bytesMax) break;
    total += size;
  }
  return Buffer.concat(
    rows.slice(0, count).map((row) => row.value),
    total,
  );
}

/** Base offset of the first batch from `start` to before `end` with this timestamp or a later one, else `end`. */
export async function findTime(kv: KvReader, shard: ShardId, timestampMs: number, start: number, end: number): Promise<number> {
  let low = 0;
  let high = end;
  let found = end;
  while (low < high) {
    const middle = low + Math.floor((high - low) / 2);
    const [row] = await kv.scan({ gte: rowKey(TIME, shard, middle), lt: rowKey(TIME, shard, high), limit: 1 });
    if (row === undefined) high = middle;
    else if (readI64(row.value, 0) >= timestampMs) {
      found = offsetOfKey(row.key);
      high = middle;
    } else low = offsetOfKey(row.key) + 1;
  }
  // Batches before the first that reached this time are older, if that one is still kept.
  return found >= start ? found : scanForTime(kv, shard, timestampMs, start, end);
}

/** The first to reach this time has been trimmed: a later one that stays below it is in no row of kind 2. */
async function scanForTime(kv: KvReader, shard: ShardId, timestampMs: number, start: number, end: number): Promise<number> {
  const before = await lastRow(kv, BATCH, shard, start);
  if (before !== undefined && lastOffsetOf(before.value, 0) >= start && maxTimestampOf(before.value, 0) >= timestampMs)
    return start;
  let from = start;
  for (;;) {
    const page = await kv.scan({ gte: rowKey(BATCH, shard, from), lt: rowKey(BATCH, shard, end), limit: ROWS_AT_ONCE_MAX });
    const row = page.find(({ value }) => maxTimestampOf(value, 0) >= timestampMs);
    if (row !== undefined) return offsetOfKey(row.key);
    if (page.length === 0) return end;
    from = offsetOfKey(page.at(-1)!.key) + 1;
  }
}

/**
 * What deletes the batches that end before `start`. The last before it stays, since it may hold `start`, unless nothing is kept at all. Of the rows of kind 2 the last
 * before it stays too: it tells the largest timestamp of all that is gone.
 */
export async function trimOps(kv: KvReader, shard: ShardId, start: number, end: number): Promise<KvOp[]> {
  const before = await lastRow(kv, BATCH, shard, start, true);
  const batchesTo = start === end ? end : before === undefined ? 0 : offsetOfKey(before.key);
  const time = await lastRow(kv, TIME, shard, start, true);
  const timesTo = time === undefined ? 0 : offsetOfKey(time.key);
  return [...(await deleteOps(kv, BATCH, shard, batchesTo)), ...(await deleteOps(kv, TIME, shard, timesTo))];
}

async function deleteOps(kv: KvReader, kind: number, shard: ShardId, to: number): Promise<KvOp[]> {
  const start = rowKey(kind, shard, 0);
  const end = rowKey(kind, shard, to);
  const keys = await kv.scan({ gte: start, lt: end, keysOnly: true, limit: ROCKSDB_DELETES_SINGLE_MAX + 1 });
  if (keys.length > ROCKSDB_DELETES_SINGLE_MAX) return [{ type: 'deleteRange', start, end }];
  return keys.map(({ key }) => ({ type: 'delete', key }));
}

/** The last row of this kind before `offset`. */
async function lastRow(
  kv: KvReader,
  kind: number,
  shard: ShardId,
  offset: number,
  keysOnly = false,
): Promise<KvEntry | undefined> {
  const [row] = await kv.scan({
    gte: rowKey(kind, shard, 0),
    lt: rowKey(kind, shard, offset),
    reverse: true,
    limit: 1,
    keysOnly,
  });
  return row;
}
