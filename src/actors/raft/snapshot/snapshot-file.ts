/**
 * A snapshot in a file.
 *
 *   "SLRS" · version u32 · head bytes u32 · crc32c of the head u32 · head        head: varint group, varint index, varint term, membership
 *   block*: bytes u32 · crc32c u32 · bytes                                       the stream, cut anywhere
 *   0 u32 · crc32c of the blocks' checksums, one after the other u32              the end: all is there
 *
 * Numbers of the frame are little endian, those of the head as on the wire.
 */
import { crc32c } from '../../../base/crc32c.ts';
import { RAFT_SNAPSHOT_BLOCK_BYTES_MAX, RAFT_SNAPSHOT_HEAD_BYTES_MAX } from '../../../base/limits.ts';
import { ByteReader, MalformedBytes } from '../codec/byte-reader.ts';
import { ByteWriter } from '../codec/byte-writer.ts';
import { readMembership, writeMembership } from '../codec/membership-codec.ts';
import type { SnapshotMeta } from '../storage.ts';

export const HEAD_PREFIX_BYTES = 16;
export const BLOCK_PREFIX_BYTES = 8;
const MAGIC = 0x53524c53; // "SLRS"
const VERSION = 1;

const NAME = /^(\d{10})-(\d{16})\.snap$/;

export function snapshotName(group: number, index: number): string {
  return `${String(group).padStart(10, '0')}-${String(index).padStart(16, '0')}.snap`;
}

/** Undefined: not the name of a snapshot. */
export function parseSnapshotName(name: string): { readonly group: number; readonly index: number } | undefined {
  const [, group, index] = NAME.exec(name) ?? [];
  return group === undefined ? undefined : { group: Number(group), index: Number(index) };
}

export function encodeHead(group: number, { index, term, membership }: SnapshotMeta): Uint8Array {
  const writer = new ByteWriter();
  writer.varint(group);
  writer.varint(index);
  writer.varint(term);
  writeMembership(writer, membership);
  const head = writer.take();
  const bytes = new Uint8Array(HEAD_PREFIX_BYTES + head.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, VERSION, true);
  view.setUint32(8, head.length, true);
  view.setUint32(12, crc32c(head), true);
  bytes.set(head, HEAD_PREFIX_BYTES);
  return bytes;
}

/** Bytes of the head behind `prefix`; throws `MalformedBytes`. */
export function headBytes(prefix: Uint8Array): number {
  const view = viewOf(prefix);
  if (prefix.length < HEAD_PREFIX_BYTES || view.getUint32(0, true) !== MAGIC) throw new MalformedBytes('is no snapshot');
  if (view.getUint32(4, true) !== VERSION) throw new MalformedBytes('has an unknown version');
  const bytes = view.getUint32(8, true);
  if (bytes > RAFT_SNAPSHOT_HEAD_BYTES_MAX) throw new MalformedBytes('has a head that is too large');
  return bytes;
}

export function decodeHead(prefix: Uint8Array, head: Uint8Array): { readonly group: number; readonly meta: SnapshotMeta } {
  if (crc32c(head) !== viewOf(prefix).getUint32(12, true)) throw new MalformedBytes('has a damaged head');
  const reader = new ByteReader(head);
  const group = reader.varint();
  const meta = { index: reader.varint(), term: reader.varint(), membership: readMembership(reader) };
  reader.end();
  return { group, meta };
}

/** A block, or with no bytes the end; `before` is the checksum of the checksums so far. */
export function encodeBlock(bytes: Uint8Array, before: number): { readonly block: Uint8Array; readonly sum: number } {
  const block = new Uint8Array(BLOCK_PREFIX_BYTES + bytes.length);
  const view = new DataView(block.buffer);
  view.setUint32(0, bytes.length, true);
  view.setUint32(4, bytes.length === 0 ? before : crc32c(bytes), true);
  block.set(bytes, BLOCK_PREFIX_BYTES);
  return { block, sum: bytes.length === 0 ? before : crc32c(block, 4, 8, before) };
}

/** Bytes of the block behind `prefix`, 0 at the end; throws `MalformedBytes`. */
export function blockBytes(prefix: Uint8Array, sum: number): number {
  if (prefix.length < BLOCK_PREFIX_BYTES) throw new MalformedBytes('ends early');
  const view = viewOf(prefix);
  const bytes = view.getUint32(0, true);
  if (bytes > RAFT_SNAPSHOT_BLOCK_BYTES_MAX) throw new MalformedBytes('has a block that is too large');
  if (bytes === 0 && view.getUint32(4, true) !== sum) throw new MalformedBytes('lacks blocks');
  return bytes;
}

/** Checks a block; returns the checksum of the checksums. */
export function checkBlock(prefix: Uint8Array, bytes: Uint8Array, sum: number): number {
  if (crc32c(bytes) !== viewOf(prefix).getUint32(4, true)) throw new MalformedBytes('has a damaged block');
  return crc32c(prefix, 4, 8, sum);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
