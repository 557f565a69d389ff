/**
 * What record batches cost on this machine; nothing is asserted. Run it with nothing else running:
 *
 *     node --expose-gc dist/spec/storage/measure.js
 */
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

measureBatches();
