/** Writes of groups as bytes of the simulated log file. A frame is what one sync made durable: u32 length, u32 CRC-32 of the payload, payload. */
import { crc32 } from '@node-rs/crc32';
import { ByteReader } from '../../../src/actors/raft/codec/byte-reader.ts';
import { ByteWriter } from '../../../src/actors/raft/codec/byte-writer.ts';
import { readMembership, writeMembership } from '../../../src/actors/raft/codec/membership-codec.ts';
import type { Entry, EntryKind } from '../../../src/actors/raft/entry.ts';
import type { GroupWrite, SnapshotMeta } from '../../../src/actors/raft/storage.ts';

const HEADER_BYTES = 8;
const FRAME_BYTES_MAX = 1 << 26;

export function encodeFrame(writes: readonly GroupWrite[]): Uint8Array {
  const writer = new ByteWriter(1024);
  writer.varint(writes.length);
  for (const write of writes) putWrite(writer, write);
  const payload = writer.take();
  const frame = new Uint8Array(HEADER_BYTES + payload.length);
  const view = new DataView(frame.buffer);
  view.setUint32(0, payload.length);
  view.setUint32(4, crc32(payload));
  frame.set(payload, HEADER_BYTES);
  return frame;
}

export interface Scan {
  readonly frames: { readonly start: number; readonly end: number; readonly writes: readonly GroupWrite[] }[];
  /** Bytes up to here are whole frames. */
  readonly end: number;
}

export class CorruptWal extends Error {
  override readonly name = 'CorruptWal';
}

/** All frames up to a torn tail. A bad frame with a good one behind it is no torn tail: what was durable is damaged, and that is not to be cut off. */
export function scan(bytes: Uint8Array): Scan {
  const frames: Scan['frames'] = [];
  let at = 0;
  for (;;) {
    const end = frameEnd(bytes, at);
    if (end < 0) break;
    frames.push({ start: at, end, writes: takeWrites(bytes.subarray(at + HEADER_BYTES, end)) });
    at = end;
  }
  if (hasFrameAfter(bytes, at)) throw new CorruptWal(`bad frame at ${at}, good ones behind it`);
  return { frames, end: at };
}

function hasFrameAfter(bytes: Uint8Array, from: number): boolean {
  for (let at = from + 1; at + HEADER_BYTES < bytes.length; at++) if (frameEnd(bytes, at) > 0) return true;
  return false;
}

/** Where the frame at `at` ends, or -1. */
function frameEnd(bytes: Uint8Array, at: number): number {
  if (bytes.length - at < HEADER_BYTES) return -1;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getUint32(at);
  const end = at + HEADER_BYTES + length;
  if (length === 0 || length > FRAME_BYTES_MAX || end > bytes.length) return -1;
  return crc32(bytes.subarray(at + HEADER_BYTES, end)) === view.getUint32(at + 4) ? end : -1;
}

function putWrite(writer: ByteWriter, write: GroupWrite): void {
  writer.varint(write.group);
  writer.varint(write.seq);
  writer.varint(write.hard.term);
  writer.varint(write.hard.vote);
  writer.varint(write.hard.commit);
  writer.u8(write.snapshot === undefined ? 0 : 1);
  if (write.snapshot !== undefined) {
    writer.varint(write.snapshot.index);
    writer.varint(write.snapshot.term);
    writeMembership(writer, write.snapshot.membership);
  }
  writer.u8(Number(write.isReset));
  writer.varint(write.truncateFrom);
  writer.varint(write.compactTo);
  writer.varint(write.entries.length);
  for (const { term, index, kind, data } of write.entries) {
    writer.varint(term);
    writer.varint(index);
    writer.u8(kind);
    writer.bytes(data);
  }
}

function takeWrites(payload: Uint8Array): GroupWrite[] {
  const reader = new ByteReader(payload);
  return Array.from({ length: reader.count(8) }, () => takeWrite(reader));
}

function takeWrite(reader: ByteReader): GroupWrite {
  const group = reader.varint();
  const seq = reader.varint();
  const hard = { term: reader.varint(), vote: reader.varint(), commit: reader.varint() };
  const snapshot: SnapshotMeta | undefined = reader.flag()
    ? { index: reader.varint(), term: reader.varint(), membership: readMembership(reader) }
    : undefined;
  const isReset = reader.flag();
  const truncateFrom = reader.varint();
  const compactTo = reader.varint();
  const entries: Entry[] = Array.from({ length: reader.count(4) }, () => ({
    term: reader.varint(),
    index: reader.varint(),
    kind: reader.u8() as EntryKind,
    data: reader.bytes(),
  }));
  return { group, seq, hard, snapshot, isReset, truncateFrom, entries, compactTo };
}
