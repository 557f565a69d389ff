/** Values that tell who wrote them, and whether they have come as they were written: a tag, again and again, up to a length that follows from it. */
import { mix32 } from '../../../src/base/prng.ts';

const MANY_BYTES = 4096;
/** One in so many is large. */
const LARGE_EVERY = 64;
const LARGE_BYTES = 100_000;

export function valueWith(tag: string): Buffer {
  let hash = 0;
  for (let i = 0; i < tag.length; i++) hash = mix32(hash ^ tag.charCodeAt(i));
  const length = tag.length + 1 + (hash % LARGE_EVERY === 0 ? LARGE_BYTES : (hash >>> 8) % MANY_BYTES);
  return Buffer.alloc(length, `${tag}|`);
}

/** Undefined: nobody has written it so. */
export function tagOf(value: Uint8Array): string | undefined {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.length);
  const end = bytes.indexOf('|');
  if (end < 0) return undefined;
  const tag = bytes.toString('latin1', 0, end);
  return valueWith(tag).equals(bytes) ? tag : undefined;
}
