/** The record batch codec of kafkajs, an implementation that shares nothing with ours but the format. It is not part of that package's public interface. */
import { createRequire } from 'node:module';

export interface OracleRecord {
  readonly timestamp: number;
  readonly key: Uint8Array | undefined;
  readonly value: Uint8Array | undefined;
  /** kafkajs takes no header without a value. */
  readonly headers: readonly (readonly [name: string, value: Uint8Array | undefined])[];
}

interface EncoderLike {
  readonly buffer: Buffer;
}
interface Long {
  readonly toString: () => string;
}
interface DecodedRecord {
  readonly offset: string;
  readonly timestamp: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Record<string, Buffer | Buffer[]>;
}
export interface DecodedBatch {
  readonly firstOffset: string;
  readonly firstTimestamp: string;
  readonly maxTimestamp: string;
  readonly partitionLeaderEpoch: number;
  readonly lastOffsetDelta: number;
  readonly producerId: string;
  readonly producerEpoch: number;
  readonly firstSequence: number;
  readonly inTransaction: boolean;
  readonly isControlBatch: boolean;
  readonly records: readonly DecodedRecord[];
}

const require = createRequire(import.meta.url);
const protocol = 'kafkajs/src/protocol';
const { RecordBatch } = require(`${protocol}/recordBatch/v0/index.js`) as {
  RecordBatch: (options: Record<string, unknown>) => Promise<EncoderLike>;
};
const encodeRecord = require(`${protocol}/recordBatch/record/v0/index.js`) as (record: Record<string, unknown>) => EncoderLike;
const decodeBatch = require(`${protocol}/recordBatch/v0/decoder.js`) as (decoder: unknown) => Promise<DecodedBatch>;
const Decoder = require(`${protocol}/decoder.js`) as new (bytes: Buffer) => unknown;
const LongType = require('kafkajs/src/utils/long.js') as { fromNumber: (value: number) => Long };

export interface OracleBatch {
  readonly baseOffset?: number;
  readonly leaderEpoch?: number;
  readonly isTransactional?: boolean;
  readonly producerId?: number;
  readonly producerEpoch?: number;
  readonly baseSequence?: number;
  readonly gzip?: boolean;
  readonly records: readonly OracleRecord[];
}

export async function oracleEncode(batch: OracleBatch): Promise<Uint8Array> {
  const first = batch.records[0]!.timestamp;
  const encoder = await RecordBatch({
    compression: batch.gzip ? 1 : 0,
    firstOffset: LongType.fromNumber(batch.baseOffset ?? 0),
    firstTimestamp: first,
    maxTimestamp: batch.records.reduce((max, record) => Math.max(max, record.timestamp), first),
    partitionLeaderEpoch: batch.leaderEpoch ?? 0,
    lastOffsetDelta: batch.records.length - 1,
    transactional: batch.isTransactional ?? false,
    producerId: LongType.fromNumber(batch.producerId ?? -1),
    producerEpoch: batch.producerEpoch ?? -1,
    firstSequence: batch.baseSequence ?? -1,
    records: batch.records.map((record, i) =>
      encodeRecord({
        offsetDelta: i,
        timestampDelta: record.timestamp - first,
        key: record.key === undefined ? null : Buffer.from(record.key),
        value: record.value === undefined ? null : Buffer.from(record.value),
        headers: headersObject(record.headers),
      }),
    ),
  });
  return Uint8Array.from(encoder.buffer);
}

export function oracleDecode(bytes: Uint8Array): Promise<DecodedBatch> {
  return decodeBatch(new Decoder(Buffer.from(bytes)));
}

function headersObject(headers: OracleRecord['headers']): Record<string, Buffer[]> {
  const object: Record<string, Buffer[]> = {};
  for (const [name, value] of headers) (object[name] ??= []).push(Buffer.from(value!));
  return object;
}
