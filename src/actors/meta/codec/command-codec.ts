/**
 * Commands as they lie in the log. Sizes are checked against what is there before anything is made of them.
 *
 *   command = u8 version, u8 kind, body
 *   write     0  varint n, put × n, varint n, key × n                     put = key, varint lease, value
 *   claim     1  flag wantsBefore, varint n, (key, varint expected + 1, flag, [varint lease, value]) × n
 *   txn       2  varint n, compare × n, varint n, op × n, varint n, op × n
 *   grant     3  varint id, varint ttlMs
 *   revoke    5  varint n, varint id × n
 *   expire    6  varint term, varint n, (varint id, varint grant) × n
 *   compare   =  key, u8 target, u8 relation, number | value
 *   op        =  u8 0 put | u8 1 key | u8 2 key key | u8 3 key | u8 4 key key varint limit       put, delete, deleteRange, get, range
 */
import { META_COMMAND_BYTES_MAX, META_OPS_MAX, META_VALUE_BYTES_MAX } from '../../../base/limits.ts';
import { ByteReader, MalformedBytes } from '../../raft/codec/byte-reader.ts';
import { ByteWriter } from '../../raft/codec/byte-writer.ts';
import {
  ANY,
  type Claim,
  type Compare,
  type CompareRelation,
  type CompareTarget,
  type MetaCommand,
  type Put,
  PutInPlace,
  type TxnOp,
} from '../command.ts';
import type { MetaKey } from '../state/record.ts';
import { readKey } from './record-codec.ts';

const VERSION = 1;
const TARGETS: readonly CompareTarget[] = ['created', 'modified', 'version', 'lease', 'value'];
const RELATIONS: readonly CompareRelation[] = ['=', '!=', '<', '>'];
const writer = new ByteWriter(4096);
/** What is being decoded. */
let bytesRead: Uint8Array = new Uint8Array(0);

export function encodeCommand(command: MetaCommand): Uint8Array {
  // An error may have left something.
  writer.clear();
  writer.u8(VERSION);
  switch (command.type) {
    case 'write':
      writer.u8(0);
      writeAll(command.puts, writePut);
      writeAll(command.deletes, (key) => writer.latin1(key));
      break;
    case 'claim':
      writer.u8(1);
      writer.u8(command.wantsBefore ? 1 : 0);
      writeAll(command.claims, writeClaim);
      break;
    case 'txn':
      writer.u8(2);
      writeAll(command.compares, writeCompare);
      writeAll(command.success, writeOp);
      writeAll(command.failure, writeOp);
      break;
    case 'grant':
      writer.u8(3);
      writer.varint(command.id);
      writer.varint(command.ttlMs);
      break;
    case 'revoke':
      writer.u8(5);
      writeAll(command.ids, (id) => writer.varint(id));
      break;
    case 'expire':
      writer.u8(6);
      writer.varint(command.term);
      writeAll(command.leases, ({ id, grant }) => {
        writer.varint(id);
        writer.varint(grant);
      });
      break;
  }
  return writer.take();
}

/** Values are views of `bytes`. Throws MalformedBytes, also for what is beyond the limits. */
export function decodeCommand(bytes: Uint8Array): MetaCommand {
  if (bytes.length > META_COMMAND_BYTES_MAX) throw new MalformedBytes('command too large');
  bytesRead = bytes;
  const reader = new ByteReader(bytes);
  if (reader.u8() !== VERSION) throw new MalformedBytes('unknown version');
  const command = readBody(reader, reader.u8());
  reader.end();
  return command;
}

function readBody(reader: ByteReader, kind: number): MetaCommand {
  switch (kind) {
    case 0: {
      const puts = readAll(reader, 3, readPut);
      return { type: 'write', puts, deletes: readAll(reader, 1, readKey) };
    }
    case 1: {
      const wantsBefore = reader.flag();
      return { type: 'claim', wantsBefore, claims: readAll(reader, 3, readClaim) };
    }
    case 2: {
      const compares = readAll(reader, 4, readCompare);
      const success = readAll(reader, 2, readOp);
      return { type: 'txn', compares, success, failure: readAll(reader, 2, readOp) };
    }
    case 3: {
      const id = reader.varint();
      return { type: 'grant', id, ttlMs: reader.varint() };
    }
    case 5:
      return { type: 'revoke', ids: readAll(reader, 1, readNumber) };
    case 6: {
      const term = reader.varint();
      return { type: 'expire', term, leases: readAll(reader, 2, readLease) };
    }
    default:
      throw new MalformedBytes('unknown command');
  }
}

