/** The metadata in the node's local store of keys and values. */

import type { MetadataStore } from '../actors/metadata/actor.ts';
import type { MetadataPage, MetadataValues, WriteMetadata } from '../actors/metadata/messages.ts';
import type { KvOp, LocalKv } from '../storage/kv/local-kv.ts';

export class KvMetadata implements MetadataStore {
  readonly #kv: LocalKv;

  constructor(kv: LocalKv) {
    this.#kv = kv;
  }

  write(puts: WriteMetadata['puts'], deletes: WriteMetadata['deletes'], sync: boolean, then: (error?: Error) => void): void {
    const ops: KvOp[] = puts.map(([key, value]) => ({ type: 'put', key: bytesOf(key), value }));
    for (const key of deletes) ops.push({ type: 'delete', key: bytesOf(key) });
    settle(this.#kv.batch(ops, { sync }), undefined, then);
  }

  read(keys: readonly string[], then: (error: Error | undefined, values: MetadataValues['values']) => void): void {
    const values = this.#kv.getMany(keys.map(bytesOf)).then((found) => found.map((value) => value ?? null));
    settle(values, [], then);
  }

  scan(
    prefix: string,
    after: string | undefined,
    limit: number,
    then: (error: Error | undefined, entries: MetadataPage['entries']) => void,
  ): void {
    const from = after === undefined ? { gte: bytesOf(prefix) } : { gt: bytesOf(after) };
    const page = this.#kv.scan({ ...from, lt: endOf(prefix), limit });
    const entries = page.then((found) => found.map(({ key, value }) => [Buffer.from(key).toString('utf8'), value] as const));
    settle(entries, [], then);
  }
}

function bytesOf(key: string): Uint8Array {
  return Buffer.from(key, 'utf8');
}

/** The first key behind all that begin with `prefix`, whose last byte is not 0xff. */
function endOf(prefix: string): Uint8Array {
  const end = Buffer.from(prefix, 'utf8');
  end[end.length - 1]!++;
  return end;
}

/** Out of the promise's turn, so that what the continuation throws is not swallowed as a rejection. */
function settle<T>(promise: Promise<T>, nothing: T, then: (error: Error | undefined, value: T) => void): void {
  promise.then(
    (value) => setImmediate(then, undefined, value),
    (error: unknown) => setImmediate(then, error instanceof Error ? error : new Error(String(error)), nothing),
  );
}
