/**
 * Header of a record batch, Kafka's format 2 (https://kafka.apache.org/documentation/#recordbatch): what a shard stores, whatever the protocol of the
 * client. Drawn in docs/internals/records.md. Free functions over `bytes` with the batch at `at`; they read fields and trust them, so whatever
 * comes from outside goes through record-batch-check.ts first.
 *
 * The checksum covers everything from `attributes` on. Base offset and leader epoch lie before it: the broker writes them in place.
 */
import { crc32c } from '../base/crc32c.ts';
import { readI32, readI64, readU16, readU32, write32, writeI64, writeU16 } from './big-endian.ts';

export const HEADER_BYTES = 61;
/** Bytes before those that the length field counts. */
export const LENGTH_OVERHEAD_BYTES = 12;
export const MAGIC = 2;

export const AT_LENGTH = 8;
export const AT_LEADER_EPOCH = 12;
export const AT_MAGIC = 16;
export const AT_CRC = 17;
/** Where the checksum begins to count. */
export const AT_ATTRIBUTES = 21;
export const AT_LAST_OFFSET_DELTA = 23;
export const AT_BASE_TIMESTAMP = 27;
export const AT_MAX_TIMESTAMP = 35;
export const AT_PRODUCER_ID = 43;
export const AT_PRODUCER_EPOCH = 51;
export const AT_BASE_SEQUENCE = 53;
export const AT_COUNT = 57;

/** Bits of the attributes. */
export const CODEC_MASK = 0x07;
/** Set: the broker's clock gave the timestamp, and all records carry `maxTimestamp`. */
export const LOG_APPEND_TIME = 0x08;
export const TRANSACTIONAL = 0x10;
export const CONTROL = 0x20;
/** Set by compaction: `baseTimestamp` is the time from which tombstones of this batch may go. */
export const DELETE_HORIZON = 0x40;
export const ATTRIBUTES_KNOWN = 0x7f;

/** Value of producer id, epoch and sequence when the producer is not idempotent, and of a timestamp that nobody gave. */
export const NONE = -1;

/** Size of the whole batch. */
export function batchBytes(bytes: Uint8Array, at: number): number {
  return LENGTH_OVERHEAD_BYTES + readI32(bytes, at + AT_LENGTH);
}

export function baseOffsetOf(bytes: Uint8Array, at: number): number {
  return readI64(bytes, at);
}

/** Outside of the checksum. */
export function setBaseOffset(bytes: Uint8Array, at: number, offset: number): void {
  writeI64(bytes, at, offset);
}

export function leaderEpochOf(bytes: Uint8Array, at: number): number {
  return readI32(bytes, at + AT_LEADER_EPOCH);
}

/** Outside of the checksum. */
export function setLeaderEpoch(bytes: Uint8Array, at: number, epoch: number): void {
  write32(bytes, at + AT_LEADER_EPOCH, epoch);
}

export function attributesOf(bytes: Uint8Array, at: number): number {
  return readU16(bytes, at + AT_ATTRIBUTES);
}

export function codecOf(bytes: Uint8Array, at: number): number {
  return bytes[at + AT_ATTRIBUTES + 1]! & CODEC_MASK;
}

export function lastOffsetDeltaOf(bytes: Uint8Array, at: number): number {
  return readI32(bytes, at + AT_LAST_OFFSET_DELTA);
}

export function lastOffsetOf(bytes: Uint8Array, at: number): number {
  return baseOffsetOf(bytes, at) + lastOffsetDeltaOf(bytes, at);
}

export function baseTimestampOf(bytes: Uint8Array, at: number): number {
  return readI64(bytes, at + AT_BASE_TIMESTAMP);
}

export function maxTimestampOf(bytes: Uint8Array, at: number): number {
  return readI64(bytes, at + AT_MAX_TIMESTAMP);
}

export function producerIdOf(bytes: Uint8Array, at: number): number {
  return readI64(bytes, at + AT_PRODUCER_ID);
}

export function producerEpochOf(bytes: Uint8Array, at: number): number {
  return (readU16(bytes, at + AT_PRODUCER_EPOCH) << 16) >> 16;
}

export function baseSequenceOf(bytes: Uint8Array, at: number): number {
  return readI32(bytes, at + AT_BASE_SEQUENCE);
}

/** Records in the batch; fewer than offsets after compaction. */
export function countOf(bytes: Uint8Array, at: number): number {
  return readI32(bytes, at + AT_COUNT);
}

export function crcOf(bytes: Uint8Array, at: number): number {
  return readU32(bytes, at + AT_CRC);
}

/** Checksum that the batch ought to carry. */
export function computeCrc(bytes: Uint8Array, at: number): number {
  return crc32c(bytes, at + AT_ATTRIBUTES, at + batchBytes(bytes, at));
}

export interface BatchHeader {
  readonly baseOffset: number;
  readonly leaderEpoch: number;
  readonly attributes: number;
  readonly lastOffsetDelta: number;
  readonly baseTimestamp: number;
  readonly maxTimestamp: number;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly count: number;
}

/** Writes the header before records that end at `end`, checksum included. */
export function writeHeader(bytes: Uint8Array, at: number, end: number, header: BatchHeader): void {
  writeI64(bytes, at, header.baseOffset);
  write32(bytes, at + AT_LENGTH, end - at - LENGTH_OVERHEAD_BYTES);
  write32(bytes, at + AT_LEADER_EPOCH, header.leaderEpoch);
  bytes[at + AT_MAGIC] = MAGIC;
  writeU16(bytes, at + AT_ATTRIBUTES, header.attributes);
  write32(bytes, at + AT_LAST_OFFSET_DELTA, header.lastOffsetDelta);
  writeI64(bytes, at + AT_BASE_TIMESTAMP, header.baseTimestamp);
  writeI64(bytes, at + AT_MAX_TIMESTAMP, header.maxTimestamp);
  writeI64(bytes, at + AT_PRODUCER_ID, header.producerId);
  writeU16(bytes, at + AT_PRODUCER_EPOCH, header.producerEpoch);
  write32(bytes, at + AT_BASE_SEQUENCE, header.baseSequence);
  write32(bytes, at + AT_COUNT, header.count);
  write32(bytes, at + AT_CRC, crc32c(bytes, at + AT_ATTRIBUTES, end));
}

/** All fields as an object, for tools, specs and rewriting. */
export function readHeader(bytes: Uint8Array, at: number): BatchHeader {
  return {
    baseOffset: baseOffsetOf(bytes, at),
    leaderEpoch: leaderEpochOf(bytes, at),
    attributes: attributesOf(bytes, at),
    lastOffsetDelta: lastOffsetDeltaOf(bytes, at),
    baseTimestamp: baseTimestampOf(bytes, at),
    maxTimestamp: maxTimestampOf(bytes, at),
    producerId: producerIdOf(bytes, at),
    producerEpoch: producerEpochOf(bytes, at),
    baseSequence: baseSequenceOf(bytes, at),
    count: countOf(bytes, at),
  };
}
