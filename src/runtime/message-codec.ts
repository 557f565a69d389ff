/**
 * Messages as bytes between threads: msgpackr over plain data (objects, arrays, strings, numbers, Uint8Array). Every
 * message stands for itself: no shared structures, so a refused or lost record does not disturb the next one.
 * `undefined` survives; class instances arrive as plain objects.
 */
import { Packr, REUSE_BUFFER_MODE, Unpackr } from 'msgpackr';

const OPTIONS = { useRecords: false, moreTypes: true, encodeUndefinedAsNil: false, copyBuffers: true } as const;
const packr = new Packr(OPTIONS);
const unpackr = new Unpackr(OPTIONS);

/** `bytes[start, end)` is msgpackr's own buffer: it is valid until the next call. */
export interface Encoded {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

const encoded: { bytes: Uint8Array; start: number; end: number } = { bytes: new Uint8Array(0), start: 0, end: 0 };

export function encodeMessage(message: unknown): Encoded {
  const target = packr.pack(message, REUSE_BUFFER_MODE) as Buffer & { start: number; end: number };
  encoded.bytes = target;
  encoded.start = target.start;
  encoded.end = target.end;
  return encoded;
}

/** Copies what it keeps: the bytes may be reused afterwards. Works on shared memory. */
export function decodeMessage(bytes: Uint8Array, start: number, end: number): unknown {
  return unpackr.unpack(bytes, { start, end });
}
