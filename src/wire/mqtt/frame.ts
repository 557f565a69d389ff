import { readVarint, VARINT_INCOMPLETE, varintSize } from './varint.ts';

/**
 * Every packet is `[type · flags: 1 byte][remaining length: 1–4 bytes][remaining length bytes]`.
 *
 * Total length in bytes of the packet at buf[pos], 0 when more bytes are needed to know it, -1 when the remaining length is
 * malformed: a fifth byte, or a longer form than needed [MQTT-1.5.5-1] (3.1.1 gives each form its own range of values, table 2.4).
 * The packet may reach beyond `limit`; nothing else is checked.
 */
export function frameLength(buf: Uint8Array, pos: number, limit: number): number {
  const remaining = readVarint(buf, pos + 1, limit);
  if (remaining >= 0) return 1 + varintSize(remaining) + remaining;
  return remaining === VARINT_INCOMPLETE ? 0 : -1;
}

/** Offset of the first byte after the fixed header of the packet at buf[pos], whose remaining length is known to be well formed. */
export function bodyOffset(buf: Uint8Array, pos: number): number {
  if (buf[pos + 1]! < 0x80) return pos + 2;
  if (buf[pos + 2]! < 0x80) return pos + 3;
  return buf[pos + 3]! < 0x80 ? pos + 4 : pos + 5;
}
