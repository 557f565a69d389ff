/**
 * What one turn of a node has for another one, as bytes. Sender and receiver are the same for all groups, so they are named once; heartbeats of all groups that were due
 * together form a run with a handful of bytes per group.
 *
 *   frame     = u8 version, u53 from, u53 to, run*
 *   run       = u8 type, varint count, [f64 sentMs, of heartbeats and their replies], message × count
 *   message   = varint group, varint term, what its type has
 *   entry     = u8 kind, varint term, bytes           (indexes follow from prevIndex)
 *   bytes     = varint length, length × u8
 */
import { RAFT_ENTRY_BYTES_MAX } from '../../../base/limits.ts';
import { type Entry, type EntryKind, NO_OP } from '../entry.ts';
import type { RaftMessage } from '../message.ts';
import type { SnapshotMessage } from '../node/snapshot-message.ts';
import type { ReplicaId } from '../replica.ts';
import { ByteReader, MalformedBytes } from './byte-reader.ts';
import { ByteWriter } from './byte-writer.ts';
import { readMembership, writeMembership } from './membership-codec.ts';

export type PeerMessage = RaftMessage | SnapshotMessage;

const VERSION = 1;
const TYPES = [
  'requestPreVote',
  'requestVote',
  'preVoteReply',
  'voteReply',
  'append',
  'appendReply',
  'heartbeat',
  'heartbeatReply',
  'timeoutNow',
  'readIndex',
  'readIndexReply',
  'snapshotChunk',
  'snapshotReply',
] as const satisfies readonly PeerMessage['type'][];

/** Least bytes of a message: group and term. */
const MESSAGE_BYTES_MIN = 2;
const ENTRY_BYTES_MIN = 3;

const writer = new ByteWriter(65_536);

export interface PeerFrame {
  readonly from: ReplicaId;
  readonly to: ReplicaId;
  readonly messages: readonly PeerMessage[];
}

/** All messages are from `from` to `to`. The frame is valid until the next one is made. */
export function encodeFrame(from: ReplicaId, to: ReplicaId, messages: readonly PeerMessage[]): Uint8Array {
  // An error may have left something.
  writer.clear();
  writer.u8(VERSION);
  writer.u53(from);
  writer.u53(to);
  for (let start = 0; start < messages.length; ) {
    const first = messages[start]!;
    let end = start + 1;
    while (end < messages.length && continuesRun(first, messages[end]!)) end++;
    writer.u8(TYPES.indexOf(first.type));
    writer.varint(end - start);
    if ('sentMs' in first) writer.f64(first.sentMs);
    for (; start < end; start++) writeMessage(messages[start]!);
  }
  return writer.view();
}

function continuesRun(first: PeerMessage, next: PeerMessage): boolean {
  if (first.type !== next.type) return false;
  return !('sentMs' in first) || first.sentMs === (next as typeof first).sentMs;
}

/** Views of `bytes` stay in the messages: it is theirs. */
export function decodeFrame(bytes: Uint8Array): PeerFrame {
  const reader = new ByteReader(bytes);
  if (reader.u8() !== VERSION) throw new MalformedBytes('unknown version');
  const from = reader.u53();
  const to = reader.u53();
  const messages: PeerMessage[] = [];
  while (reader.left > 0) {
    const type = TYPES[reader.u8()];
    if (type === undefined) throw new MalformedBytes('unknown message');
    const count = reader.count(MESSAGE_BYTES_MIN);
    const sentMs = type === 'heartbeat' || type === 'heartbeatReply' ? reader.f64() : 0;
    for (let i = 0; i < count; i++) messages.push(readMessage(reader, type, from, to, sentMs));
  }
  return { from, to, messages };
}

