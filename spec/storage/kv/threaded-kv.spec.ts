import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RocksKv } from '../../../src/storage/kv/rocksdb-kv.ts';
import { ThreadedKv } from '../../../src/storage/kv/threaded-kv.ts';
import { kvSuite } from '../kv-suite.ts';
import { codeOf, inDirectory } from './in-directory.ts';

kvSuite('rocksdb on a thread', { open: (directory) => ThreadedKv.open(directory), isDurable: true, histories: 15 }).run();

const test = suite('local store rocksdb on a thread, alone');
const bytes = (text: string): Uint8Array => Buffer.from(text);

inDirectory(test, 'what cannot be opened is refused as the store itself refuses it', async (directory) => {
  const file = join(directory, 'file');
  writeFileSync(file, 'x');
  assert.is(await codeOf(ThreadedKv.open(file)), 'SLUICE_STORAGE_FAILED');
  const kv = await RocksKv.open(join(directory, 'store'));
  assert.is(await codeOf(ThreadedKv.open(join(directory, 'store'))), 'SLUICE_STORAGE_IN_USE');
  await kv.close();
});

inDirectory(test, 'calls go to the thread in their order, none of them awaited', async (directory) => {
  const kv = await ThreadedKv.open(join(directory, 'store'));
  const key = bytes('key');
  const seen: Promise<Uint8Array | undefined>[] = [];
  for (let i = 0; i < 100; i++) {
    kv.batch([{ type: 'put', key, value: bytes(String(i)) }], { sync: false }).catch(assert.unreachable);
    if (i % 10 === 9) seen.push(kv.batch([], { sync: false }).then(() => kv.get(key)));
  }
  const numbers = (await Promise.all(seen)).map((value) => Number(Buffer.from(value!).toString()));
  for (const [i, number] of numbers.entries()) assert.ok(number >= i * 10 + 9, `${number} after ${i * 10 + 9}`);
  await kv.close();
});

inDirectory(test, 'a closed store takes nothing more, and another may open it', async (directory) => {
  const path = join(directory, 'store');
  const kv = await ThreadedKv.open(path);
  const written = kv.batch([{ type: 'put', key: bytes('a'), value: bytes('1') }], { sync: true });
  await kv.close();
  await written;
  await kv.close();
  assert.is(await codeOf(kv.get(bytes('a'))), 'SLUICE_STORAGE_FAILED');
  assert.is(await codeOf(kv.batch([], { sync: false })), 'SLUICE_STORAGE_FAILED');
  const again = await RocksKv.open(path);
  assert.equal(Buffer.from((await again.get(bytes('a')))!).toString(), '1');
  await again.close();
});

inDirectory(test, 'when its thread dies, what waits for it and what comes after fails', async (directory) => {
  const kv = await ThreadedKv.open(directory, new URL('./dying-thread.js', import.meta.url));
  const waiting = [codeOf(kv.batch([], { sync: false })), codeOf(kv.get(bytes('a'))), codeOf(kv.scan({}))];
  assert.equal(
    await Promise.all(waiting),
    Array.from({ length: 3 }, () => 'SLUICE_STORAGE_FAILED'),
  );
  assert.is(await codeOf(kv.batch([], { sync: false })), 'SLUICE_STORAGE_FAILED');
  await kv.close();
});

test.run();