function writeAll<T>(items: readonly T[], write: (item: T) => void): void {
  writer.varint(items.length);
  for (const item of items) write(item);
}

function readAll<T>(reader: ByteReader, sizeMin: number, read: (reader: ByteReader) => T): T[] {
  const count = reader.count(sizeMin);
  if (count > META_OPS_MAX) throw new MalformedBytes('too many operations');
  const items: T[] = [];
  for (let i = 0; i < count; i++) items.push(read(reader));
  return items;
}

function readNumber(reader: ByteReader): number {
  return reader.varint();
}

function readLease(reader: ByteReader): { id: number; grant: number } {
  const id = reader.varint();
  return { id, grant: reader.varint() };
}

function writePut({ key, lease, value }: Put): void {
  writer.latin1(key);
  writer.varint(lease);
  writer.bytes(value);
}

function readPut(reader: ByteReader): Put {
  const key = readKey(reader);
  const lease = reader.varint();
  return readInPlace(reader, key, lease, ANY);
}

function readInPlace(reader: ByteReader, key: MetaKey, lease: number, expected: number): PutInPlace {
  const length = valueLength(reader);
  return new PutInPlace(key, lease, expected, bytesRead, reader.skip(length), length);
}

function valueLength(reader: ByteReader): number {
  const length = reader.varint();
  if (length > META_VALUE_BYTES_MAX) throw new MalformedBytes('value too large');
  return length;
}

function readValue(reader: ByteReader): Uint8Array {
  return reader.raw(valueLength(reader));
}

function writeClaim({ key, expected, value, lease }: Claim): void {
  writer.latin1(key);
  writer.varint(expected + 1);
  writer.u8(value === undefined ? 0 : 1);
  if (value === undefined) return;
  writer.varint(lease);
  writer.bytes(value);
}

function readClaim(reader: ByteReader): Claim {
  const key = readKey(reader);
  const expected = reader.varint() - 1;
  if (!reader.flag()) return { key, expected, value: undefined, lease: 0 };
  const lease = reader.varint();
  return readInPlace(reader, key, lease, expected);
}

function writeCompare({ key, target, relation, operand }: Compare): void {
  writer.latin1(key);
  writer.u8(TARGETS.indexOf(target));
  writer.u8(RELATIONS.indexOf(relation));
  if (typeof operand === 'number') writer.varint(operand);
  else writer.bytes(operand);
}

function readCompare(reader: ByteReader): Compare {
  const key = readKey(reader);
  const target = TARGETS[reader.u8()];
  const relation = RELATIONS[reader.u8()];
  if (target === undefined || relation === undefined) throw new MalformedBytes('unknown comparison');
  return { key, target, relation, operand: target === 'value' ? readValue(reader) : reader.varint() };
}

function writeOp(op: TxnOp): void {
  switch (op.type) {
    case 'put':
      writer.u8(0);
      writePut(op.put);
      break;
    case 'delete':
      writer.u8(1);
      writer.latin1(op.key);
      break;
    case 'deleteRange':
      writer.u8(2);
      writer.latin1(op.from);
      writer.latin1(op.to);
      break;
    case 'get':
      writer.u8(3);
      writer.latin1(op.key);
      break;
    case 'range':
      writer.u8(4);
      writer.latin1(op.from);
      writer.latin1(op.to);
      writer.varint(op.limit);
      break;
  }
}

function readOp(reader: ByteReader): TxnOp {
  switch (reader.u8()) {
    case 0:
      return { type: 'put', put: readPut(reader) };
    case 1:
      return { type: 'delete', key: readKey(reader) };
    case 2: {
      const from = readKey(reader);
      return { type: 'deleteRange', from, to: readKey(reader) };
    }
    case 3:
      return { type: 'get', key: readKey(reader) };
    case 4: {
      const from = readKey(reader);
      const to = readKey(reader);
      return { type: 'range', from, to, limit: reader.varint() };
    }
    default:
      throw new MalformedBytes('unknown operation');
  }
}
