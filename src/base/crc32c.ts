/**
 * CRC32C (Castagnoli, RFC 3720 appendix B.4): reflected polynomial 0x82f63b78, initial value and final xor all ones.
 * Short input goes through tables, eight bytes a step; long input to the native module, which uses the CPU's own
 * instruction. A call into native code costs as much as the tables need for about 256 bytes (measured: 180 ns; at 64 KiB
 * the native way is 4.5 times faster). Without the native module the tables do everything: same results, more time.
 */
import { createRequire } from 'node:module';

const POLYNOMIAL = 0x82f63b78;
const NATIVE_BYTES_MIN = 256;
const STEP = 8;

const TABLES = buildTables();
const native = loadNative();

type NativeCrc = (input: Uint8Array, before: number) => number;

/** Of `bytes[start, end)`, as a u32. `before` is the checksum of what precedes them when they are a continuation. */
export function crc32c(bytes: Uint8Array, start = 0, end: number = bytes.length, before = 0): number {
  if (end - start < NATIVE_BYTES_MIN || native === undefined) return crc32cByTables(bytes, start, end, before);
  return native(bytes.subarray(start, end), before);
}

/** The way without native code, for any length. */
export function crc32cByTables(bytes: Uint8Array, start: number, end: number, before = 0): number {
  const tables = TABLES;
  let crc = ~before;
  let at = start;
  for (const lastStep = end - STEP; at <= lastStep; at += STEP) {
    crc ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    crc =
      tables[1792 + (crc & 255)]! ^
      tables[1536 + ((crc >>> 8) & 255)]! ^
      tables[1280 + ((crc >>> 16) & 255)]! ^
      tables[1024 + (crc >>> 24)]! ^
      tables[768 + bytes[at + 4]!]! ^
      tables[512 + bytes[at + 5]!]! ^
      tables[256 + bytes[at + 6]!]! ^
      tables[bytes[at + 7]!]!;
  }
  while (at < end) crc = (crc >>> 8) ^ tables[(crc ^ bytes[at++]!) & 255]!;
  return ~crc >>> 0;
}

/** Table k, at k * 256, is the effect of a byte that k further bytes follow. */
function buildTables(): Int32Array {
  const tables = new Int32Array(256 * STEP);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
    tables[byte] = crc;
  }
  for (let i = 256; i < tables.length; i++) {
    const shorter = tables[i - 256]!;
    tables[i] = (shorter >>> 8) ^ tables[shorter & 255]!;
  }
  return tables;
}

/** Undefined where the platform's package is not installed. */
function loadNative(): NativeCrc | undefined {
  try {
    const require = createRequire(import.meta.url);
    return (require('@node-rs/crc32') as { crc32c: NativeCrc }).crc32c;
  } catch {
    return undefined;
  }
}
