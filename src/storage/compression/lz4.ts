/**
 * LZ4 in its frame format (https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md). The library takes no bound, and a frame need not say its size; so the size is
 * counted first, by a walk over the sequences that reads lengths and copies nothing.
 *
 *   magic │ flags │ block size │ [content size u64] │ [dictionary u32] │ header checksum │ { size u32 │ block │ [checksum u32] } … │ 0 u32 │ [checksum u32]
 *
 *   block: { token │ [literal length …] │ literals │ match offset u16 │ [match length …] } …, the last without a match
 */
import { createRequire } from 'node:module';
import { type Codec, corrupt, guarded, tooLarge } from './codec.ts';

const MAGIC = 0x184d2204;
const VERSION_MASK = 0xc0;
const VERSION = 0x40;
const BLOCK_CHECKSUM = 0x10;
const CONTENT_SIZE = 0x08;
const CONTENT_CHECKSUM = 0x04;
const DICTIONARY = 0x01;
const UNCOMPRESSED = 0x80000000;
const MATCH_BYTES_MIN = 4;

interface Lz4Library {
  compressFrameSync(bytes: Uint8Array): Buffer;
  decompressFrameSync(bytes: Uint8Array): Buffer;
}

export function loadLz4(): Codec {
  const require = createRequire(import.meta.url);
  const library = require('lz4-napi') as Lz4Library;
  return {
    id: 3,
    name: 'lz4',
    compress: (bytes) => library.compressFrameSync(asBuffer(bytes)),
    decompress(bytes, bytesMax) {
      const frame = asBuffer(bytes);
      const size = lz4FrameSize(frame, bytesMax);
      const result = guarded('lz4', () => library.decompressFrameSync(frame));
      if (result.length !== size) throw corrupt('lz4', `${result.length} bytes came out, not ${size}`);
      return result;
    },
  };
}

/** The library takes Buffers only. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Bytes that one whole frame decompresses to, at most `bytesMax`. */
export function lz4FrameSize(frame: Buffer, bytesMax: number): number {
  const flags = frame.length >= 7 && frame.readUInt32LE(0) === MAGIC ? frame[4]! : 0;
  if ((flags & VERSION_MASK) !== VERSION) throw corrupt('lz4', 'it is not a frame');
  if ((flags & DICTIONARY) !== 0) throw corrupt('lz4', 'it wants a dictionary');
  const blockBytesMax = 1 << (8 + 2 * ((frame[5]! >> 4) & 7));
  let at = 6 + ((flags & CONTENT_SIZE) === 0 ? 0 : 8) + 1;
  let total = 0;
  for (;;) {
    if (at + 4 > frame.length) throw corrupt('lz4', 'it is cut off');
    const field = frame.readUInt32LE(at);
    at += 4;
    if (field === 0) break;
    const size = field & ~UNCOMPRESSED;
    const end = at + size;
    if (end > frame.length) throw corrupt('lz4', 'a block is cut off');
    const content = (field & UNCOMPRESSED) !== 0 ? size : blockSize(frame, at, end);
    if (content > blockBytesMax) throw corrupt('lz4', 'a block is larger than its frame allows');
    if ((total += content) > bytesMax) throw tooLarge('lz4', undefined, bytesMax);
    at = end + ((flags & BLOCK_CHECKSUM) === 0 ? 0 : 4);
  }
  if (at + ((flags & CONTENT_CHECKSUM) === 0 ? 0 : 4) !== frame.length) throw corrupt('lz4', 'bytes lie behind its end');
  return total;
}

function blockSize(bytes: Uint8Array, from: number, end: number): number {
  let total = 0;
  let at = from;
  while (at < end) {
    const token = bytes[at++]!;
    let literals = token >> 4;
    for (let more = literals === 15 ? 255 : 0; more === 255 && at < end; literals += more) more = bytes[at++]!;
    at += literals;
    total += literals;
    if (at >= end) break;
    at += 2;
    let match = token & 15;
    for (let more = match === 15 ? 255 : 0; more === 255 && at < end; match += more) more = bytes[at++]!;
    total += match + MATCH_BYTES_MIN;
  }
  return total;
}
