/**
 * What record batches and stores cost on this machine; nothing is asserted. Run it with nothing else running:
 *
 *     node --expose-gc dist/spec/storage/measure.js
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RocksKv } from '../../src/storage/kv/rocksdb-kv.ts';
import { computeCrc } from '../../src/storage/record-batch.ts';
import { RecordBatchBuilder } from '../../src/storage/record-batch-builder.ts';
import { checkBatch, checkRecords } from '../../src/storage/record-batch-check.ts';
import { RecordCursor } from '../../src/storage/record-cursor.ts';
import { RecordHeaders } from '../../src/storage/record-headers.ts';

function report(what: string, value: number, unit: string): void {
  console.log(`${what.padEnd(72)} ${value.toFixed(value < 100 ? 1 : 0).padStart(9)} ${unit}`);
}

/** Best of sixty, nanoseconds for one of `count`. */
function nanosecondsPer(count: number, body: () => void): number {
  let best = Number.POSITIVE_INFINITY;
  body();
  for (let i = 0; i < 60; i++) {
    const start = process.hrtime.bigint();
    body();
    best = Math.min(best, Number(process.hrtime.bigint() - start) / count);
  }
  return best;
}

function measureBatches(): void {
  const source = Buffer.alloc(65_536, 'x');
  const headers = new RecordHeaders();
  headers.add(Buffer.from('content-type'), Buffer.from('json'));
  for (const valueBytes of [16, 128, 1024]) {
    for (const withHeaders of [undefined, headers]) {
      const perBatch = 500;
      const rounds = 50;
      const builder = new RecordBatchBuilder();
      const heapBefore = process.memoryUsage().heapUsed;
      const build = (): void => {
        for (let round = 0; round < rounds; round++) {
          builder.clear();
          for (let i = 0; i < perBatch; i++) {
            const at = (i * 37) & 0x7fff;
            builder.append(1_700_000_000_000 + i, source, at, at + 16, source, at + 16, at + 16 + valueBytes, withHeaders);
          }
          builder.seal();
        }
      };
      const what = `${valueBytes} B values, 16 B keys${withHeaders ? ', a header' : ''}`;
      const ns = nanosecondsPer(perBatch * rounds, build);
      report(`build, ${what}`, 1e3 / ns, 'M records/s');
      report(
        `  heap while building ${(61 * perBatch * rounds) / 1e6} M records`,
        (process.memoryUsage().heapUsed - heapBefore) / 1e6,
        'MB',
      );
      const batch = builder.bytes.slice(0, builder.end);
      const cursor = new RecordCursor();
      let sum = 0;
      const walk = (): void => {
        for (let round = 0; round < rounds; round++) for (cursor.open(batch, 0); cursor.next(); ) sum += cursor.valueEnd;
      };
      report(`walk, ${what}`, 1e3 / nanosecondsPer(perBatch * rounds, walk), 'M records/s');
      const check = (): void => {
        for (let round = 0; round < rounds; round++) {
          checkBatch(batch, 0, batch.length);
          checkRecords(batch, 0);
        }
      };
      report(`check all of it, ${what}`, 1e3 / nanosecondsPer(perBatch * rounds, check), 'M records/s');
      const crc = (): void => {
        for (let round = 0; round < rounds; round++) sum += computeCrc(batch, 0);
      };
      report(`  of which the checksum, ${what}`, 1e3 / nanosecondsPer(perBatch * rounds, crc), 'M records/s');
      if (sum === 0) throw new Error('kept alive');
    }
  }
}

async function measureKv(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-measure-'));
  const kv = await RocksKv.open(directory);
  const keyOf = (i: number): Uint8Array => {
    const key = Buffer.alloc(16);
    // Spread over the whole key space, so that every write meets every table.
    key.writeUInt32BE(Math.imul(i, 0x9e3779b1) >>> 0, 0);
    key.writeUInt32BE(i, 12);
    return key;
  };
  const value = Buffer.alloc(100, 'v');
  const rssBefore = process.memoryUsage().rss;
  const million = 1_000_000;
  let start = performance.now();
  for (let i = 0; i < million; i += 1000) {
    const ops = Array.from({ length: 1000 }, (_, k) => ({ type: 'put' as const, key: keyOf(i + k), value }));
    await kv.batch(ops, { sync: false });
  }
  report('kv, put of 16 + 100 B, 1000 a batch, 1 M keys', million / (performance.now() - start), 'k/s');
  report('  resident memory that came with it', (process.memoryUsage().rss - rssBefore) / 1e6, 'MB');
  for (const [size, batches] of [
    [1, 300],
    [100, 200],
    [1000, 100],
  ] as const) {
    start = performance.now();
    for (let i = 0; i < batches; i++) {
      const ops = Array.from({ length: size }, (_, k) => ({ type: 'put' as const, key: keyOf(i * size + k), value }));
      await kv.batch(ops, { sync: true });
    }
    report(`kv, put with sync, ${size} a batch, one batch at a time`, (size * batches) / (performance.now() - start), 'k/s');
  }
  start = performance.now();
  await Promise.all(Array.from({ length: 20_000 }, (_, i) => kv.batch([{ type: 'put', key: keyOf(i), value }], { sync: true })));
  report('kv, put with sync, 1 a batch, 20,000 batches at once', 20_000 / (performance.now() - start), 'k/s');
  start = performance.now();
  for (let i = 0; i < 200; i++)
    await kv.getMany(Array.from({ length: 100 }, (_, k) => keyOf((i * 7919 + k * 104_729) % million)));
  report('kv, getMany of 100', 20_000 / (performance.now() - start), 'k/s');
  start = performance.now();
  let rows = 0;
  for (let page = await kv.scan({}); page.length > 0 && rows < 300_000; page = await kv.scan({ gt: page.at(-1)!.key }))
    rows += page.length;
  report('kv, scan', rows / (performance.now() - start), 'k rows/s');
  start = performance.now();
  await kv.checkpoint(join(directory, 'checkpoint'));
  report('kv, checkpoint', performance.now() - start, 'ms');
  report('  resident memory after all of it', (process.memoryUsage().rss - rssBefore) / 1e6, 'MB');
  await kv.close();
  rmSync(directory, { recursive: true });
}

const parts: Record<string, () => unknown> = { measureBatches, measureKv };
for (const [name, part] of Object.entries(parts)) if (process.argv.length < 3 || process.argv.includes(name)) await part();
