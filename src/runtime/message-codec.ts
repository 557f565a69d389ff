/**
 * Messages as bytes between threads: msgpackr over plain data (objects, arrays, strings, numbers, Uint8Array). Every
 * message stands for itself: no shared structures, so a refused or lost record does not disturb the next one.
 * `undefined` survives; class instances arrive as plain objects, and a key `__proto__` as `__proto_` (msgpackr's guard
 * against prototype pollution).
 *
 * A record is copied out of the ring before it is decoded: msgpackr's native string reader does not take shared memory
 * (it throws and falls back, 80 times slower). The pure JavaScript entries are imported for the same reason; on short
 * messages they are also the faster ones.
 */

import { Packr, REUSE_BUFFER_MODE } from 'msgpackr/pack';
import { Unpackr } from 'msgpackr/unpack';
import { cloneBytes } from '../base/bytes.ts';

const OPTIONS = { useRecords: false, moreTypes: true, encodeUndefinedAsNil: false, copyBuffers: true } as const;
const SCRATCH_BYTES = 65_536;

const packr = new Packr(OPTIONS);
const unpackr = new Unpackr(OPTIONS);
const scratch = new Uint8Array(SCRATCH_BYTES);

/** `bytes[start, end)` is msgpackr's own buffer: it is valid until the next call. */
export interface Encoded {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

const encoded: { bytes: Uint8Array; start: number; end: number } = { bytes: scratch, start: 0, end: 0 };

export function encodeMessage(message: unknown): Encoded {
  const target = packr.pack(message, REUSE_BUFFER_MODE) as Buffer & { start: number; end: number };
  encoded.bytes = target;
  encoded.start = target.start;
  encoded.end = target.end;
  return encoded;
}

/** Keeps nothing of `bytes`, which may be shared memory and reused afterwards. */
export function decodeMessage(bytes: Uint8Array, start: number, end: number): unknown {
  const length = end - start;
  if (length > SCRATCH_BYTES) return unpackr.unpack(cloneBytes(bytes, start, end));
  for (let i = 0; i < length; i++) scratch[i] = bytes[start + i]!;
  return unpackr.unpack(scratch, { start: 0, end: length });
}
