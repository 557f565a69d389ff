/** Whole batches: the records are compressed, the header stays readable and its checksum is made anew. */
import { RECORD_BATCH_BYTES_MAX } from '../../base/limits.ts';
import { batchBytes, CODEC_MASK, codecOf, HEADER_BYTES, readHeader, writeHeader } from '../record-batch.ts';
import { checkBatch } from '../record-batch-check.ts';
import type { Codec } from './codec.ts';

/** The uncompressed batch at `at`, compressed; the batch as it is when that would make it larger. */
export function compressBatch(bytes: Uint8Array, at: number, codec: Codec): Uint8Array {
  const batch = bytes.subarray(at, at + batchBytes(bytes, at));
  if (codec.id === 0) return batch;
  const records = codec.compress(batch.subarray(HEADER_BYTES));
  return records.length < batch.length - HEADER_BYTES ? withRecords(batch, records, codec.id) : batch;
}

/**
 * The batch at `at`, whose header is checked, decompressed: `bytesMax` bounds it with its header. The result's header is checked again, since the count of records can
 * be held against their bytes only now; the records themselves are not read.
 */
export function decompressBatch(
  bytes: Uint8Array,
  at: number,
  codec: Codec,
  bytesMax: number = RECORD_BATCH_BYTES_MAX,
): Uint8Array {
  const batch = bytes.subarray(at, at + batchBytes(bytes, at));
  if (codecOf(batch, 0) === 0) return batch;
  const plain = withRecords(batch, codec.decompress(batch.subarray(HEADER_BYTES), bytesMax - HEADER_BYTES), 0);
  checkBatch(plain, 0, plain.length);
  return plain;
}

function withRecords(batch: Uint8Array, records: Uint8Array, codec: number): Uint8Array {
  const result = Buffer.allocUnsafeSlow(HEADER_BYTES + records.length);
  result.set(records, HEADER_BYTES);
  const header = readHeader(batch, 0);
  writeHeader(result, 0, result.length, { ...header, attributes: (header.attributes & ~CODEC_MASK) | codec });
  return result;
}
