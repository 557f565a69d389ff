/**
 * Frames: everything that passes between two nodes after the preamble. Numbers are little-endian.
 *
 *   preamble:  "SLCE" · u16 protocol min · u16 protocol max                      once, in each direction
 *
 *   frame:     0        4      5       6       8         12
 *             +--------+------+-------+-------+---------+--------------+
 *             | length | type | flags | count | crc32c  | body         |
 *             +--------+------+-------+-------+---------+--------------+
 *               u32      u8     u8      u16     u32       length bytes    crc32c is of the body
 *
 * `flags` holds the class of a batch, `count` its number of messages; both are 0 elsewhere. A header is judged before its
 * body is read and before memory is taken for it.
 */
import { crc32c } from '../base/crc32c.ts';
import { SluiceError } from '../base/errors.ts';

export const FRAME = {
  batch: 1,
  credit: 2,
  ping: 3,
  pong: 4,
  goodbye: 5,
  hello: 16,
  challenge: 17,
  proof: 18,
  welcome: 19,
} as const;

export const FRAME_HEADER_BYTES = 12;
export const PREAMBLE_BYTES = 8;
const MAGIC = 0x45434c53; // "SLCE"

/** The range of protocol versions that this program speaks. */
export interface ProtocolRange {
  readonly min: number;
  readonly max: number;
}
export const PROTOCOL: ProtocolRange = { min: 1, max: 1 };

/** Fills in the header at `at`; the body is in place already. */
export function writeHeader(bytes: Buffer, at: number, type: number, flags: number, count: number, bodyBytes: number): void {
  bytes.writeUInt32LE(bodyBytes, at);
  bytes[at + 4] = type;
  bytes[at + 5] = flags;
  bytes.writeUInt16LE(count, at + 6);
  const body = at + FRAME_HEADER_BYTES;
  bytes.writeUInt32LE(crc32c(bytes, body, body + bodyBytes), at + 8);
}

/** A frame in memory of its own. */
export function encodeFrame(type: number, body: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(FRAME_HEADER_BYTES + body.length);
  bytes.set(body, FRAME_HEADER_BYTES);
  writeHeader(bytes, 0, type, 0, 0, body.length);
  return bytes;
}

export function encodePreamble({ min, max }: ProtocolRange): Buffer {
  const bytes = Buffer.allocUnsafe(PREAMBLE_BYTES);
  bytes.writeUInt32LE(MAGIC, 0);
  bytes.writeUInt16LE(min, 4);
  bytes.writeUInt16LE(max, 6);
  return bytes;
}

export function decodePreamble(bytes: Uint8Array, at: number): ProtocolRange {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, PREAMBLE_BYTES);
  if (view.getUint32(0, true) !== MAGIC) throw new SluiceError('SLUICE_WIRE_MAGIC', 'the peer does not speak the wire protocol');
  return { min: view.getUint16(4, true), max: view.getUint16(6, true) };
}

/** The highest version that both speak. */
export function agreeOn(ours: ProtocolRange, theirs: ProtocolRange): number {
  const version = Math.min(ours.max, theirs.max);
  if (version >= ours.min && version >= theirs.min && theirs.min <= theirs.max) return version;
  throw new SluiceError(
    'SLUICE_WIRE_VERSION',
    `the peer speaks protocol versions ${theirs.min} to ${theirs.max}, this node ${ours.min} to ${ours.max}`,
  );
}
