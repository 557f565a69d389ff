/** What the process to be killed writes, and what must be found. */
import type { KvOp } from '../../../src/storage/kv/local-kv.ts';

const VALUE_BYTES = 40_000;

export function pairKeys(number: number): [Uint8Array, Uint8Array] {
  const digits = String(number).padStart(12, '0');
  return [Buffer.from(`left${digits}`), Buffer.from(`right${digits}`)];
}

export function pairOps(number: number): KvOp[] {
  const value = Buffer.alloc(VALUE_BYTES, number % 251);
  return pairKeys(number).map((key) => ({ type: 'put', key, value }));
}

export function isPairValue(number: number, value: Uint8Array): boolean {
  return Buffer.alloc(VALUE_BYTES, number % 251).equals(value);
}
