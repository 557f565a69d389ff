/**
 * Compaction by key, as Kafka means it: of each key the last record stays. Two passes over the batches of a shard, both pure: `indexBatches` notes the last offset of each key, `rewriteBatches` writes
 * the batches anew without the records that a later one has replaced. Offsets never change: base and last offset of a batch stay, a batch may have gaps, and one without records goes.
 *
 * A record without a value is a tombstone: it replaces the earlier ones and goes itself `tombstoneMs` after the first compaction that met it as the last of its key. The time from which it may go is
 * the batch's delete horizon: its base timestamp, with a bit in the attributes.
 *
 * Records without a key go, as they do in Kafka: no later one can replace them. Batches of transactions and control batches stay as they are and replace nothing, since which of them were
 * aborted is not known here.
 */
import { copyBytes } from '../../base/bytes.ts';
import { compressBatch, decompressBatch } from '../compression/batch.ts';
import { loadCodec } from '../compression/codecs.ts';
import {
  attributesOf,
  baseTimestampOf,
  batchBytes,
  CODEC_MASK,
  CONTROL,
  codecOf,
  DELETE_HORIZON,
  HEADER_BYTES,
  LOG_APPEND_TIME,
  lastOffsetOf,
  maxTimestampOf,
  readHeader,
  TRANSACTIONAL,
  writeHeader,
} from '../record-batch.ts';
import { checkBatch } from '../record-batch-check.ts';
import { RecordCursor } from '../record-cursor.ts';
import { VarintReader, varintBytes, writeVarint } from '../record-varint.ts';
import { type KeyOffsets, OTHER_SLICE } from './key-offsets.ts';

export interface Compaction {
  readonly nowMs: number;
  /** How long a tombstone stays. */
  readonly tombstoneMs: number;
}

export interface Rewritten {
  readonly batches: Uint8Array;
  readonly recordsBefore: number;
  readonly recordsAfter: number;
}

/** Attributes of batches that are left alone. */
const UNTOUCHED = TRANSACTIONAL | CONTROL;
/** A varint of a timestamp may grow by this when it is written against another base. */
const VARINT_BYTES_MAX = 10;

/** Notes the keys of a row of batches. Returns the offset behind the last record that is noted: before the end when the table is full. */
export async function indexBatches(keys: KeyOffsets, batches: Uint8Array): Promise<number> {
  const cursor = new RecordCursor();
  let noted = 0;
  for (let at = 0; at < batches.length; ) {
    const end = checkBatch(batches, at, batches.length);
    if ((attributesOf(batches, at) & UNTOUCHED) === 0) {
      const plain = await plainBatch(batches, at);
      for (cursor.open(plain.bytes, plain.at); cursor.next(); ) {
        if (cursor.keyStart >= 0 && !keys.put(cursor.bytes.subarray(cursor.keyStart, cursor.keyEnd), cursor.offset))
          return cursor.offset;
      }
    }
    noted = lastOffsetOf(batches, at) + 1;
    at = end;
  }
  return noted;
}

/** The batches without what later records have replaced. `keys` must hold at least the keys of its slice from these batches on. */
export async function rewriteBatches(keys: KeyOffsets, batches: Uint8Array, compaction: Compaction): Promise<Rewritten> {
  const kept: Uint8Array[] = [];
  let recordsBefore = 0;
  let recordsAfter = 0;
  for (let at = 0; at < batches.length; ) {
    const end = checkBatch(batches, at, batches.length);
    const { attributes, count } = readHeader(batches, at);
    recordsBefore += count;
    if ((attributes & UNTOUCHED) !== 0) {
      kept.push(batches.subarray(at, end));
      recordsAfter += count;
    } else {
      const plain = await plainBatch(batches, at);
      const result = rewritePlain(keys, plain.bytes, plain.at, compaction);
      if (result === 'same') kept.push(batches.subarray(at, end));
      else if (result.count > 0) kept.push(compressBatch(result.batch, 0, await loadCodec(attributes & CODEC_MASK)));
      recordsAfter += result === 'same' ? count : result.count;
    }
    at = end;
  }
  return { batches: Buffer.concat(kept), recordsBefore, recordsAfter };
}

