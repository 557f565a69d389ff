/**
 * Answers to commands, as sessions keep them and clients get them.
 *
 *   refused   0  u8 reason
 *   written   1  varint revision, varint deleted
 *   claimed   2  varint revision, varint n, (flag isDone, varint modified, [before]) × n
 *   txn       3  varint revision, flag isSuccess, varint n, result × n
 *   granted   4  varint id, varint ttlMs
 *   ended     6  varint revision, varint ended, varint deleted
 *   result    =  u8 0 | u8 1 varint count | u8 2 flag isMore, varint n, record × n         put, deleted, records
 */
import { ByteReader, MalformedBytes } from '../../raft/codec/byte-reader.ts';
import { ByteWriter } from '../../raft/codec/byte-writer.ts';
import type { ClaimResult, MetaRefusal, MetaReply, TxnResult } from '../command.ts';
import { RECORD_BYTES_MIN, readOptionalRecord, readRecord, writeOptionalRecord, writeRecord } from './record-codec.ts';

const REASONS: readonly MetaRefusal[] = [
  'malformed',
  'too_large',
  'full',
  'no_such_lease',
  'lease_exists',
  'too_many_leases',
  'bad_ttl',
];
const writer = new ByteWriter(1024);

export function encodeReply(reply: MetaReply): Uint8Array {
  // An error may have left something.
  writer.clear();
  switch (reply.type) {
    case 'refused':
      writer.u8(0);
      writer.u8(REASONS.indexOf(reply.reason));
      break;
    case 'written':
      writer.u8(1);
      writer.varint(reply.revision);
      writer.varint(reply.deleted);
      break;
    case 'claimed':
      writer.u8(2);
      writer.varint(reply.revision);
      writer.varint(reply.results.length);
      for (const { isDone, modified, before } of reply.results) {
        writer.u8(isDone ? 1 : 0);
        writer.varint(modified);
        writeOptionalRecord(writer, before);
      }
      break;
    case 'txn':
      writer.u8(3);
      writer.varint(reply.revision);
      writer.u8(reply.isSuccess ? 1 : 0);
      writer.varint(reply.results.length);
      for (const result of reply.results) writeResult(result);
      break;
    case 'granted':
      writer.u8(4);
      writer.varint(reply.id);
      writer.varint(reply.ttlMs);
      break;
    case 'ended':
      writer.u8(6);
      writer.varint(reply.revision);
      writer.varint(reply.ended);
      writer.varint(reply.deleted);
      break;
  }
  return writer.take();
}

/** Values are views of `bytes`. Throws MalformedBytes. */
export function decodeReply(bytes: Uint8Array): MetaReply {
  const reader = new ByteReader(bytes);
  const reply = readReply(reader);
  reader.end();
  return reply;
}

function readReply(reader: ByteReader): MetaReply {
  switch (reader.u8()) {
    case 0: {
      const reason = REASONS[reader.u8()];
      if (reason === undefined) throw new MalformedBytes('unknown reason');
      return { type: 'refused', reason };
    }
    case 1: {
      const revision = reader.varint();
      return { type: 'written', revision, deleted: reader.varint() };
    }
    case 2: {
      const revision = reader.varint();
      return { type: 'claimed', revision, results: readAll(reader, 3, readClaimed) };
    }
    case 3: {
      const revision = reader.varint();
      const isSuccess = reader.flag();
      return { type: 'txn', revision, isSuccess, results: readAll(reader, 1, readResult) };
    }
    case 4: {
      const id = reader.varint();
      return { type: 'granted', id, ttlMs: reader.varint() };
    }
    case 6: {
      const revision = reader.varint();
      const ended = reader.varint();
      return { type: 'ended', revision, ended, deleted: reader.varint() };
    }
    default:
      throw new MalformedBytes('unknown reply');
  }
}

function readAll<T>(reader: ByteReader, sizeMin: number, read: (reader: ByteReader) => T): T[] {
  const count = reader.count(sizeMin);
  const items: T[] = [];
  for (let i = 0; i < count; i++) items.push(read(reader));
  return items;
}

function readClaimed(reader: ByteReader): ClaimResult {
  const isDone = reader.flag();
  const modified = reader.varint();
  return { isDone, modified, before: readOptionalRecord(reader) };
}

function writeResult(result: TxnResult): void {
  switch (result.type) {
    case 'put':
      writer.u8(0);
      break;
    case 'deleted':
      writer.u8(1);
      writer.varint(result.count);
      break;
    case 'records':
      writer.u8(2);
      writer.u8(result.isMore ? 1 : 0);
      writer.varint(result.records.length);
      for (const record of result.records) writeRecord(writer, record);
      break;
  }
}

function readResult(reader: ByteReader): TxnResult {
  switch (reader.u8()) {
    case 0:
      return { type: 'put' };
    case 1:
      return { type: 'deleted', count: reader.varint() };
    case 2: {
      const isMore = reader.flag();
      return { type: 'records', isMore, records: readAll(reader, RECORD_BYTES_MIN, readRecord) };
    }
    default:
      throw new MalformedBytes('unknown result');
  }
}
