/**
 * Snappy as Kafka clients write it: most in the framing of the Java library (xerial), some as one raw block. We write the framing, which all of them read.
 * Each block says its size first, so the whole size is known before anything is decompressed.
 *
 *   0x82 "SNAPPY" 0 │ version i32 │ compatible i32 │ { length i32 │ raw block } …          raw block: size varint │ elements
 */
import { createRequire } from 'node:module';
import { readU32, write32 } from '../big-endian.ts';
import { type Codec, corrupt, guarded, tooLarge } from './codec.ts';

const MAGIC = Uint8Array.of(0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00);
const FRAMING_BYTES = 16;
/** What the Java library writes, and what its buffers expect. */
const BLOCK_BYTES = 32 * 1024;

interface SnappyLibrary {
  compressSync(bytes: Uint8Array): Buffer;
  uncompressSync(bytes: Uint8Array, options: { asBuffer: true }): Buffer;
}

export function loadSnappy(): Codec {
  const require = createRequire(import.meta.url);
  const library = require('snappy') as SnappyLibrary;
  return {
    id: 2,
    name: 'snappy',
    compress: (bytes) => compress(library, bytes),
    decompress: (bytes, bytesMax) => decompress(library, bytes, bytesMax),
  };
}

function compress(library: SnappyLibrary, bytes: Uint8Array): Uint8Array {
  const chunks: Uint8Array[] = [Buffer.from(MAGIC), Buffer.from([0, 0, 0, 1, 0, 0, 0, 1])];
  for (let at = 0; at < bytes.length; at += BLOCK_BYTES) {
    const block = library.compressSync(bytes.subarray(at, at + BLOCK_BYTES));
    const length = Buffer.allocUnsafe(4);
    write32(length, 0, block.length);
    chunks.push(length, block);
  }
  return Buffer.concat(chunks);
}

function decompress(library: SnappyLibrary, bytes: Uint8Array, bytesMax: number): Uint8Array {
  const blocks = blocksOf(bytes);
  let total = 0;
  for (const block of blocks) total += sizeOf(block);
  if (total > bytesMax) throw tooLarge('snappy', total, bytesMax);
  const parts = blocks.map((block) => guarded('snappy', () => library.uncompressSync(block, { asBuffer: true })));
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts, total);
}

function blocksOf(bytes: Uint8Array): Uint8Array[] {
  if (!MAGIC.every((byte, i) => bytes[i] === byte)) return [bytes];
  if (bytes.length < FRAMING_BYTES) throw corrupt('snappy', 'its framing is cut off');
  const blocks: Uint8Array[] = [];
  for (let at = FRAMING_BYTES; at < bytes.length; ) {
    const end = at + 4 <= bytes.length ? at + 4 + readU32(bytes, at) : Number.POSITIVE_INFINITY;
    if (end > bytes.length) throw corrupt('snappy', 'a block is cut off');
    blocks.push(bytes.subarray(at + 4, end));
    at = end;
  }
  return blocks;
}

/** What a raw block says that it holds: a plain varint of 32 bits. */
function sizeOf(block: Uint8Array): number {
  let size = 0;
  for (let i = 0; i < 5 && i < block.length; i++) {
    size += (block[i]! & 0x7f) * 2 ** (7 * i);
    if (block[i]! < 0x80) return size;
  }
  throw corrupt('snappy', 'a block does not say its size');
}
