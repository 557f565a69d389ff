/**
 * Zigzag varints of records, as Protocol Buffers define them: 7 bits a byte, low bits first, signs folded into bit 0. Lengths and deltas are nearly always
 * one or two bytes, so these come first. Values up to 32 bits go by integer arithmetic; larger ones, which only timestamps reach, by division.
 */

const I32_BYTES_MAX = 5;
const I64_BYTES_MAX = 10;

/** Bytes of `value`, any safe integer. */
export function varintBytes(value: number): number {
  if (value >= -64 && value < 64) return 1;
  if (value >= -8192 && value < 8192) return 2;
  let rest = value < 0 ? -2 * value - 1 : 2 * value;
  let bytes = 1;
  for (; rest >= 0x80; bytes++) rest = Math.floor(rest / 0x80);
  return bytes;
}

/** Writes any safe integer and returns the position after it. */
export function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  if (value >= -64 && value < 64) {
    bytes[at] = (value << 1) ^ (value >> 31);
    return at + 1;
  }
  if (value >= -8192 && value < 8192) {
    const folded = (value << 1) ^ (value >> 31);
    bytes[at] = folded | 0x80;
    bytes[at + 1] = folded >>> 7;
    return at + 2;
  }
  // Bits are cut off by division, since shifts see 32 only; folding a safe integer loses none: 2 * value is even, and so is -2 * value.
  let high = value < 0 ? Math.floor((-value - 1) / 64) : Math.floor(value / 64);
  let low = value < 0 ? ((-value - 1) % 64) * 2 + 1 : (value % 64) * 2;
  let out = at;
  while (high > 0) {
    bytes[out++] = low | 0x80;
    low = high % 0x80;
    high = Math.floor(high / 0x80);
  }
  bytes[out++] = low;
  return out;
}

/** Reads one varint after another; a number that is cut off, too long or not safe sets `failed` and reads as 0. */
export class VarintReader {
  at = 0;
  failed = false;

  /** A 32-bit value before `end`. */
  readI32(bytes: Uint8Array, end: number): number {
    const first = this.at < end ? bytes[this.at]! : 0x80;
    if (first < 0x80) {
      this.at++;
      return (first >>> 1) ^ -(first & 1);
    }
    return this.#readLongI32(bytes, end);
  }

  #readLongI32(bytes: Uint8Array, end: number): number {
    let folded = 0;
    for (let i = 0; i < I32_BYTES_MAX && this.at < end; i++) {
      const byte = bytes[this.at++]!;
      // Of the fifth byte, four bits are left.
      if (i === I32_BYTES_MAX - 1 && byte > 0x0f) break;
      folded |= (byte & 0x7f) << (7 * i);
      if (byte < 0x80) return (folded >>> 1) ^ -(folded & 1);
    }
    this.failed = true;
    return 0;
  }

  /** A 64-bit value before `end`. */
  readI64(bytes: Uint8Array, end: number): number {
    const first = this.at < end ? bytes[this.at]! : 0x80;
    if (first < 0x80) {
      this.at++;
      return (first >>> 1) ^ -(first & 1);
    }
    return this.#readLongI64(bytes, end);
  }

  #readLongI64(bytes: Uint8Array, end: number): number {
    let value = 0;
    let scale = 64;
    let sign = 0;
    for (let i = 0; i < I64_BYTES_MAX && this.at < end; i++) {
      const byte = bytes[this.at++]!;
      if (i === 0) {
        sign = byte & 1;
        value = (byte & 0x7f) >>> 1;
      } else {
        value += (byte & 0x7f) * scale;
        scale *= 0x80;
      }
      if (byte >= 0x80) continue;
      const result = sign === 0 ? value : -value - 1;
      if (!Number.isSafeInteger(result)) break;
      return result;
    }
    this.failed = true;
    return 0;
  }
}
