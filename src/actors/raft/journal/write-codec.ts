/**
 * One write of a group as the body of an entry frame (storage/frame.ts). A group's log on disk is a row of such frames, and their sum (durable-group.ts) is what the group has. Each says where
 * in the log it stands, so the row may be read from any frame on that holds the first entry that is still needed.
 *
 *   body = u8 version, u8 flags, varint term, u53 vote, varint commit, varint prevIndex, varint prevTerm, varint truncateFrom, varint compactTo,
 *          [varint index, varint term, membership: the snapshot, if flags says so], varint count, entry*
 *   entry = u8 kind, varint term, bytes                    indexes follow from prevIndex
 *
 *   flags: 1 a snapshot follows · 2 it takes the place of the log · 4 what came before counts no more: the group is stated anew
 */
import { RAFT_ENTRY_BYTES_MAX } from '../../../base/limits.ts';
import { ByteReader, MalformedBytes } from '../codec/byte-reader.ts';
import type { ByteWriter } from '../codec/byte-writer.ts';
import { readMembership, writeMembership } from '../codec/membership-codec.ts';
import { type Entry, type EntryKind, NO_OP } from '../entry.ts';
import type { GroupWrite, SnapshotMeta } from '../storage.ts';

const VERSION = 1;
const HAS_SNAPSHOT = 1;
const IS_RESET = 2;
const IS_RESTATED = 4;
const ENTRY_BYTES_MIN = 3;

/** A write and its place in the log. */
export interface PlacedWrite extends Omit<GroupWrite, 'group' | 'seq'> {
  /** The entry before the first one of `entries`, or the last one of the log when there are none. */
  readonly prevIndex: number;
  readonly prevTerm: number;
  readonly isRestated: boolean;
}

export function encodeWrite(writer: ByteWriter, write: PlacedWrite): void {
  const { hard, snapshot, entries } = write;
  writer.u8(VERSION);
  writer.u8((snapshot === undefined ? 0 : HAS_SNAPSHOT) | (write.isReset ? IS_RESET : 0) | (write.isRestated ? IS_RESTATED : 0));
  writer.varint(hard.term);
  writer.u53(hard.vote);
  writer.varint(hard.commit);
  writer.varint(write.prevIndex);
  writer.varint(write.prevTerm);
  writer.varint(write.truncateFrom);
  writer.varint(write.compactTo);
  if (snapshot !== undefined) {
    writer.varint(snapshot.index);
    writer.varint(snapshot.term);
    writeMembership(writer, snapshot.membership);
  }
  writer.varint(entries.length);
  for (const { kind, term, data } of entries) {
    writer.u8(kind);
    writer.varint(term);
    writer.bytes(data);
  }
}

/** Entries have memory of their own. The frame's padding may follow. Throws `MalformedBytes`. */
export function decodeWrite(bytes: Uint8Array, from: number, to: number): PlacedWrite {
  const reader = new ByteReader(bytes, from, to);
  if (reader.u8() !== VERSION) throw new MalformedBytes('unknown version of a write');
  const flags = reader.u8();
  const hard = { term: reader.varint(), vote: reader.u53(), commit: reader.varint() };
  const prevIndex = reader.varint();
  const prevTerm = reader.varint();
  const truncateFrom = reader.varint();
  const compactTo = reader.varint();
  const snapshot = (flags & HAS_SNAPSHOT) === 0 ? undefined : readSnapshot(reader);
  const entries: Entry[] = [];
  for (let left = reader.count(ENTRY_BYTES_MIN); left > 0; left--)
    entries.push(readEntry(reader, prevIndex + entries.length + 1));
  return {
    hard,
    snapshot,
    isReset: (flags & IS_RESET) !== 0,
    isRestated: (flags & IS_RESTATED) !== 0,
    prevIndex,
    prevTerm,
    truncateFrom,
    compactTo,
    entries,
  };
}

function readSnapshot(reader: ByteReader): SnapshotMeta {
  return { index: reader.varint(), term: reader.varint(), membership: readMembership(reader) };
}

function readEntry(reader: ByteReader, index: number): Entry {
  const kind = reader.u8();
  if (kind > NO_OP) throw new MalformedBytes('unknown kind of entry');
  const term = reader.varint();
  const length = reader.varint();
  if (length > RAFT_ENTRY_BYTES_MAX) throw new MalformedBytes('entry too large');
  return { term, index, kind: kind as EntryKind, data: reader.raw(length).slice() };
}
