/**
 * The operations of a batch as one piece of memory: cheaper to make than an object and two arrays for each, and it goes to another thread without a copy.
 *
 *   op = u8 0 put         key, value
 *      | u8 1 delete      key
 *      | u8 2 deleteRange key start, key end            key, value = u32 length (big endian), bytes
 */
import { assert } from '../../base/assert.ts';
import type { KvOp } from './local-kv.ts';

export const PUT = 0;
export const DELETE = 1;
export const DELETE_RANGE = 2;

/** A store reads it during the call: the memory is the caller's again afterwards. */
export interface PackedOps {
  readonly bytes: Uint8Array;
  readonly count: number;
}

export function packOps(ops: readonly KvOp[]): PackedOps {
  const bytes = new Uint8Array(ops.reduce((sum, op) => sum + sizeOf(op), 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  const write = (part: Uint8Array): void => {
    view.setUint32(at, part.length);
    bytes.set(part, at + 4);
    at += 4 + part.length;
  };
  for (const op of ops) {
    bytes[at++] = op.type === 'put' ? PUT : op.type === 'delete' ? DELETE : DELETE_RANGE;
    write(op.type === 'deleteRange' ? op.start : op.key);
    if (op.type === 'put') write(op.value);
    else if (op.type === 'deleteRange') write(op.end);
  }
  return { bytes, count: ops.length };
}

/** Keys and values are views. */
export function unpackOps({ bytes, count }: PackedOps): KvOp[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 0;
  const read = (): Uint8Array => {
    const start = at + 4;
    at = start + view.getUint32(at);
    assert(at <= bytes.length, 'packed operations are whole');
    return bytes.subarray(start, at);
  };
  const ops: KvOp[] = [];
  for (let left = count; left > 0; left--) {
    const kind = bytes[at++];
    if (kind === PUT) ops.push({ type: 'put', key: read(), value: read() });
    else if (kind === DELETE) ops.push({ type: 'delete', key: read() });
    else ops.push({ type: 'deleteRange', start: read(), end: read() });
  }
  assert(at === bytes.length, 'packed operations end where they should');
  return ops;
}

/** For a store that keeps them. */
export function opsOf(ops: readonly KvOp[] | PackedOps): readonly KvOp[] {
  return 'bytes' in ops ? unpackOps({ bytes: Uint8Array.from(ops.bytes), count: ops.count }) : ops;
}

function sizeOf(op: KvOp): number {
  if (op.type === 'put') return 9 + op.key.length + op.value.length;
  return op.type === 'delete' ? 5 + op.key.length : 9 + op.start.length + op.end.length;
}
