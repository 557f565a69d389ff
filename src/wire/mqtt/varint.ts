/**
 * Variable Byte Integer (section 1.5.5): seven bits a byte, least significant group first, bit 7 set when a byte follows,
 * at most four bytes. Since only the shortest form is valid [MQTT-1.5.5-1], the value alone tells how many bytes it took.
 */

/** The bytes at hand end inside the integer. */
export const VARINT_INCOMPLETE = -1;
/** A fifth byte, or a longer form than needed. */
export const VARINT_MALFORMED = -2;

/** Value at buf[pos], or VARINT_INCOMPLETE or VARINT_MALFORMED. Reads nothing at or past `limit`. */
export function readVarint(buf: Uint8Array, pos: number, limit: number): number {
  if (pos >= limit) return VARINT_INCOMPLETE;
  let byte = buf[pos]!;
  if (byte < 0x80) return byte;
  let value = byte & 0x7f;
  for (let i = 1; i < 4; i++) {
    if (pos + i >= limit) return VARINT_INCOMPLETE;
    byte = buf[pos + i]!;
    value |= (byte & 0x7f) << (7 * i);
    // A last byte of zero adds nothing: the form was not the shortest.
    if (byte < 0x80) return byte === 0 ? VARINT_MALFORMED : value;
  }
  return VARINT_MALFORMED;
}

/** Bytes that `value` takes, 1 to 4. */
export function varintSize(value: number): number {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x20_0000 ? 3 : 4;
}

/** Writes `value` (0 to VARINT_MAX) and returns the position after it. */
export function writeVarint(out: Uint8Array, pos: number, value: number): number {
  while (value >= 0x80) {
    out[pos++] = (value & 0x7f) | 0x80;
    value >>>= 7;
  }
  out[pos++] = value;
  return pos;
}
