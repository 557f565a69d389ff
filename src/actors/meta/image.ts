/**
 * A group's state as pieces, for snapshots. A piece is one of
 *
 *   head     0  u8 version, varint revision, varint compacted, varint next grant
 *   lease    1  varint id, varint ttlMs, varint grant
 *   records  2  record*
 *   step     3  varint revision, varint n, (key, before, after) × n        before, after = u8 0 | u8 1 record | u8 2 record without its value
 *
 * in this order. The history goes along, so a replica that was installed tells watchers as much as the one it comes from.
 */
import { ownBytes } from '../../base/bytes.ts';
import { RAFT_ENTRY_BYTES_MAX } from '../../base/limits.ts';
import { ByteReader, MalformedBytes } from '../raft/codec/byte-reader.ts';
import { ByteWriter } from '../raft/codec/byte-writer.ts';
import { RECORD_BYTES_MIN, readKey, readRecord, writeRecord } from './codec/record-codec.ts';
import type { MetaMachine } from './machine.ts';
import { type Change, type Step, stepBytes } from './state/history.ts';
import type { Lease } from './state/leases.ts';
import { isHot, type MetaRecord, recordBytes } from './state/record.ts';

const VERSION = 1;
/** Records share a piece up to these. */
const PIECE_BYTES = 64 * 1024;
const PIECE_RECORDS_MAX = 256;

/** What a snapshot is made of, as of the call: pieces that are ready, and records, some of which may want their values first. */
export type ImagePart = { readonly piece: Uint8Array } | { readonly records: readonly MetaRecord[] };

export function imageOf(machine: MetaMachine): Iterator<ImagePart> {
  const { revision, history, leases } = machine;
  const head = encodeHead(revision, history.compacted, leases.nextGrant);
  const all = leases.all().map((lease) => ({ ...lease }));
  const keyspace = machine.keyspace.clone();
  const steps = history.steps();
  return (function* () {
    yield { piece: head };
    for (const lease of all) yield { piece: encodeLease(lease) };
    let records: MetaRecord[] = [];
    let bytes = 0;
    for (const record of keyspace.range('', '')) {
      records.push(record);
      bytes += recordBytes(record.key.length, record.valueBytes);
      if (bytes < PIECE_BYTES && records.length < PIECE_RECORDS_MAX) continue;
      yield { records };
      records = [];
      bytes = 0;
    }
    if (records.length > 0) yield { records };
    for (const step of steps) {
      const piece = encodeStep(step);
      if (piece !== undefined) yield { piece };
    }
  })();
}

/** Of a machine that has all values in memory. */
export function piecesOf(machine: MetaMachine): Iterator<Uint8Array> {
  const parts = imageOf(machine);
  return (function* () {
    for (const part of { [Symbol.iterator]: () => parts }) yield 'piece' in part ? part.piece : encodeRecords(part.records);
  })();
}

export function encodeRecords(records: readonly MetaRecord[]): Uint8Array {
  const writer = new ByteWriter(2 * PIECE_BYTES);
  writer.u8(2);
  for (const record of records) writeRecord(writer, record);
  return writer.take();
}

function encodeHead(revision: number, compacted: number, nextGrant: number): Uint8Array {
  const writer = new ByteWriter(32);
  writer.u8(0);
  writer.u8(VERSION);
  writer.varint(revision);
  writer.varint(compacted);
  writer.varint(nextGrant);
  return writer.take();
}

function encodeLease({ id, ttlMs, grant }: Lease): Uint8Array {
  const writer = new ByteWriter(32);
  writer.u8(1);
  writer.varint(id);
  writer.varint(ttlMs);
  writer.varint(grant);
  return writer.take();
}

/** Undefined when it is larger than a piece may be; the reader then begins its history behind it. */
function encodeStep({ revision, changes }: Step): Uint8Array | undefined {
  const writer = new ByteWriter(1024);
  writer.u8(3);
  writer.varint(revision);
  writer.varint(changes.length);
  for (const { key, before, after } of changes) {
    writer.latin1(key);
    writeSide(writer, before);
    writeSide(writer, after);
  }
  const piece = writer.take();
  return piece.length > RAFT_ENTRY_BYTES_MAX ? undefined : piece;
}

function writeSide(writer: ByteWriter, record: MetaRecord | undefined): void {
  if (record === undefined) return writer.u8(0);
  writer.u8(isHot(record) ? 1 : 2);
  if (isHot(record)) return writeRecord(writer, record);
  writeRecord(writer, { ...record, value: NOTHING, valueBytes: 0 });
  writer.varint(record.valueBytes);
}

const NOTHING = new Uint8Array(0);

/** Adds a piece to a machine that has had all before it. Throws MalformedBytes. */
export function readPiece(machine: MetaMachine, piece: Uint8Array): void {
  const reader = new ByteReader(piece);
  switch (reader.u8()) {
    case 0: {
      if (reader.u8() !== VERSION) throw new MalformedBytes('unknown version');
      machine.revision = reader.varint();
      machine.history.reset(reader.varint());
      machine.leases.clear(reader.varint());
      break;
    }
    case 1: {
      const id = reader.varint();
      const ttlMs = reader.varint();
      machine.leases.restore({ id, ttlMs, grant: reader.varint() });
      break;
    }
    case 2:
      while (reader.left > 0) take(machine, readRecord(reader));
      break;
    case 3: {
      const revision = reader.varint();
      const changes: Change[] = [];
      for (let left = reader.count(3); left > 0; left--) changes.push(readChange(reader));
      if (machine.history.last !== revision - 1) machine.history.reset(revision - 1);
      machine.history.push({ revision, changes, bytes: stepBytes(changes) });
      break;
    }
    default:
      throw new MalformedBytes('unknown piece');
  }
  reader.end();
}

function take(machine: MetaMachine, read: MetaRecord): void {
  const record = { ...read, value: ownBytes(read.value!, 0, read.value!.length) };
  machine.keyspace.set(record, undefined);
  if (record.lease !== 0) machine.leases.attach(record.lease, record.key);
}

function readChange(reader: ByteReader): Change {
  const key = readKey(reader);
  const before = readSide(reader);
  return { key, before, after: readSide(reader) };
}

function readSide(reader: ByteReader): MetaRecord | undefined {
  const kind = reader.u8();
  if (kind === 0) return undefined;
  if (kind > 2 || reader.left < RECORD_BYTES_MIN) throw new MalformedBytes('neither here nor there');
  const record = readRecord(reader);
  return kind === 1
    ? { ...record, value: ownBytes(record.value!, 0, record.value!.length) }
    : { ...record, value: undefined, valueBytes: reader.varint() };
}
