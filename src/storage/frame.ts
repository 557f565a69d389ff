/**
 * The frame: the unit of a log, in a file, in memory and on the way to a replica. Little endian, at multiples of 8 bytes, never split.
 *
 *     0        4        8        12   13   14     16         24           32            36         40         44
 *    +--------+--------+--------+----+----+------+----------+------------+-------------+----------+----------+------------+
 *    | magic  | length | crc32c | v  |type| flags| shard    | baseOffset | lastOffset- | record-  | leader-  | generation |
 *    | "SLF1" |  u32   |  u32   | u8 | u8 | u16  | u64      | u64        | Delta  u32  | Count u32| Epoch u32| u32        |
 *    +--------+--------+--------+----+----+------+----------+------------+-------------+----------+----------+------------+
 *     48                56         64
 *    +-----------------+----------+---------------------------+-------+
 *    | maxTimestamp u64| lsn u64  | body …                    | 0 … 0 |     length counts header, body and padding
 *    +-----------------+----------+---------------------------+-------+
 *
 * `crc32c` covers [12, length). `generation` is a random number of the segment file: what a recycled file still holds, and what a client may have put
 * into a payload, is never taken for a frame. `lsn` grows by one with every frame of a log.
 *
 * What is written at once is a commit: a commit frame, which tells how many frames follow and what had been made durable before it was written, and
 * those frames. A commit counts when all of its frames are there, else not at all.
 */
import { crc32c } from '../base/crc32c.ts';

export const FRAME_HEADER_BYTES = 64;
export const FRAME_VERSION = 1;
const FRAME_MAGIC = 0x31464c53; // "SLF1"
const CHECKED_FROM = 12;
const TWO_32 = 2 ** 32;

export const FRAME = {
  /** Body: a Kafka record batch v2. */
  data: 1,
  /** Begins a commit: shard = its bytes, baseOffset = the lsn below which everything was durable when it was written, recordCount = frames that follow. */
  commit: 3,
  /** Entries of a replicated log that are not records. */
  entry: 4,
  /** The index of a sealed segment, see segment-file.ts. */
  footer: 5,
  /** Facts about shards, see control.ts. */
  control: 6,
  /** One message block for many shards, see fan-out.ts. */
  fanOut: 7,
} as const;

/** What a frame says beside its body. Scratch objects of this shape are filled by `readFrameHeader`. */
export interface FrameHeader {
  length: number;
  type: number;
  flags: number;
  shard: number;
  baseOffset: number;
  lastOffsetDelta: number;
  recordCount: number;
  leaderEpoch: number;
  generation: number;
  maxTimestamp: number;
  lsn: number;
}

export function emptyFrameHeader(): FrameHeader {
  return {
    length: 0,
    type: 0,
    flags: 0,
    shard: 0,
    baseOffset: 0,
    lastOffsetDelta: 0,
    recordCount: 0,
    leaderEpoch: 0,
    generation: 0,
    maxTimestamp: 0,
    lsn: 0,
  };
}

/** Bytes of a frame with a body of `bodyBytes`. */
export function frameBytes(bodyBytes: number): number {
  return (FRAME_HEADER_BYTES + bodyBytes + 7) & ~7;
}

/** Writes the header of the frame at `at`, whose body of `bodyBytes` is in place, pads it and seals both with the checksum. */
export function sealFrame(bytes: Uint8Array, view: DataView, at: number, bodyBytes: number, header: FrameHeader): void {
  const length = frameBytes(bodyBytes);
  for (let i = at + FRAME_HEADER_BYTES + bodyBytes; i < at + length; i++) bytes[i] = 0;
  view.setUint32(at, FRAME_MAGIC, true);
  view.setUint32(at + 4, length, true);
  bytes[at + 12] = FRAME_VERSION;
  bytes[at + 13] = header.type;
  view.setUint16(at + 14, header.flags, true);
  setU64(view, at + 16, header.shard);
  setU64(view, at + 24, header.baseOffset);
  view.setUint32(at + 32, header.lastOffsetDelta, true);
  view.setUint32(at + 36, header.recordCount, true);
  view.setUint32(at + 40, header.leaderEpoch, true);
  view.setUint32(at + 44, header.generation, true);
  setU64(view, at + 48, header.maxTimestamp);
  setU64(view, at + 56, header.lsn);
  view.setUint32(at + 8, crc32c(bytes, at + CHECKED_FROM, at + length), true);
}

/**
 * Reads the frame at `at` into `header`, if there is a whole and sound one before `limit`. Nothing is read that has not been checked to lie there.
 */
export function readFrame(bytes: Uint8Array, view: DataView, at: number, limit: number, header: FrameHeader): boolean {
  if (!readFrameHeader(view, at, limit, header)) return false;
  return at + header.length <= limit && crc32c(bytes, at + CHECKED_FROM, at + header.length) === view.getUint32(at + 8, true);
}

/** The header alone, unchecked but for its form: its checksum needs the body. */
export function readFrameHeader(view: DataView, at: number, limit: number, header: FrameHeader): boolean {
  if (at + FRAME_HEADER_BYTES > limit || view.getUint32(at, true) !== FRAME_MAGIC) return false;
  const length = view.getUint32(at + 4, true);
  if (length < FRAME_HEADER_BYTES || (length & 7) !== 0 || view.getUint8(at + 12) !== FRAME_VERSION) return false;
  header.length = length;
  header.type = view.getUint8(at + 13);
  header.flags = view.getUint16(at + 14, true);
  header.shard = getU64(view, at + 16);
  header.baseOffset = getU64(view, at + 24);
  header.lastOffsetDelta = view.getUint32(at + 32, true);
  header.recordCount = view.getUint32(at + 36, true);
  header.leaderEpoch = view.getUint32(at + 40, true);
  header.generation = view.getUint32(at + 44, true);
  header.maxTimestamp = getU64(view, at + 48);
  header.lsn = getU64(view, at + 56);
  return true;
}

/** Where the next bytes begin that look like the start of a frame, at or after `from`, at a multiple of 8 from it; `limit` when nowhere. */
export function findFrameMagic(view: DataView, from: number, limit: number): number {
  for (let at = from; at + FRAME_HEADER_BYTES <= limit; at += 8) if (view.getUint32(at, true) === FRAME_MAGIC) return at;
  return limit;
}

/** Numbers up to 2^53 as u64. */
export function setU64(view: DataView, at: number, value: number): void {
  view.setUint32(at, value % TWO_32, true);
  view.setUint32(at + 4, value / TWO_32, true);
}

export function getU64(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * TWO_32 + view.getUint32(at, true);
}

/** A view for `sealFrame` and `readFrame`: positions in it are those in `bytes`. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
