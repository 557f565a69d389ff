/**
 * A record, and what was there before: the same bytes in replies, snapshots, pages and what watchers are told.
 *
 *   record = key, varint created, varint modified, varint version, varint lease, value
 *   key    = varint length, bytes         value = varint length, bytes
 */
import { META_KEY_BYTES_MAX } from '../../../base/limits.ts';
import { type ByteReader, MalformedBytes } from '../../raft/codec/byte-reader.ts';
import type { ByteWriter } from '../../raft/codec/byte-writer.ts';
import { HotRecord, isHot, type MetaKey, type MetaRecord } from '../state/record.ts';

/** Least bytes of a record. */
export const RECORD_BYTES_MIN = 6;

/** Its value must be at hand. */
export function writeRecord(writer: ByteWriter, record: MetaRecord): void {
  writer.latin1(record.key);
  writer.varint(record.created);
  writer.varint(record.modified);
  writer.varint(record.version);
  writer.varint(record.lease);
  if (!isHot(record)) throw new MalformedBytes('a record without its value');
  writer.varint(record.valueBytes);
  writeValue(writer, record);
}

/** Of a record that has it at hand. */
export function writeValue(writer: ByteWriter, record: MetaRecord): void {
  if (record instanceof HotRecord) writer.part(record.bytes, record.start, record.start + record.valueBytes);
  else writer.raw(record.value!);
}

/** The value is a view of what is read. */
export function readRecord(reader: ByteReader): MetaRecord {
  const key = readKey(reader);
  const created = reader.varint();
  const modified = reader.varint();
  const version = reader.varint();
  const lease = reader.varint();
  const value = reader.bytes();
  return { key, value, valueBytes: value.length, created, modified, version, lease };
}

export function readKey(reader: ByteReader): MetaKey {
  return reader.latin1(META_KEY_BYTES_MAX);
}

export function writeOptionalRecord(writer: ByteWriter, record: MetaRecord | undefined): void {
  writer.u8(record === undefined ? 0 : 1);
  if (record !== undefined) writeRecord(writer, record);
}

export function readOptionalRecord(reader: ByteReader): MetaRecord | undefined {
  return reader.flag() ? readRecord(reader) : undefined;
}
