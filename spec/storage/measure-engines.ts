/**
 * What storage engines cost on this machine; nothing is asserted. Rates are per second of CPU, all threads of the process together, so that they mean something beside other
 * work; what waits for the disk shows in the time that passed, in brackets.
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

/** CPU and clock since it was made. */
class Stopwatch {
  readonly #cpu = process.cpuUsage();
  readonly #at = performance.now();

  get cpuMs(): number {
    const { user, system } = process.cpuUsage(this.#cpu);
    return (user + system) / 1000;
  }

  /** `amount` per millisecond of CPU. */
  report(what: string, amount: number, unit: string): void {
    const passed = performance.now() - this.#at;
    report(what, amount / this.cpuMs, `${unit} (${(amount / passed).toFixed(1)})`);
  }

  reportSeconds(what: string): void {
    report(what, this.cpuMs / 1000, `s of CPU (${((performance.now() - this.#at) / 1000).toFixed(1)})`);
  }
}

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
  let watch = new Stopwatch();
  const commits = 300;
  for (let i = 0; i < commits; i++) {
    for (let k = 0; k < 10; k++) engine.append(1, -1, hundred, 0, hundred.length);
    await commit(engine, engine.isDurable);
  }
  watch.report(`${name}, 128 B records, 100 a batch, 10 batches a commit, one shard`, commits * 1000, 'k records/s');
  watch.report('  bytes', (commits * 10 * hundred.length) / 1000, 'MB/s');
  watch = new Stopwatch();
  let bytes = 0;
  for (let offset = 0; offset < commits * 1000; ) {
    const batches = await read(engine, 1, offset);
    bytes += batches.length;
    offset += (batches.length / hundred.length) * 100;
  }
  watch.report(`${name}, read from the start, 256 KiB at once`, bytes / 1000, 'MB/s');
  for (const shards of [1, 10_000]) {
    for (let shard = 2; shard < 2 + shards; shard++) engine.create(shard);
    await commit(engine, false);
    watch = new Stopwatch();
    for (let i = 0; i < 100_000; i++) {
      engine.append(2 + (i % shards), -1, one, 0, one.length);
      if (i % 1000 === 999) await commit(engine, engine.isDurable);
    }
    watch.report(`${name}, one record a batch, 1000 batches a commit, ${shards} shards in turn`, 100_000, 'k records/s');
  }
}

async function measureShards(name: string, engine: Engine, reopen: () => Promise<Engine>): Promise<Engine> {
  const million = 1_000_000;
  const one = textBatch(['v'.repeat(128)]);
  const rssBefore = process.memoryUsage().rss;
  const watch = new Stopwatch();
  for (let shard = 1; shard <= million; shard++) {
    engine.create(shard);
    engine.append(shard, -1, one, 0, one.length);
    if (shard % 2000 === 0) await commit(engine, shard === million);
  }
  watch.reportSeconds(`${name}, a million shards with a record each`);
  report('  resident memory that came with it', (process.memoryUsage().rss - rssBefore) / 1e6, 'MB');
  report('  open files', readdirSync('/proc/self/fd').length, '');
  if (!engine.isDurable) return engine;
  await close(engine);
  const opening = new Stopwatch();
  const again = await reopen();
  opening.reportSeconds('  opened again');
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
