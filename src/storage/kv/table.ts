/**
 * A part of a store under a prefix of its own, so that several owners share one store and one atomic batch. Keys go in and come out without the prefix. No prefix may begin with
 * another: give all of them the same length.
 */
import { assert } from '../../base/assert.ts';
import type { KvEntry, KvOp, KvRange, KvReader } from './local-kv.ts';

export class KvTable {
  readonly #prefix: Uint8Array;
  /** First key behind the table. */
  readonly #end: Uint8Array;

  constructor(prefix: Uint8Array) {
    assert(
      prefix.some((byte) => byte < 0xff),
      'a prefix has a key behind it',
    );
    this.#prefix = Uint8Array.from(prefix);
    this.#end = prefixEnd(prefix);
  }

  put(key: Uint8Array, value: Uint8Array): KvOp {
    return { type: 'put', key: this.key(key), value };
  }

  delete(key: Uint8Array): KvOp {
    return { type: 'delete', key: this.key(key) };
  }

  deleteRange(start: Uint8Array, end: Uint8Array): KvOp {
    return { type: 'deleteRange', start: this.key(start), end: this.key(end) };
  }

  deleteAll(): KvOp {
    return { type: 'deleteRange', start: this.#prefix, end: this.#end };
  }

  get(reader: KvReader, key: Uint8Array): Promise<Uint8Array | undefined> {
    return reader.get(this.key(key));
  }

  getMany(reader: KvReader, keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    return reader.getMany(keys.map((key) => this.key(key)));
  }

  async scan(reader: KvReader, range: KvRange = {}): Promise<KvEntry[]> {
    const { gte, gt, lte, lt, ...rest } = range;
    const entries = await reader.scan({
      ...rest,
      ...(gt === undefined ? { gte: this.key(gte ?? EMPTY) } : { gt: this.key(gt) }),
      ...(lte !== undefined ? { lte: this.key(lte) } : { lt: lt === undefined ? this.#end : this.key(lt) }),
    });
    return entries.map(({ key, value }) => ({ key: key.subarray(this.#prefix.length), value }));
  }

  /** The key in the store. */
  key(key: Uint8Array): Uint8Array {
    const full = new Uint8Array(this.#prefix.length + key.length);
    full.set(this.#prefix);
    full.set(key, this.#prefix.length);
    return full;
  }
}

const EMPTY = new Uint8Array(0);

/** First key behind all that begin with `prefix`. */
export function prefixEnd(prefix: Uint8Array): Uint8Array {
  let length = prefix.length;
  while (length > 0 && prefix[length - 1] === 0xff) length--;
  assert(length > 0, 'a prefix has a key behind it');
  const end = prefix.slice(0, length);
  end[length - 1]!++;
  return end;
}