/** An uncompressed batch anew: `same` when nothing of it changes. */
function rewritePlain(
  keys: KeyOffsets,
  bytes: Uint8Array,
  at: number,
  { nowMs, tombstoneMs }: Compaction,
): 'same' | { readonly batch: Uint8Array; readonly count: number } {
  const header = readHeader(bytes, at);
  const horizonBefore = (header.attributes & DELETE_HORIZON) === 0 ? undefined : baseTimestampOf(bytes, at);
  const hasTombstones = holdsTombstone(keys, bytes, at, horizonBefore, nowMs);
  // Set once: later compactions keep to it.
  const horizon = horizonBefore ?? (hasTombstones ? nowMs + tombstoneMs : undefined);
  const base = horizon ?? header.baseTimestamp;
  const out = Buffer.allocUnsafe(batchBytes(bytes, at) + header.count * VARINT_BYTES_MAX);
  const cursor = new RecordCursor().open(bytes, at);
  let end = HEADER_BYTES;
  let count = 0;
  let maxTimestamp = Number.NEGATIVE_INFINITY;
  while (cursor.next()) {
    while (cursor.nextHeader());
    if (!stays(keys, cursor, horizonBefore, nowMs)) continue;
    end = writeRecord(out, end, cursor, base);
    maxTimestamp = Math.max(maxTimestamp, cursor.timestamp);
    count++;
  }
  if (count === header.count && horizon === horizonBefore) return 'same';
  if (count === 0) return { batch: out, count };
  const isAppendTime = (header.attributes & LOG_APPEND_TIME) !== 0;
  writeHeader(out, 0, end, {
    ...header,
    attributes: header.attributes | (horizon === undefined ? 0 : DELETE_HORIZON),
    baseTimestamp: base,
    maxTimestamp: isAppendTime ? maxTimestampOf(bytes, at) : maxTimestamp,
    count,
  });
  return { batch: out.subarray(0, end), count };
}

/** Whether the present record is of another slice of the keys, or the last of its key and, if it is a tombstone, not past its time. */
function stays(keys: KeyOffsets, cursor: RecordCursor, horizon: number | undefined, nowMs: number): boolean {
  if (cursor.keyStart < 0) return false;
  const last = keys.get(cursor.bytes.subarray(cursor.keyStart, cursor.keyEnd));
  if (last === OTHER_SLICE) return true;
  if (last !== undefined && last > cursor.offset) return false;
  return cursor.valueStart >= 0 || horizon === undefined || nowMs < horizon;
}

function holdsTombstone(keys: KeyOffsets, bytes: Uint8Array, at: number, horizon: number | undefined, nowMs: number): boolean {
  const cursor = new RecordCursor().open(bytes, at);
  while (cursor.next()) if (cursor.valueStart < 0 && stays(keys, cursor, horizon, nowMs)) return true;
  return false;
}

/** Writes the present record with its timestamp against another base; everything behind the timestamp is copied. */
function writeRecord(out: Uint8Array, at: number, cursor: RecordCursor, baseTimestamp: number): number {
  const tail = offsetDeltaAt(cursor);
  // Where all records carry the broker's time, the delta says nothing.
  const delta = cursor.timestamp - baseTimestamp;
  const length = 1 + varintBytes(delta) + cursor.recordEnd - tail;
  let end = writeVarint(out, at, length);
  out[end++] = 0;
  end = writeVarint(out, end, delta);
  end = copyBytes(out, end, cursor.bytes, tail, cursor.recordEnd);
  return end;
}

const reader = new VarintReader();

/** Position of the offset delta: behind length, attributes and timestamp. */
function offsetDeltaAt(cursor: RecordCursor): number {
  reader.at = cursor.recordStart;
  reader.readI32(cursor.bytes, cursor.recordEnd);
  reader.at++;
  reader.readI64(cursor.bytes, cursor.recordEnd);
  return reader.at;
}

async function plainBatch(batches: Uint8Array, at: number): Promise<{ readonly bytes: Uint8Array; readonly at: number }> {
  const id = codecOf(batches, at);
  if (id === 0) return { bytes: batches, at };
  return { bytes: decompressBatch(batches, at, await loadCodec(id)), at: 0 };
}
