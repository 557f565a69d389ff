/**
 * What storage engines cost on this machine; nothing is asserted. Run it with nothing else running:
 *
 *     node --expose-gc dist/spec/storage/measure-engines.js [memory|rocksdb] [appends|shards]
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Engine } from '../../src/storage/engine.ts';
import { MemoryEngine } from '../../src/storage/engines/memory.ts';
import { RocksEngine } from '../../src/storage/engines/rocksdb.ts';
import { RocksKv } from '../../src/storage/kv/rocksdb-kv.ts';
import { textBatch } from './arbitraries.ts';

const GIB = 1 << 30;
const engines: Record<string, (directory: string) => Promise<Engine>> = {
  memory: async () => new MemoryEngine({ bytesMax: 2 * GIB, shardBytesMax: GIB, overflow: 'refuse' }),
  rocksdb: async (directory) => RocksEngine.open(await RocksKv.open(directory)),
};

function report(what: string, value: number, unit: string): void {
  console.log(`${what.padEnd(72)} ${value.toFixed(value < 100 ? 1 : 0).padStart(9)} ${unit}`);
}

const commit = (engine: Engine, sync: boolean): Promise<void> =>
  new Promise((resolve, reject) => {
    engine.commit(sync, (error) => (error === undefined ? resolve() : reject(error)));
  });
const close = (engine: Engine): Promise<void> =>
  new Promise((resolve, reject) => {
    engine.close((error) => (error === undefined ? resolve() : reject(error)));
  });
const read = (engine: Engine, shard: number, offset: number): Promise<Uint8Array> =>
  new Promise((resolve, reject) => {
    engine.read(shard, offset, 256 * 1024, (error, result) => (error === undefined ? resolve(result!.batches) : reject(error)));
  });

async function measureAppends(name: string, engine: Engine): Promise<void> {
  const hundred = textBatch(Array.from({ length: 100 }, () => 'v'.repeat(128)));
  const one = textBatch(['v'.repeat(128)]);
  engine.create(1);
  let start = performance.now();
  const commits = 300;
  for (let i = 0; i < commits; i++) {
    for (let k = 0; k < 10; k++) engine.append(1, -1, hundred, 0, hundred.length);
    await commit(engine, engine.isDurable);
  }
  const seconds = (performance.now() - start) / 1000;
  report(`${name}, 128 B records, 100 a batch, 10 batches a commit, one shard`, (commits * 1000) / seconds / 1000, 'k records/s');
  report('  bytes', (commits * 10 * hundred.length) / seconds / 1e6, 'MB/s');
  start = performance.now();
  let bytes = 0;
  for (let offset = 0; offset < commits * 1000; ) {
    const batches = await read(engine, 1, offset);
    bytes += batches.length;
    offset += (batches.length / hundred.length) * 100;
  }
  report(`${name}, read from the start, 256 KiB at once`, bytes / (performance.now() - start) / 1000, 'MB/s');
  for (const shards of [1, 10_000]) {
    for (let shard = 2; shard < 2 + shards; shard++) engine.create(shard);
    await commit(engine, false);
    start = performance.now();
    for (let i = 0; i < 100_000; i++) {
      engine.append(2 + (i % shards), -1, one, 0, one.length);
      if (i % 1000 === 999) await commit(engine, engine.isDurable);
    }
    report(
      `${name}, one record a batch, 1000 batches a commit, ${shards} shards in turn`,
      100_000 / (performance.now() - start),
      'k records/s',
    );
  }
}

async function measureShards(name: string, engine: Engine, reopen: () => Promise<Engine>): Promise<Engine> {
  const million = 1_000_000;
  const one = textBatch(['v'.repeat(128)]);
  const rssBefore = process.memoryUsage().rss;
  const start = performance.now();
  for (let shard = 1; shard <= million; shard++) {
    engine.create(shard);
    engine.append(shard, -1, one, 0, one.length);
    if (shard % 2000 === 0) await commit(engine, shard === million);
  }
  report(`${name}, a million shards with a record each`, (performance.now() - start) / 1000, 's');
  report('  resident memory that came with it', (process.memoryUsage().rss - rssBefore) / 1e6, 'MB');
  report('  open files', readdirSync('/proc/self/fd').length, '');
  if (!engine.isDurable) return engine;
  await close(engine);
  const opened = performance.now();
  const again = await reopen();
  report('  opened again', (performance.now() - opened) / 1000, 's');
  return again;
}

for (const [name, open] of Object.entries(engines)) {
  if ((process.argv.includes('memory') || process.argv.includes('rocksdb')) && !process.argv.includes(name)) continue;
  const directory = mkdtempSync(join(tmpdir(), 'sluice-measure-'));
  const parts = process.argv.includes('appends')
    ? ['appends']
    : process.argv.includes('shards')
      ? ['shards']
      : ['appends', 'shards'];
  for (const part of parts) {
    const place = join(directory, part);
    let engine = await open(place);
    if (part === 'appends') await measureAppends(name, engine);
    else engine = await measureShards(name, engine, () => open(place));
    await close(engine);
  }
  rmSync(directory, { recursive: true });
}
