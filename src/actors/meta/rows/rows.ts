/**
 * A group's state as rows of a store that all groups of a thread share; numbers big endian.
 *
 *   'm' │ group u32 │ 0              →  u8 version, f64 owner, varint applied, f64 timeMs, varint revision, varint next grant, sessions' header
 *   'm' │ group u32 │ 1 │ lease u64  →  varint ttlMs, varint grant
 *   'm' │ group u32 │ 2 │ session u64 → varint order, piece of the session
 *   'm' │ group u32 │ 3 │ key        →  varint created, varint modified, varint version, varint lease, value
 *
 * The first row says as of which entry the others are; they change together or not at all. Without it the rest is the half of something, and void.
 */
import { ByteReader, MalformedBytes } from '../../raft/codec/byte-reader.ts';
import { ByteWriter } from '../../raft/codec/byte-writer.ts';
import { writeValue } from '../codec/record-codec.ts';
import type { Lease } from '../state/leases.ts';
import type { MetaKey, MetaRecord } from '../state/record.ts';

const VERSION = 1;
const TABLE = 0x6d;
const HEAD = 0;
const LEASE = 1;
const SESSION = 2;
const KEY = 3;
const PREFIX_BYTES = 6;

export interface Head {
  /** The replica whose state it is: one that lost its log must not go on with it. */
  readonly owner: number;
  readonly applied: number;
  readonly timeMs: number;
  readonly revision: number;
  readonly nextGrant: number;
  readonly sessions: Uint8Array;
}

export function groupRange(group: number): { readonly start: Uint8Array; readonly end: Uint8Array } {
  return { start: prefix(group, HEAD, 0), end: prefix(group, KEY + 1, 0) };
}

export const ALL_GROUPS: { readonly gte: Uint8Array; readonly lt: Uint8Array } = {
  gte: Uint8Array.of(TABLE),
  lt: Uint8Array.of(TABLE + 1),
};

export function headKey(group: number): Uint8Array {
  return prefix(group, HEAD, 0);
}

export function leaseKey(group: number, id: number): Uint8Array {
  return numbered(group, LEASE, id);
}

export function sessionKey(group: number, id: number): Uint8Array {
  return numbered(group, SESSION, id);
}

export function recordKey(group: number, key: MetaKey): Uint8Array {
  const writer = new ByteWriter(PREFIX_BYTES + key.length);
  writeRecordKey(writer, group, key);
  return writer.take();
}

export function writeRecordKey(writer: ByteWriter, group: number, key: MetaKey): void {
  writer.u8(TABLE);
  writer.u32(group);
  writer.u8(KEY);
  writer.rawLatin1(key);
}

export function encodeHead({ owner, applied, timeMs, revision, nextGrant, sessions }: Head): Uint8Array {
  const writer = new ByteWriter(64);
  writer.u8(VERSION);
  writer.f64(owner);
  writer.varint(applied);
  writer.f64(timeMs);
  writer.varint(revision);
  writer.varint(nextGrant);
  writer.raw(sessions);
  return writer.take();
}

export function decodeHead(bytes: Uint8Array): Head {
  const reader = new ByteReader(bytes);
  if (reader.u8() !== VERSION) throw new MalformedBytes('unknown version');
  const owner = reader.f64();
  const applied = reader.varint();
  const timeMs = reader.f64();
  const revision = reader.varint();
  const nextGrant = reader.varint();
  return { owner, applied, timeMs, revision, nextGrant, sessions: reader.raw(reader.left) };
}

export function encodeLease({ ttlMs, grant }: Lease): Uint8Array {
  const writer = new ByteWriter(16);
  writer.varint(ttlMs);
  writer.varint(grant);
  return writer.take();
}

export interface SessionRow {
  readonly order: number;
  readonly piece: Uint8Array;
}

export function encodeSessionRow({ order, piece }: SessionRow): Uint8Array {
  const writer = new ByteWriter(16 + piece.length);
  writer.varint(order);
  writer.raw(piece);
  return writer.take();
}

/** Its value is at hand. */
export function writeRecordRow(writer: ByteWriter, record: MetaRecord): void {
  writer.varint(record.created);
  writer.varint(record.modified);
  writer.varint(record.version);
  writer.varint(record.lease);
  writeValue(writer, record);
}

/** The value is a view of the row. */
export function decodeRecord(key: MetaKey, row: Uint8Array): MetaRecord {
  const reader = new ByteReader(row);
  const created = reader.varint();
  const modified = reader.varint();
  const version = reader.varint();
  const lease = reader.varint();
  const value = reader.raw(reader.left);
  return { key, value, valueBytes: value.length, created, modified, version, lease };
}

export type Row =
  | { readonly type: 'head'; readonly group: number; readonly head: Head }
  | { readonly type: 'lease'; readonly group: number; readonly lease: Lease }
  | { readonly type: 'session'; readonly group: number; readonly order: number; readonly piece: Uint8Array }
  | { readonly type: 'record'; readonly group: number; readonly record: MetaRecord };

/** Throws MalformedBytes. */
export function decodeRow(key: Uint8Array, row: Uint8Array): Row {
  const at = new ByteReader(key);
  if (at.u8() !== TABLE) throw new MalformedBytes('a row of something else');
  const group = at.u32();
  const reader = new ByteReader(row);
  switch (at.u8()) {
    case HEAD:
      return { type: 'head', group, head: decodeHead(row) };
    case LEASE: {
      const id = at.u53();
      const ttlMs = reader.varint();
      return { type: 'lease', group, lease: { id, ttlMs, grant: reader.varint() } };
    }
    case SESSION: {
      const order = reader.varint();
      return { type: 'session', group, order, piece: reader.raw(reader.left) };
    }
    case KEY:
      return { type: 'record', group, record: decodeRecord(Buffer.from(at.raw(at.left)).toString('latin1'), row) };
    default:
      throw new MalformedBytes('unknown row');
  }
}

function prefix(group: number, kind: number, extra: number): Uint8Array {
  const key = new Uint8Array(PREFIX_BYTES + extra);
  key[0] = TABLE;
  new DataView(key.buffer).setUint32(1, group);
  key[5] = kind;
  return key;
}

function numbered(group: number, kind: number, id: number): Uint8Array {
  const key = prefix(group, kind, 8);
  const view = new DataView(key.buffer);
  view.setUint32(PREFIX_BYTES, Math.floor(id / 2 ** 32));
  view.setUint32(PREFIX_BYTES + 4, id >>> 0);
  return key;
}
