/**
 * Integers of record batches and keys: big endian, as Kafka writes them. 64-bit ones are Numbers: offsets and timestamps stay below 2^53, and whoever
 * reads a foreign one checks `isSafe64` first. Free functions over plain byte arrays, because a view object per batch would be the batch's largest cost.
 */

export function readU16(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}

export function writeU16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value;
}

export function readI32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
}

export function readU32(bytes: Uint8Array, at: number): number {
  return readI32(bytes, at) >>> 0;
}

/** Signed and unsigned alike: the low 32 bits of `value`. */
export function write32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

/** Exact when `isSafe64`, rounded otherwise. */
export function readI64(bytes: Uint8Array, at: number): number {
  return readI32(bytes, at) * 2 ** 32 + readU32(bytes, at + 4);
}

/** A safe integer, negative ones in two's complement. */
export function writeI64(bytes: Uint8Array, at: number, value: number): void {
  write32(bytes, at, Math.floor(value / 2 ** 32));
  write32(bytes, at + 4, value >>> 0);
}

/** Whether the eight bytes hold a number that JavaScript can hold exactly. */
export function isSafe64(bytes: Uint8Array, at: number): boolean {
  return Number.isSafeInteger(readI64(bytes, at));
}
