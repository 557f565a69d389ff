import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RocksKv } from '../../../src/storage/kv/rocksdb-kv.ts';
import { type WalFiles, WalSyncer } from '../../../src/storage/kv/wal-syncer.ts';

const test = suite('sync of the write-ahead log');

/** A file system that notes what is asked of it. */
class Recorder implements WalFiles {
  calls: string[] = [];
  readonly missing = new Set<string>();
  fails = false;
  readonly #names: string[] = [];

  async open(path: string): Promise<number> {
    const name = path.split('/').at(-1)!;
    if (this.missing.has(name)) throw Object.assign(new Error('gone'), { code: 'ENOENT' });
    return this.#names.push(name) - 1;
  }
  async close(file: number): Promise<void> {
    this.calls.push(`close ${this.#names[file]}`);
  }
  async syncData(file: number): Promise<void> {
    if (this.fails) throw Object.assign(new Error('EIO: i/o error, fdatasync'), { code: 'EIO' });
    this.calls.push(`data ${this.#names[file]}`);
  }
  async syncAll(file: number): Promise<void> {
    this.calls.push(`all ${this.#names[file]}`);
  }
  take(): string[] {
    const { calls } = this;
    this.calls = [];
    return calls;
  }
}

test('follows the log from file to file and leaves none out', async () => {
  const files = new Recorder();
  const log = { number: 7 };
  const syncer = new WalSyncer({ currentWalFile: async () => ({ ...log }) }, '/store', files);
  await syncer.begin();
  await syncer.sync();
  assert.equal(files.take(), ['data 000007.log', 'all store', 'close store'], 'the first file, and its name');
  await syncer.sync();
  await syncer.sync();
  assert.equal(files.take(), ['data 000007.log', 'data 000007.log'], 'one sync while the file is the same');
  log.number = 8;
  await syncer.sync();
  assert.equal(
    files.take(),
    ['data 000007.log', 'data 000007.log', 'data 000008.log', 'close 000007.log', 'all store', 'close store'],
    'the former file again, since it may have got more while it was synced',
  );
  log.number = 12;
  files.missing.add('000010.log').add('000009.log');
  await syncer.sync();
  assert.equal(
    files.take(),
    [
      'data 000008.log',
      'data 000008.log',
      'data 000011.log',
      'close 000008.log',
      'data 000012.log',
      'close 000011.log',
      'all store',
      'close store',
    ],
    'every file between that is still there',
  );
  await syncer.close();
  assert.equal(files.take(), ['close 000012.log']);
});

test('covers files that were left before the first sync', async () => {
  const files = new Recorder();
  const log = { number: 4 };
  const syncer = new WalSyncer({ currentWalFile: async () => ({ ...log }) }, '/store', files);
  await syncer.begin();
  log.number = 6;
  await syncer.sync();
  assert.equal(
    files.take().filter((call) => call.startsWith('data')),
    ['data 000004.log', 'data 000005.log', 'data 000006.log'],
  );
});

const inDirectory = (what: string, body: (directory: string) => Promise<void>): void => {
  test(what, async () => {
    const directory = mkdtempSync(join(tmpdir(), 'sluice-kv-'));
    await body(directory);
    rmSync(directory, { recursive: true });
  });
};
const put = (text: string) => [{ type: 'put' as const, key: Buffer.from(text), value: Buffer.from(text) }];

inDirectory('a store syncs before it acknowledges, once for all that wait, and not when nobody asks', async (directory) => {
  const files = new Recorder();
  const kv = await RocksKv.open(directory, files);
  await kv.batch(put('a'), { sync: false });
  assert.equal(files.take(), []);
  await kv.batch(put('b'), { sync: true });
  const [first] = files.take();
  assert.match(first!, /^data \d{6}\.log$/);
  await Promise.all(Array.from({ length: 100 }, (_, i) => kv.batch(put(`${i}`), { sync: true })));
  assert.equal(files.take(), [first]);
  for (let i = 0; i < 5; i++) await kv.batch(put(`${i}`), { sync: true });
  assert.equal(files.take(), [first, first, first, first, first]);
  await kv.close();
});

inDirectory('a sync that fails is the last: nothing is written or synced after it', async (directory) => {
  const files = new Recorder();
  const kv = await RocksKv.open(directory, files);
  await kv.batch(put('a'), { sync: true });
  files.take();
  files.fails = true;
  const codes = [kv.batch(put('b'), { sync: true }), kv.batch(put('c'), { sync: false })].map((batch) =>
    batch.then(
      () => 'done',
      (error: unknown) => (error as { code?: string }).code,
    ),
  );
  assert.equal(await Promise.all(codes), ['SLUICE_STORAGE_FAILED', 'SLUICE_STORAGE_FAILED']);
  files.fails = false;
  const after = await kv.batch(put('d'), { sync: true }).catch((error: unknown) => error);
  assert.is((after as { code?: string }).code, 'SLUICE_STORAGE_FAILED');
  assert.equal(files.take(), [], 'the page cache may have dropped what was dirty: another sync would prove nothing');
  assert.is(await kv.get(Buffer.from('d')), undefined);
  assert.ok((await kv.get(Buffer.from('a'))) !== undefined, 'reading goes on');
  await kv.close();
});

test.run();
