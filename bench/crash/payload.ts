/** Payloads that prove themselves: number and size in front, then bytes that follow from the number. */
const HEAD_BYTES = 8;

export function payloadOf(number: number, bytes: number): Buffer {
  const payload = Buffer.allocUnsafe(Math.max(HEAD_BYTES, bytes));
  payload.writeUInt32BE(number, 0);
  payload.writeUInt32BE(payload.length, 4);
  for (let i = HEAD_BYTES; i < payload.length; i++) payload[i] = filler(number, i);
  return payload;
}

/** The number of the message; undefined when the bytes are not what was sent. */
export function numberIn(bytes: Uint8Array, start: number, end: number): number | undefined {
  if (end - start < HEAD_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, HEAD_BYTES);
  const number = view.getUint32(0);
  if (view.getUint32(4) !== end - start) return undefined;
  for (let i = HEAD_BYTES; i < end - start; i++) if (bytes[start + i] !== filler(number, i)) return undefined;
  return number;
}

function filler(number: number, at: number): number {
  return (number * 31 + at * 7) & 0xff;
}
