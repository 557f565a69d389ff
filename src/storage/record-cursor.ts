/**
 * Walks over the records of an uncompressed batch without making an object: the cursor's fields are the present record, with ranges of the batch's
 * buffer for key, value and headers. Every length is checked before it is used; a record that breaks the layout throws SLUICE_BATCH_RECORDS.
 * One cursor is reused for batch after batch; it keeps the last batch's buffer alive until then.
 */
import { assert } from '../base/assert.ts';
import { SluiceError } from '../base/errors.ts';
import {
  attributesOf,
  baseOffsetOf,
  baseTimestampOf,
  batchBytes,
  codecOf,
  countOf,
  HEADER_BYTES,
  LOG_APPEND_TIME,
  lastOffsetDeltaOf,
  maxTimestampOf,
} from './record-batch.ts';
import { VarintReader } from './record-varint.ts';

const NO_BYTES = new Uint8Array(0);

export class RecordCursor {
  bytes: Uint8Array = NO_BYTES;
  /** Position of the present record, its length included, and the position after it. */
  recordStart = 0;
  recordEnd = 0;
  offset = 0;
  timestamp = 0;
  /** Ranges of `bytes`; start and end are -1 for null. */
  keyStart = -1;
  keyEnd = -1;
  valueStart = -1;
  valueEnd = -1;
  /** Headers of the present record; `headersStart` is the position of the first. */
  headerCount = 0;
  headersStart = 0;
  /** The present header, after `nextHeader`. The value's range is -1 for null. */
  headerKeyStart = 0;
  headerKeyEnd = 0;
  headerValueStart = -1;
  headerValueEnd = -1;

  readonly #in = new VarintReader();
  #end = 0;
  #left = 0;
  #headersLeft = 0;
  #baseOffset = 0;
  #baseTimestamp = 0;
  #appendTime = -1;
  #isAppendTime = false;
  #offsetDeltaMin = 0;
  #offsetDeltaMax = 0;

  /** Goes before the first record of the batch at `at`, whose header is checked and whose records are not compressed. */
  open(bytes: Uint8Array, at: number): this {
    assert(codecOf(bytes, at) === 0, 'records must be decompressed first');
    const attributes = attributesOf(bytes, at);
    this.bytes = bytes;
    this.#end = at + batchBytes(bytes, at);
    this.#left = countOf(bytes, at);
    this.#baseOffset = baseOffsetOf(bytes, at);
    this.#baseTimestamp = baseTimestampOf(bytes, at);
    this.#isAppendTime = (attributes & LOG_APPEND_TIME) !== 0;
    this.#appendTime = maxTimestampOf(bytes, at);
    this.#offsetDeltaMin = 0;
    this.#offsetDeltaMax = lastOffsetDeltaOf(bytes, at);
    this.recordEnd = at + HEADER_BYTES;
    return this;
  }

  /** Goes to the next record; false after the last, which must end the batch. */
  next(): boolean {
    const start = this.recordEnd;
    if (this.#left === 0) {
      if (start !== this.#end) throw broken('bytes behind the last record');
      return false;
    }
    this.#left--;
    const bytes = this.bytes;
    const input = this.#in;
    input.at = start;
    const length = input.readI32(bytes, this.#end);
    if (input.failed || length < 0 || length > this.#end - input.at) throw this.#fail('a length beyond the batch');
    const end = input.at + length;
    this.recordStart = start;
    this.recordEnd = end;
    // Attributes of a record: unused by the format.
    input.at++;
    const timestampDelta = input.readI64(bytes, end);
    const offsetDelta = input.readI32(bytes, end);
    if (offsetDelta < this.#offsetDeltaMin || offsetDelta > this.#offsetDeltaMax) throw this.#fail('an offset out of order');
    this.#offsetDeltaMin = offsetDelta + 1;
    this.offset = this.#baseOffset + offsetDelta;
    this.timestamp = this.#isAppendTime ? this.#appendTime : this.#baseTimestamp + timestampDelta;
    const keyBytes = input.readI32(bytes, end);
    if (keyBytes > end - input.at || keyBytes < -1) throw this.#fail('a key beyond the record');
    this.keyStart = keyBytes < 0 ? -1 : input.at;
    this.keyEnd = keyBytes < 0 ? -1 : (input.at += keyBytes);
    const valueBytes = input.readI32(bytes, end);
    if (valueBytes > end - input.at || valueBytes < -1) throw this.#fail('a value beyond the record');
    this.valueStart = valueBytes < 0 ? -1 : input.at;
    this.valueEnd = valueBytes < 0 ? -1 : (input.at += valueBytes);
    const headers = input.readI32(bytes, end);
    // A header takes two bytes at least. `failed` is asked once: a failed read gives 0 and moves no further than `end`.
    if (input.failed || headers < 0 || headers > (end - input.at) / 2) throw this.#fail('headers beyond the record');
    if (headers === 0 && input.at !== end) throw this.#fail('bytes behind its headers');
    this.headerCount = headers;
    this.#headersLeft = headers;
    this.headersStart = input.at;
    return true;
  }

  /** Goes to the next header of the present record; false after the last, which must end the record. */
  nextHeader(): boolean {
    if (this.#headersLeft === 0) return false;
    this.#headersLeft--;
    const bytes = this.bytes;
    const input = this.#in;
    const end = this.recordEnd;
    const keyBytes = input.readI32(bytes, end);
    if (keyBytes > end - input.at || keyBytes < 0) throw this.#fail('a header name beyond the record');
    this.headerKeyStart = input.at;
    this.headerKeyEnd = input.at += keyBytes;
    const valueBytes = input.readI32(bytes, end);
    if (input.failed || valueBytes > end - input.at || valueBytes < -1) throw this.#fail('a header value beyond the record');
    this.headerValueStart = valueBytes < 0 ? -1 : input.at;
    this.headerValueEnd = valueBytes < 0 ? -1 : (input.at += valueBytes);
    if (this.#headersLeft === 0 && input.at !== end) throw this.#fail('bytes behind its headers');
    return true;
  }

  #fail(what: string): SluiceError {
    this.#in.failed = false;
    return broken(`${what} (record ${this.offset - this.#baseOffset} or the one after it, at byte ${this.recordStart})`);
  }
}

function broken(what: string): SluiceError {
  return new SluiceError('SLUICE_BATCH_RECORDS', `A record breaks the layout of record batches: ${what}.`);
}
