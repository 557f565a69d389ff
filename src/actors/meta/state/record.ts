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

/** A record whose value is a part of the bytes that it came in: a view for each would cost more, to make and to collect, than most values do. */
export class HotRecord implements MetaRecord {
  readonly key: MetaKey;
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly valueBytes: number;
  readonly created: number;
  readonly modified: number;
  readonly version: number;
  readonly lease: number;

  /** In place of `before`, which may have been changed in the same revision: that is not counted again. */
  constructor(key: MetaKey, { bytes, start, length }: PutBytes, lease: number, revision: number, before: MetaRecord | undefined) {
    this.key = key;
    this.bytes = bytes;
    this.start = start;
    this.valueBytes = length;
    this.created = before === undefined ? revision : before.created;
    this.modified = revision;
    this.version = before === undefined ? 1 : before.version + (before.modified === revision ? 0 : 1);
    this.lease = lease;
  }

  get value(): Uint8Array {
    return this.bytes.subarray(this.start, this.start + this.valueBytes);
  }
}

/** Where a value lies. */
export interface PutBytes {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly length: number;
}

/** Its value is in memory. */
export function isHot(record: MetaRecord): boolean {
  return record instanceof HotRecord || record.value !== undefined;
}

/** The same with its value in the store alone. */
export function cooled({ key, valueBytes, created, modified, version, lease }: MetaRecord): MetaRecord {
  return { key, value: undefined, valueBytes, created, modified, version, lease };
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
