/**
 * Builds record batches on the hot path: records go one after another into one buffer that is used again for the next batch, the header is written at the
 * end. Nothing is allocated per record, and per batch only when the buffer has to grow. Owned by whoever appends; not bound to a shard.
 *
 * Bound: a batch never exceeds `bytesMax`; a buffer above BATCH_BUILDER_BYTES_KEPT is given up after its batch.
 */
import { assert } from '../base/assert.ts';
import { BATCH_BUILDER_BYTES_KEPT, RECORD_BATCH_BYTES_MAX } from '../base/limits.ts';
import { RangeCopier } from './range-copier.ts';
import { HEADER_BYTES, NONE, writeHeader } from './record-batch.ts';
import type { RecordHeaders } from './record-headers.ts';
import { varintBytes, writeVarint } from './record-varint.ts';

const BYTES_MIN = 1024;
const VARINT_BYTES_MAX = 5;

export interface BatchProducer {
  readonly id: number;
  readonly epoch: number;
  readonly sequence: number;
}

const NO_PRODUCER: BatchProducer = { id: NONE, epoch: NONE, sequence: NONE };

export class RecordBatchBuilder {
  /** The batch is `bytes[0, end)` once sealed. Another array after growth. */
  bytes: Uint8Array = Buffer.allocUnsafeSlow(BYTES_MIN);
  end: number = HEADER_BYTES;
  count = 0;
  readonly #bytesMax: number;
  readonly #keys = new RangeCopier();
  readonly #values = new RangeCopier();
  #baseTimestamp = 0;
  #maxTimestamp = 0;

  constructor(bytesMax: number = RECORD_BATCH_BYTES_MAX) {
    this.#bytesMax = bytesMax;
  }

  /** Begins another batch. */
  clear(): void {
    this.end = HEADER_BYTES;
    this.count = 0;
    this.#keys.forget();
    this.#values.forget();
    if (this.bytes.length > BATCH_BUILDER_BYTES_KEPT) this.bytes = Buffer.allocUnsafeSlow(BYTES_MIN);
  }

  /**
   * Adds a record; undefined as key or value is null. False, and nothing happens, when the batch would exceed its bound: seal it and try again in the next
   * one, where a record that is refused as the first is too large.
   */
  append(
    timestampMs: number,
    key: Uint8Array | undefined,
    keyStart: number,
    keyEnd: number,
    value: Uint8Array | undefined,
    valueStart: number,
    valueEnd: number,
    headers?: RecordHeaders,
  ): boolean {
    if (this.count === 0) {
      this.#baseTimestamp = timestampMs;
      this.#maxTimestamp = timestampMs;
    }
    const timestampDelta = timestampMs - this.#baseTimestamp;
    const keyBytes = key === undefined ? -1 : keyEnd - keyStart;
    const valueBytes = value === undefined ? -1 : valueEnd - valueStart;
    const headersBytes = headers === undefined ? 1 : headers.encodedBytes();
    const length =
      1 +
      varintBytes(timestampDelta) +
      varintBytes(this.count) +
      varintBytes(keyBytes) +
      (keyBytes < 0 ? 0 : keyBytes) +
      varintBytes(valueBytes) +
      (valueBytes < 0 ? 0 : valueBytes) +
      headersBytes;
    if (!this.#reserve(length + VARINT_BYTES_MAX, length)) return false;
    const bytes = this.bytes;
    let at = writeVarint(bytes, this.end, length);
    bytes[at++] = 0;
    at = writeVarint(bytes, at, timestampDelta);
    at = writeVarint(bytes, at, this.count);
    at = writeVarint(bytes, at, keyBytes);
    if (keyBytes > 0) at = this.#keys.copy(bytes, at, key!, keyStart, keyEnd);
    at = writeVarint(bytes, at, valueBytes);
    if (valueBytes > 0) at = this.#values.copy(bytes, at, value!, valueStart, valueEnd);
    if (headers === undefined) bytes[at++] = 0;
    else at = headers.writeTo(bytes, at);
    this.end = at;
    this.count++;
    if (timestampMs > this.#maxTimestamp) this.#maxTimestamp = timestampMs;
    return true;
  }

  /** Writes header and checksum. The base offset is 0 until the engine writes the one that it gives. */
  seal(attributes = 0, leaderEpoch = 0, producer: BatchProducer = NO_PRODUCER): void {
    assert(this.count > 0, 'a batch has records');
    writeHeader(this.bytes, 0, this.end, {
      baseOffset: 0,
      leaderEpoch,
      attributes,
      lastOffsetDelta: this.count - 1,
      baseTimestamp: this.#baseTimestamp,
      maxTimestamp: this.#maxTimestamp,
      producerId: producer.id,
      producerEpoch: producer.epoch,
      baseSequence: producer.sequence,
      count: this.count,
    });
  }

  /** Room for a record of `length` bytes whose own length takes at most the difference to `needed`. */
  #reserve(needed: number, length: number): boolean {
    const end = this.end + needed;
    if (end <= this.bytes.length && end <= this.#bytesMax) return true;
    if (this.end + varintBytes(length) + length > this.#bytesMax) return false;
    if (end <= this.bytes.length) return true;
    const larger = Buffer.allocUnsafeSlow(Math.max(end, this.bytes.length * 2));
    larger.set(this.bytes.subarray(0, this.end));
    this.bytes = larger;
    return true;
  }
}
