/** What a group knows of a key. A record never changes: a change puts another in its place, so whoever holds one holds what was. */

/** A key is a string of bytes, a character each (`latin1`): JavaScript compares such strings as bytes are compared. */
export type MetaKey = string;

export interface MetaRecord {
  readonly key: MetaKey;
  /** Undefined: it lies in the store alone (`valueBytes` of it). */
  readonly value: Uint8Array | undefined;
  readonly valueBytes: number;
  /** Revision in which the key came into being, and in which it was last changed. */
  readonly created: number;
  readonly modified: number;
  /** Counts the changes since it came into being, from 1. */
  readonly version: number;
  /** 0: none. */
  readonly lease: number;
}

/** What a record costs beside its bytes, about: the tree's share, the object, the view of the value. */
const RECORD_OVERHEAD_BYTES = 200;

export function recordBytes(keyLength: number, valueBytes: number): number {
  return RECORD_OVERHEAD_BYTES + keyLength + valueBytes;
}

export function keyOf(text: string): MetaKey {
  return Buffer.from(text, 'utf8').toString('latin1');
}

export function textOf(key: MetaKey): string {
  return Buffer.from(key, 'latin1').toString('utf8');
}

/** First key behind all that begin with `prefix`; empty: there is none. */
export function endOfPrefix(prefix: MetaKey): MetaKey {
  let length = prefix.length;
  while (length > 0 && prefix.charCodeAt(length - 1) === 0xff) length--;
  if (length === 0) return '';
  return prefix.slice(0, length - 1) + String.fromCharCode(prefix.charCodeAt(length - 1) + 1);
}
