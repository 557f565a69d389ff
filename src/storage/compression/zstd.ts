/**
 * Zstandard (RFC 8878), by Node where it has it (22.15 and later), else by the reference library as wasm. The wasm takes no bound, and a frame need not say its size; so its
 * blocks are walked first: raw and repeated ones say their size, a compressed one holds 128 KiB at most. One frame, without a dictionary.
 *
 *   magic │ descriptor │ [window] │ [content size 1, 2, 4 or 8] │ { last, type, size: u24 │ block } … │ [checksum u32]
 */
import { createRequire } from 'node:module';
import zlib from 'node:zlib';
import { type Codec, corrupt, tooLarge } from './codec.ts';

const MAGIC = 0xfd2fb528;
const BLOCK_BYTES_MAX = 128 * 1024;
const CONTENT_SIZE_BYTES = [0, 2, 4, 8];
/** Kafka's default. */
const LEVEL = 3;

interface ZlibWithZstd {
  zstdCompressSync?(bytes: Uint8Array): Buffer;
  zstdDecompressSync?(bytes: Uint8Array, options: { maxOutputLength: number }): Buffer;
}

interface ZstdWasm {
  init(): Promise<void>;
  compress(bytes: Uint8Array, level: number): Uint8Array;
  decompress(bytes: Uint8Array, options: { defaultHeapSize: number }): Uint8Array;
}

export async function loadZstd(): Promise<Codec> {
  const { zstdCompressSync, zstdDecompressSync } = zlib as unknown as ZlibWithZstd;
  if (zstdCompressSync === undefined || zstdDecompressSync === undefined) return loadZstdWasm();
  return {
    id: 4,
    name: 'zstd',
    compress: (bytes) => zstdCompressSync(bytes),
    decompress: (bytes, bytesMax) =>
      decompress(bytes, bytesMax, (most) => zstdDecompressSync(bytes, { maxOutputLength: Math.max(1, most) })),
  };
}

export async function loadZstdWasm(): Promise<Codec> {
  const require = createRequire(import.meta.url);
  const wasm = require('@bokuweb/zstd-wasm') as ZstdWasm;
  await wasm.init();
  return {
    id: 4,
    name: 'zstd',
    compress: (bytes) => wasm.compress(bytes, LEVEL),
    decompress: (bytes, bytesMax) => decompress(bytes, bytesMax, (most) => wasm.decompress(bytes, { defaultHeapSize: most })),
  };
}

/** `run` gets the memory that the result may take. */
function decompress(bytes: Uint8Array, bytesMax: number, run: (most: number) => Uint8Array): Uint8Array {
  const most = zstdFrameSize(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), bytesMax);
  try {
    return run(Math.min(most, bytesMax));
  } catch (error) {
    // A frame of which only the blocks tell the size may have run out of memory, and may be broken.
    if (most > bytesMax) throw tooLarge('zstd', undefined, bytesMax);
    throw corrupt('zstd', (error as Error).message, error);
  }
}

/** Bytes that one whole frame decompresses to at most; above the bound by less than a block. */
export function zstdFrameSize(frame: Buffer, bytesMax: number): number {
  const descriptor = frame.length >= 5 && frame.readUInt32LE(0) === MAGIC ? frame[4]! : -1;
  if (descriptor < 0 || (descriptor & 0x08) !== 0) throw corrupt('zstd', 'it is not a frame');
  if ((descriptor & 0x03) !== 0) throw corrupt('zstd', 'it wants a dictionary');
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const sizeBytes = descriptor >> 6 === 0 && isSingleSegment ? 1 : CONTENT_SIZE_BYTES[descriptor >> 6]!;
  const sizeAt = isSingleSegment ? 5 : 6;
  const blocksAt = sizeAt + sizeBytes;
  if (blocksAt > frame.length) throw corrupt('zstd', 'it is cut off');
  const said = sizeBytes === 0 ? undefined : contentSize(frame, sizeAt, sizeBytes);
  if (said !== undefined && said > bytesMax) throw tooLarge('zstd', said, bytesMax);
  const { end, least, most } = walkBlocks(frame, blocksAt);
  if (end + ((descriptor & 0x04) === 0 ? 0 : 4) !== frame.length) throw corrupt('zstd', 'bytes lie behind its end');
  if (said !== undefined && (said < least || said > most)) throw corrupt('zstd', 'its size and its blocks disagree');
  // Every compressed block but the last is full, or nearly so: what could exceed the bound by more than one block does.
  if (said === undefined && most - BLOCK_BYTES_MAX > bytesMax) throw tooLarge('zstd', undefined, bytesMax);
  return said ?? most;
}

function contentSize(frame: Buffer, at: number, bytes: number): number {
  if (bytes === 8) return Number(frame.readBigUInt64LE(at));
  const size = frame.readUIntLE(at, bytes);
  return bytes === 2 ? size + 256 : size;
}

function walkBlocks(frame: Buffer, from: number): { end: number; least: number; most: number } {
  let at = from;
  let least = 0;
  let most = 0;
  for (let isLast = false; !isLast; ) {
    if (at + 3 > frame.length) throw corrupt('zstd', 'it is cut off');
    const header = frame.readUIntLE(at, 3);
    const size = header >> 3;
    const type = (header >> 1) & 3;
    if (type === 3 || size > BLOCK_BYTES_MAX) throw corrupt('zstd', 'a block breaks the format');
    isLast = (header & 1) === 1;
    at += 3 + (type === 1 ? 1 : size);
    if (at > frame.length) throw corrupt('zstd', 'a block is cut off');
    most += type === 2 ? BLOCK_BYTES_MAX : size;
    if (type !== 2) least += size;
  }
  return { end: at, least, most };
}
