/**
 * What a batch from outside must be before anything else reads it. Each function throws a SluiceError with a code of its own per kind of violation and
 * reads nothing that it has not checked. The order is the order of use: sizes, magic, checksum, then the fields that the checksum vouches for, then records.
 */
import { type ErrorCode, SluiceError } from '../base/errors.ts';
import { isSafe64, readI32 } from './big-endian.ts';
import {
  AT_BASE_TIMESTAMP,
  AT_LENGTH,
  AT_MAGIC,
  AT_MAX_TIMESTAMP,
  AT_PRODUCER_ID,
  ATTRIBUTES_KNOWN,
  attributesOf,
  baseOffsetOf,
  codecOf,
  computeCrc,
  countOf,
  crcOf,
  HEADER_BYTES,
  LENGTH_OVERHEAD_BYTES,
  lastOffsetDeltaOf,
  MAGIC,
} from './record-batch.ts';
import { RecordCursor } from './record-cursor.ts';

const CODEC_MAX = 4;
/** Length, attributes, two deltas, two lengths, the count of headers. */
const RECORD_BYTES_MIN = 7;

/** Checks sizes and magic of the batch at `from` and returns the position after it, not above `to`. */
export function checkBatchSize(bytes: Uint8Array, from: number, to: number): number {
  if (to - from < HEADER_BYTES) throw bad('SLUICE_BATCH_TRUNCATED', `${to - from} bytes are less than a header`);
  const length = readI32(bytes, from + AT_LENGTH);
  if (length < HEADER_BYTES - LENGTH_OVERHEAD_BYTES) throw bad('SLUICE_BATCH_TRUNCATED', `its length field says ${length}`);
  const end = from + LENGTH_OVERHEAD_BYTES + length;
  if (end > to) throw bad('SLUICE_BATCH_TRUNCATED', `it needs ${end - from} bytes and ${to - from} are there`);
  if (bytes[from + AT_MAGIC] !== MAGIC) throw bad('SLUICE_BATCH_MAGIC', `its magic is ${bytes[from + AT_MAGIC]}, not ${MAGIC}`);
  return end;
}

/** Checks all of the header and the checksum, and returns the position after the batch. Records stay unread. */
export function checkBatch(bytes: Uint8Array, from: number, to: number): number {
  const end = checkBatchSize(bytes, from, to);
  if (crcOf(bytes, from) !== computeCrc(bytes, from)) throw bad('SLUICE_BATCH_CHECKSUM', 'its checksum does not match its bytes');
  const attributes = attributesOf(bytes, from);
  if ((attributes & ~ATTRIBUTES_KNOWN) !== 0)
    throw bad('SLUICE_BATCH_ATTRIBUTES', `unknown attributes 0x${attributes.toString(16)}`);
  if (codecOf(bytes, from) > CODEC_MAX) throw bad('SLUICE_BATCH_ATTRIBUTES', `unknown compression ${codecOf(bytes, from)}`);
  checkNumbers(bytes, from);
  const count = countOf(bytes, from);
  const lastOffsetDelta = lastOffsetDeltaOf(bytes, from);
  if (count < 0 || lastOffsetDelta < 0 || count > lastOffsetDelta + 1)
    throw bad('SLUICE_BATCH_COUNT', `${count} records do not fit an offset delta of ${lastOffsetDelta}`);
  if (codecOf(bytes, from) === 0 && count > (end - from - HEADER_BYTES) / RECORD_BYTES_MIN)
    throw bad('SLUICE_BATCH_COUNT', `${count} records do not fit ${end - from} bytes`);
  return end;
}

function checkNumbers(bytes: Uint8Array, from: number): void {
  if (!isSafe64(bytes, from) || baseOffsetOf(bytes, from) < 0)
    throw bad('SLUICE_BATCH_NUMBER', 'its base offset is out of range');
  for (const at of [AT_BASE_TIMESTAMP, AT_MAX_TIMESTAMP, AT_PRODUCER_ID])
    if (!isSafe64(bytes, from + at)) throw bad('SLUICE_BATCH_NUMBER', `a number of its header at byte ${at} is out of range`);
  if (!Number.isSafeInteger(baseOffsetOf(bytes, from) + lastOffsetDeltaOf(bytes, from)))
    throw bad('SLUICE_BATCH_NUMBER', 'its last offset is out of range');
}

/** Checks what only a producer's batch must hold: at least one record, and an offset for each, none left out. */
export function checkProduced(bytes: Uint8Array, from: number): void {
  const count = countOf(bytes, from);
  if (count < 1 || count !== lastOffsetDeltaOf(bytes, from) + 1)
    throw bad(
      'SLUICE_BATCH_COUNT',
      `a producer's batch has an offset per record, not ${count} records for ${lastOffsetDeltaOf(bytes, from) + 1}`,
    );
}

const cursor = new RecordCursor();

/** Walks over all records and headers of a batch whose header is checked and whose records are not compressed. */
export function checkRecords(bytes: Uint8Array, from: number): void {
  cursor.open(bytes, from);
  while (cursor.next()) while (cursor.nextHeader());
  cursor.bytes = EMPTY;
}

const EMPTY = new Uint8Array(0);

function bad(code: ErrorCode, what: string): SluiceError {
  return new SluiceError(code, `A record batch is refused: ${what}.`);
}