function writeMessage(message: PeerMessage): void {
  writer.varint(message.group);
  writer.varint(message.term);
  switch (message.type) {
    case 'requestPreVote':
    case 'requestVote':
      writer.varint(message.lastIndex);
      writer.varint(message.lastTerm);
      return writer.u8(Number(message.isTransfer));
    case 'preVoteReply':
    case 'voteReply':
      writer.u8(Number(message.isGranted));
      writer.varint(message.commit);
      return writer.varint(message.commitTerm);
    case 'append':
      writer.varint(message.prevIndex);
      writer.varint(message.prevTerm);
      writer.varint(message.commit);
      return writeEntries(message.entries);
    case 'appendReply':
      writer.varint(message.index);
      writer.u8(Number(message.isRejected));
      writer.varint(message.hintIndex);
      writer.varint(message.hintTerm);
      return writer.u8(Number(message.isFull));
    case 'heartbeat':
      writer.varint(message.commit);
      return writer.varint(message.readSeq);
    case 'heartbeatReply':
      return writer.varint(message.readSeq);
    case 'timeoutNow':
      return;
    case 'readIndex':
      return writer.varint(message.id);
    case 'readIndexReply':
      writer.varint(message.id);
      return writer.varint(message.index + 1);
    case 'snapshotChunk':
      writer.varint(message.meta.index);
      writer.varint(message.meta.term);
      writeMembership(writer, message.meta.membership);
      writer.varint(message.offset);
      writer.u8(Number(message.isLast));
      return writer.bytes(message.data);
    case 'snapshotReply':
      writer.varint(message.index);
      writer.varint(message.offset);
      return writer.u8(Number(message.isDone));
  }
}

/** Busy groups get the first four all the time: no spreads there. Fields are read in the order in which they were written. */
function readMessage(reader: ByteReader, type: PeerMessage['type'], from: ReplicaId, to: ReplicaId, sentMs: number): PeerMessage {
  const group = reader.varint();
  const term = reader.varint();
  switch (type) {
    case 'append': {
      const prevIndex = reader.varint();
      const prevTerm = reader.varint();
      const commit = reader.varint();
      return { type, group, from, to, term, prevIndex, prevTerm, commit, entries: readEntries(reader, prevIndex) };
    }
    case 'appendReply': {
      const index = reader.varint();
      const isRejected = reader.flag();
      const hintIndex = reader.varint();
      const hintTerm = reader.varint();
      return { type, group, from, to, term, index, isRejected, hintIndex, hintTerm, isFull: reader.flag() };
    }
    case 'heartbeat':
      return { type, group, from, to, term, commit: reader.varint(), readSeq: reader.varint(), sentMs };
    case 'heartbeatReply':
      return { type, group, from, to, term, readSeq: reader.varint(), sentMs };
    default:
      return readRare(reader, type, { group, from, to, term });
  }
}

type RareType = Exclude<PeerMessage['type'], 'append' | 'appendReply' | 'heartbeat' | 'heartbeatReply'>;

function readRare(reader: ByteReader, type: RareType, header: Pick<PeerMessage, 'group' | 'from' | 'to' | 'term'>): PeerMessage {
  switch (type) {
    case 'requestPreVote':
    case 'requestVote':
      return { type, ...header, lastIndex: reader.varint(), lastTerm: reader.varint(), isTransfer: reader.flag() };
    case 'preVoteReply':
    case 'voteReply':
      return { type, ...header, isGranted: reader.flag(), commit: reader.varint(), commitTerm: reader.varint() };
    case 'timeoutNow':
      return { type, ...header };
    case 'readIndex':
      return { type, ...header, id: reader.varint() };
    case 'readIndexReply':
      return { type, ...header, id: reader.varint(), index: reader.varint() - 1 };
    case 'snapshotChunk': {
      const meta = { index: reader.varint(), term: reader.varint(), membership: readMembership(reader) };
      return { type, ...header, meta, offset: reader.varint(), isLast: reader.flag(), data: reader.bytes() };
    }
    case 'snapshotReply':
      return { type, ...header, index: reader.varint(), offset: reader.varint(), isDone: reader.flag() };
  }
}

function writeEntries(entries: readonly Entry[]): void {
  writer.varint(entries.length);
  for (let i = 0; i < entries.length; i++) {
    const { kind, term, data } = entries[i]!;
    writer.u8(kind);
    writer.varint(term);
    writer.bytes(data);
  }
}

function readEntries(reader: ByteReader, prevIndex: number): Entry[] {
  const count = reader.count(ENTRY_BYTES_MIN);
  const entries: Entry[] = [];
  for (let i = 0; i < count; i++) {
    const kind = reader.u8();
    if (kind > NO_OP) throw new MalformedBytes('unknown kind of entry');
    const term = reader.varint();
    const data = reader.bytes();
    if (data.length > RAFT_ENTRY_BYTES_MAX) throw new MalformedBytes('entry too large');
    entries.push({ term, index: prevIndex + 1 + i, kind: kind as EntryKind, data });
  }
  return entries;
}
