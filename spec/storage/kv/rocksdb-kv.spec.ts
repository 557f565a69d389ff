import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RocksKv } from '../../../src/storage/kv/rocksdb-kv.ts';
import { kvSuite } from '../kv-suite.ts';
import { codeOf, inDirectory } from './in-directory.ts';

kvSuite('rocksdb', { open: (directory) => RocksKv.open(directory), isDurable: true, histories: 15 }).run();

const test = suite('local store rocksdb, alone');
const key = (i: number): Uint8Array => Buffer.from(String(i).padStart(16, '0'));

inDirectory(test, 'a second opener is refused, in this process and in another', async (directory) => {
  const kv = await RocksKv.open(directory);
  assert.is(await codeOf(RocksKv.open(directory)), 'SLUICE_STORAGE_IN_USE');
  const module = new URL('../../../src/storage/kv/rocksdb-kv.js', import.meta.url).href;
  const script = `import('${module}').then((m) => m.RocksKv.open(${JSON.stringify(directory)})).then(() => console.log('opened'), (e) => console.log(e.code))`;
  assert.is(execFileSync(process.execPath, ['-e', script], { encoding: 'utf8' }).trim(), 'SLUICE_STORAGE_IN_USE');
  await kv.close();
  await (await RocksKv.open(directory)).close();
});

inDirectory(test, 'a directory that is none, and a store that is damaged', async (directory) => {
  const file = join(directory, 'file');
  writeFileSync(file, 'x');
  assert.is(await codeOf(RocksKv.open(file)), 'SLUICE_STORAGE_FAILED');
  const damaged = join(directory, 'store');
  await (await RocksKv.open(damaged)).close();
  const manifest = join(damaged, readdirSync(damaged).find((name) => name.startsWith('MANIFEST'))!);
  const bytes = readFileSync(manifest);
  bytes[12]! ^= 0xff;
  writeFileSync(manifest, bytes);
  assert.is(await codeOf(RocksKv.open(damaged)), 'SLUICE_STORAGE_CORRUPT');
});

inDirectory(test, 'syncs across files of the log: every write has been acknowledged once it changes', async (directory) => {
  const kv = await RocksKv.open(directory);
  const value = new Uint8Array(64 * 1024).fill(7);
  const logs = (): string[] => readdirSync(directory).filter((name) => name.endsWith('.log'));
  const seen = new Set(logs());
  for (let i = 0; i < 60; i++) {
    await kv.batch(
      Array.from({ length: 16 }, (_, k) => ({ type: 'put' as const, key: key(i * 16 + k), value })),
      { sync: i % 3 === 0 },
    );
    for (const name of logs()) seen.add(name);
  }
  assert.ok(seen.size >= 3, 'the log has changed its file');
  await kv.close();
  const again = await RocksKv.open(directory);
  assert.is((await again.scan({ keysOnly: true })).length, 960);
  await again.close();
});

inDirectory(test, 'a checkpoint shares its tables with the store', async (directory) => {
  const kv = await RocksKv.open(join(directory, 'store'));
  await kv.batch(
    Array.from({ length: 1000 }, (_, i) => ({ type: 'put' as const, key: key(i), value: key(i) })),
    { sync: false },
  );
  // Within the store's own directory, of all places.
  const copy = join(directory, 'store', 'copy');
  await kv.checkpoint(copy);
  const tables = readdirSync(copy).filter((name) => name.endsWith('.sst'));
  assert.ok(tables.length > 0);
  for (const name of tables) assert.ok(statSync(join(copy, name)).nlink > 1);
  await kv.close();
});

inDirectory(test, 'a checkpoint that fails leaves the store alive', async (directory) => {
  const kv = await RocksKv.open(join(directory, 'store'));
  mkdirSync(join(directory, 'there'));
  writeFileSync(join(directory, 'there', 'file'), '');
  assert.is(await codeOf(kv.checkpoint(join(directory, 'there'))), 'SLUICE_STORAGE_FAILED');
  assert.equal(readdirSync(join(directory, 'there')), ['file']);
  await kv.batch([{ type: 'put', key: key(1), value: key(2) }], { sync: true });
  assert.equal(Uint8Array.from((await kv.get(key(1)))!), Uint8Array.from(key(2)));
  await kv.close();
});

test.run();
