import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MemoryEngine, type MemoryEngineOptions } from '../../../src/storage/engines/memory.ts';
import { codeOf } from '../arbitraries.ts';
import { engineSuite, Opened } from '../engine-suite.ts';

const MIB = 1 << 20;
const open = (options: Partial<MemoryEngineOptions> = {}): Promise<Opened> =>
  new Opened({
    open: () => Promise.resolve(new MemoryEngine({ bytesMax: 64 * MIB, shardBytesMax: 8 * MIB, overflow: 'refuse', ...options })),
    batchBytesMax: 0,
    histories: 0,
  }).open();

engineSuite('memory', {
  open: () => Promise.resolve(new MemoryEngine({ bytesMax: 64 * MIB, shardBytesMax: 8 * MIB, overflow: 'refuse' })),
  batchBytesMax: 8 * MIB,
  histories: 150,
}).run();

const test = suite('memory engine, bounds');
const kib = 'k'.repeat(1024);

test('a full shard refuses, and takes again after a trim', async () => {
  const it = await open({ shardBytesMax: 20_000 });
  it.engine.create(1);
  it.engine.create(2);
  while (codeOf(() => it.append(1, [kib])) === undefined) await it.commit();
  assert.is(
    codeOf(() => it.append(1, [kib])),
    'SLUICE_STORAGE_FULL',
  );
  const { next, bytes } = it.engine.stat(1);
  assert.ok(next >= 17 && bytes <= 20_000, `${next} records in ${bytes}`);
  assert.is((await it.all(1)).length, next);
  it.append(2, [kib]);
  it.engine.trim(1, 1);
  assert.is(it.append(1, [kib]), next);
  await it.end();
});

test('a full shard drops its oldest, an eighth at a time at most', async () => {
  const it = await open({ shardBytesMax: 40_000, overflow: 'drop-oldest' });
  it.engine.create(1);
  it.engine.create(2);
  it.append(2, ['stays']);
  for (let i = 0; i < 500; i++) {
    assert.is(it.append(1, [`${i}${kib}`]), i);
    await it.commit();
    const { start, next, bytes } = it.engine.stat(1);
    assert.ok(bytes <= 40_000);
    assert.ok(next < 36 || next - start >= 27, `${start}…${next}`);
  }
  const { start } = it.engine.stat(1);
  assert.ok((await it.all(1))[0]!.startsWith(`${start} ${start}k`));
  assert.equal(await it.all(2), ['0 stays']);
  await it.end();
});

test('what is staged is never dropped', async () => {
  const it = await open({ shardBytesMax: 10_000, overflow: 'drop-oldest' });
  it.engine.create(1);
  while (codeOf(() => it.append(1, [kib])) === undefined);
  const { start, next } = it.engine.stat(1);
  assert.is(start, 0);
  assert.ok(next >= 8);
  await it.commit();
  assert.is((await it.all(1)).length, next);
  await it.end();
});

test('all shards together stay within the memory, and the oldest of all goes first', async () => {
  const it = await open({ bytesMax: 4 * MIB, overflow: 'drop-oldest' });
  const engine = it.engine as MemoryEngine;
  for (let shard = 1; shard <= 40; shard++) engine.create(shard);
  const large = 'l'.repeat(20_000);
  for (let round = 0; round < 30; round++) {
    for (let shard = 1; shard <= 40; shard++) it.append(shard, [`${round}`, large]);
    await it.commit();
    assert.ok(engine.bytes <= 4 * MIB);
  }
  for (let shard = 1; shard <= 40; shard++) {
    const { start, next } = engine.stat(shard);
    assert.is(next, 60);
    assert.ok(start >= 50, `shard ${shard} keeps ${start}…${next}`);
    assert.is((await it.all(shard)).length, next - start);
  }
  await it.end();
  assert.ok(engine.bytes <= 4 * MIB);
});

test('all shards together refuse at the bound; memory that is freed serves any size', async () => {
  const it = await open({ bytesMax: 4 * MIB });
  for (let shard = 1; shard <= 8; shard++) it.engine.create(shard);
  const fill = (text: string): number => {
    let count = 0;
    for (let shard = 1; codeOf(() => it.append(shard, [text])) === undefined; shard = (shard % 8) + 1) count++;
    return count;
  };
  const empty = async (): Promise<void> => {
    await it.commit();
    for (let shard = 1; shard <= 8; shard++) it.engine.trim(shard, Number.MAX_SAFE_INTEGER);
  };
  const small = fill('s');
  assert.ok(small > 30_000, `${small}`);
  await empty();
  const large = fill('l'.repeat(500_000));
  assert.ok(large >= 7, `${large}`);
  await empty();
  const medium = fill('m'.repeat(3000));
  assert.ok(medium > 1000, `${medium}`);
  await empty();
  assert.ok(fill('s') > small * 0.9);
  await it.end();
});

test('many small shards cost little more than their batches', async () => {
  const it = await open({ bytesMax: 1024 * MIB });
  const engine = it.engine as MemoryEngine;
  for (let shard = 1; shard <= 20_000; shard++) {
    engine.create(shard);
    it.append(shard, ['x'.repeat(128)]);
  }
  await it.commit();
  assert.ok(engine.bytes <= 20_000 * 256 + MIB, `${engine.bytes / 20_000} bytes a shard`);
  await it.end();
});

test.run();
