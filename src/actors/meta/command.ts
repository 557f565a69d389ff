/** What a group of the metadata can be told to do. Each command is one entry of the log's story: all of it happens, in one revision, or nothing. */
import type { MetaKey, MetaRecord, PutBytes } from './state/record.ts';

export interface Put {
  readonly key: MetaKey;
  readonly value: Uint8Array;
  /** 0: none; a lease that is not there refuses the whole command. */
  readonly lease: number;
}

/** A put, or a claim, as it is read from the bytes of a command, which it belongs to: of its value there is a view only if somebody wants one. */
export class PutInPlace implements Put {
  readonly key: MetaKey;
  readonly lease: number;
  readonly expected: number;
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly length: number;

  constructor(key: MetaKey, lease: number, expected: number, bytes: Uint8Array, start: number, length: number) {
    this.key = key;
    this.lease = lease;
    this.expected = expected;
    this.bytes = bytes;
    this.start = start;
    this.length = length;
  }

  get value(): Uint8Array {
    return this.bytes.subarray(this.start, this.start + this.length);
  }
}

/** Undefined: a claim that deletes. */
export function bytesOfPut(put: Put | Claim): PutBytes | undefined {
  if (put instanceof PutInPlace) return put;
  const { value } = put;
  return value && { bytes: value, start: 0, length: value.length };
}

/** The key may be in any state. */
export const ANY = -1;
/** The key must not be there. */
export const ABSENT = 0;

/** One of many that do not depend on each other. */
export interface Claim {
  readonly key: MetaKey;
  /** The revision that last changed the key, or `ANY`, or `ABSENT`. */
  readonly expected: number;
  /** Undefined: the key is deleted. */
  readonly value: Uint8Array | undefined;
  readonly lease: number;
}

export type CompareTarget = 'created' | 'modified' | 'version' | 'lease' | 'value';
export type CompareRelation = '=' | '!=' | '<' | '>';

/** A key that is not there has 0 in all numbers, and no value: that is less than any. */
export interface Compare {
  readonly key: MetaKey;
  readonly target: CompareTarget;
  readonly relation: CompareRelation;
  /** Bytes for `value`, else a number. */
  readonly operand: number | Uint8Array;
}

export type TxnOp =
  | { readonly type: 'put'; readonly put: Put }
  | { readonly type: 'delete'; readonly key: MetaKey }
  /** From `from` to before `to`; an empty `to` is the end. */
  | { readonly type: 'deleteRange'; readonly from: MetaKey; readonly to: MetaKey }
  | { readonly type: 'get'; readonly key: MetaKey }
  | { readonly type: 'range'; readonly from: MetaKey; readonly to: MetaKey; readonly limit: number };

export type MetaCommand =
  /** First the deletions. */
  | { readonly type: 'write'; readonly puts: readonly Put[]; readonly deletes: readonly MetaKey[] }
  /** `wantsBefore`: the answer has what was there before, of what was done and of what was refused. */
  | { readonly type: 'claim'; readonly claims: readonly Claim[]; readonly wantsBefore: boolean }
  | {
      readonly type: 'txn';
      readonly compares: readonly Compare[];
      readonly success: readonly TxnOp[];
      readonly failure: readonly TxnOp[];
    }
  /** `id` 0: the group chooses. */
  | { readonly type: 'grant'; readonly id: number; readonly ttlMs: number }
  | { readonly type: 'revoke'; readonly ids: readonly number[] }
  /** The leader's: leases that nobody renewed in time. Void in an entry of another term, and for a lease of another grant. */
  | {
      readonly type: 'expire';
      readonly term: number;
      readonly leases: readonly { readonly id: number; readonly grant: number }[];
    };

export type MetaRefusal =
  /** Not of this version, or damaged. */
  | 'malformed'
  | 'too_large'
  /** The group holds as much as it may; deletions are welcome. */
  | 'full'
  | 'no_such_lease'
  | 'lease_exists'
  | 'too_many_leases'
  | 'bad_ttl';

export interface ClaimResult {
  readonly isDone: boolean;
  /** What last changed the key, now: this revision when done. 0: the key is not there. */
  readonly modified: number;
  readonly before: MetaRecord | undefined;
}

export type TxnResult =
  | { readonly type: 'put' }
  | { readonly type: 'deleted'; readonly count: number }
  | { readonly type: 'records'; readonly records: readonly MetaRecord[]; readonly isMore: boolean };

/** `revision` is the group's after the command; one that has changed nothing leaves it as it was. */
export type MetaReply =
  | { readonly type: 'refused'; readonly reason: MetaRefusal }
  | { readonly type: 'written'; readonly revision: number; readonly deleted: number }
  | { readonly type: 'claimed'; readonly revision: number; readonly results: readonly ClaimResult[] }
  | { readonly type: 'txn'; readonly revision: number; readonly isSuccess: boolean; readonly results: readonly TxnResult[] }
  | { readonly type: 'granted'; readonly id: number; readonly ttlMs: number }
  /** `ended`: leases; `deleted`: keys. */
  | { readonly type: 'ended'; readonly revision: number; readonly ended: number; readonly deleted: number };
