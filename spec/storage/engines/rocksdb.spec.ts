import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SluiceError } from '../../../src/base/errors.ts';
import { RECORD_BATCH_BYTES_MAX, ROCKSDB_DELETES_SINGLE_MAX } from '../../../src/base/limits.ts';
import type { Engine } from '../../../src/storage/engine.ts';
import { RocksEngine } from '../../../src/storage/engines/rocksdb.ts';
import type { KvOp, LocalKv } from '../../../src/storage/kv/local-kv.ts';
import { MemoryKv } from '../../../src/storage/kv/memory-kv.ts';
import { RocksKv } from '../../../src/storage/kv/rocksdb-kv.ts';
import { engineSuite, Opened } from '../engine-suite.ts';

/** A store of which writes can be made to fail. */
class Breakable implements LocalKv {
  isBroken = false;
  readonly #kv: LocalKv;

  constructor(kv: LocalKv) {
    this.#kv = kv;
  }
  batch(ops: readonly KvOp[], options: { readonly sync: boolean }): Promise<void> {
    if (this.isBroken) return Promise.reject(new SluiceError('SLUICE_STORAGE_FAILED', 'broken by the spec'));
    return this.#kv.batch(ops, options);
  }
  get: LocalKv['get'] = (key) => this.#kv.get(key);
  getMany: LocalKv['getMany'] = (keys) => this.#kv.getMany(keys);
  scan: LocalKv['scan'] = (range) => this.#kv.scan(range);
  snapshot: LocalKv['snapshot'] = () => this.#kv.snapshot();
  checkpoint: LocalKv['checkpoint'] = (directory) => this.#kv.checkpoint(directory);
  close: LocalKv['close'] = () => this.#kv.close();
}

const stores = new WeakMap<Engine, Breakable>();
const over = async (inner: LocalKv): Promise<Engine> => {
  const kv = new Breakable(inner);
  const engine = await RocksEngine.open(kv);
  stores.set(engine, kv);
  return engine;
};
const breakDisk = (engine: Engine): void => {
  stores.get(engine)!.isBroken = true;
};

engineSuite('rocksdb', {
  open: async (directory) => over(await RocksKv.open(join(directory, 'kv'))),
  breakDisk,
  batchBytesMax: 0,
  histories: 8,
}).run();

// The same over the store in memory, which is as good as a disk as long as somebody keeps it: many more histories in the same time.
class Kept extends MemoryKv {
  override async close(): Promise<void> {}
}
const kept = new Map<string, Kept>();
engineSuite('rocksdb over memory', {
  open: (directory) => {
    const kv = kept.get(directory) ?? new Kept();
    kept.set(directory, kv);
    return over(kv);
  },
  leave: (from, to) => {
    kept.set(to, kept.get(from)!);
  },
  breakDisk,
  batchBytesMax: 0,
  histories: 80,
}).run();

const test = suite('rocksdb engine, alone');

const rowsOf = async (kv: LocalKv): Promise<number[]> => {
  const kinds = [0, 0, 0, 0];
  for (const { key } of await kv.scan({ keysOnly: true })) kinds[key[0]!]!++;
  return kinds.slice(1);
};

test('what is trimmed and dropped leaves the store', async () => {
  const kv = new MemoryKv();
  const it = await new Opened({ open: () => RocksEngine.open(kv), batchBytesMax: 0, histories: 0 }).open();
  it.engine.create(1);
  it.engine.create(2);
  const many = 3 * ROCKSDB_DELETES_SINGLE_MAX;
  for (let i = 0; i < many; i++) {
    it.append(1, ['a', 'b'], i);
    it.append(2, ['a', 'b'], 5);
  }
  await it.commit();
  assert.equal(await rowsOf(kv), [2 * many, many + 1, 2]);
  const settled = async (expected: number[]): Promise<void> => {
    // Deletions follow the commit in the background.
    for (let i = 0; i < 1000 && `${await rowsOf(kv)}` !== `${expected}`; i++)
      await new Promise((resolve) => setImmediate(resolve));
    assert.equal(await rowsOf(kv), expected);
  };
  it.engine.trim(1, 7);
  it.engine.trim(2, 2 * many - 3);
  await it.commit();
  await settled([many - 3 + 2, many - 3 + 1, 2]);
  assert.equal((await it.all(1)).slice(0, 2), ['6 a', '7 b']);
  assert.is((await it.all(2)).length, 4);
  it.engine.trim(1, 2 * many);
  await it.commit();
  await settled([2, 1 + 1, 2]);
  it.engine.drop(1);
  it.engine.drop(2);
  await it.commit();
  await settled([0, 0, 0]);
  await it.end();
});

test('a state that cannot be read is told when the engine opens', async () => {
  const kv = new MemoryKv();
  await kv.batch([{ type: 'put', key: Uint8Array.of(3, 0, 0, 0, 0, 0, 0, 0, 1), value: Uint8Array.of(1) }], { sync: false });
  const error = await RocksEngine.open(kv).catch((one: unknown) => one);
  assert.is((error as SluiceError).code, 'SLUICE_STORAGE_CORRUPT');
});

test('a batch that is missing is told to its reader', async () => {
  const kv = new MemoryKv();
  const it = await new Opened({ open: () => RocksEngine.open(kv), batchBytesMax: 0, histories: 0 }).open();
  it.engine.create(1);
  for (const text of ['a', 'b', 'c']) it.append(1, [text]);
  await it.commit();
  await kv.batch([{ type: 'delete', key: Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1) }], { sync: false });
  const error = await it.read(1, 1).catch((one: unknown) => one);
  assert.is((error as SluiceError).code, 'SLUICE_STORAGE_CORRUPT');
  await it.end();
});

test('bounds what is staged', async () => {
  const it = await new Opened({ open: () => RocksEngine.open(new MemoryKv()), batchBytesMax: 0, histories: 0 }).open();
  it.engine.create(1);
  const batch = Buffer.alloc(RECORD_BATCH_BYTES_MAX + 1);
  const error = ((): unknown => {
    try {
      return it.engine.append(1, -1, batch, 0, batch.length);
    } catch (one) {
      return one;
    }
  })();
  assert.is((error as SluiceError).code, 'SLUICE_STORAGE_BATCH_TOO_LARGE');
  await it.end();
});

test.run();
