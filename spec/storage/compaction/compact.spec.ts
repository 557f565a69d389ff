import fc from 'fast-check';
import { Piscina } from 'piscina';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Compaction, indexBatches, rewriteBatches } from '../../../src/storage/compaction/compact.ts';
import type { CompactionJob, CompactionResult } from '../../../src/storage/compaction/job.ts';
import { KeyOffsets } from '../../../src/storage/compaction/key-offsets.ts';
import { compressBatch, decompressBatch } from '../../../src/storage/compression/batch.ts';
import { loadCodec } from '../../../src/storage/compression/codecs.ts';
import {
  batchBytes,
  CODEC_MASK,
  CONTROL,
  DELETE_HORIZON,
  LOG_APPEND_TIME,
  lastOffsetOf,
  readHeader,
  setBaseOffset,
  TRANSACTIONAL,
} from '../../../src/storage/record-batch.ts';
import { checkBatch, checkRecords } from '../../../src/storage/record-batch-check.ts';
import { build, codeOf, type ReadRecord, readRecords } from '../arbitraries.ts';
import { type OracleRecord, oracleDecode } from '../kafkajs-oracle.ts';

const test = suite('compaction');
const codecs = await Promise.all([0, 1, 2, 3, 4].map((id) => loadCodec(id)));
const NOW: Compaction = { nowMs: 1_000_000, tombstoneMs: 5000 };

type Short = readonly [key: string | undefined, value: string | undefined];
const record = ([key, value]: Short, timestamp = 1000): OracleRecord => ({
  timestamp,
  key: key === undefined ? undefined : Buffer.from(key),
  value: value === undefined ? undefined : Buffer.from(value),
  headers: [['h', Buffer.from('1')]],
});

/** Batches one behind the other, from offset 0 on. */
function row(batches: readonly (readonly OracleRecord[])[], codec = 0, attributes = 0): Uint8Array {
  let offset = 0;
  return Buffer.concat(
    batches.map((all) => {
      const batch = Uint8Array.from(compressBatch(build(all, attributes), 0, codecs[codec]!));
      setBaseOffset(batch, 0, offset);
      offset += all.length;
      return batch;
    }),
  );
}

function recordsOf(batches: Uint8Array): ReadRecord[] {
  const all: ReadRecord[] = [];
  for (let at = 0; at < batches.length; at += batchBytes(batches, at)) {
    checkBatch(batches, at, batches.length);
    const plain = decompressBatch(batches, at, codecs[readHeader(batches, at).attributes & CODEC_MASK]!);
    checkRecords(plain, 0);
    all.push(...readRecords(plain, 0));
  }
  return all;
}
const brief = (batches: Uint8Array): string[] =>
  recordsOf(batches).map((one) => `${one.offset} ${one.key && Buffer.from(one.key)}=${one.value && Buffer.from(one.value)}`);

async function compact(batches: Uint8Array, compaction = NOW, keysMax = 1000): Promise<Uint8Array> {
  const keys = new KeyOffsets(keysMax);
  await indexBatches(keys, batches);
  return (await rewriteBatches(keys, batches, compaction)).batches;
}

test('keeps the last record of each key, under its offset', async () => {
  const before = row([
    [record(['a', '1']), record(['b', '1']), record(['a', '2'])],
    [record(['a', '3']), record(['a', '4'])],
    [record(['c', '1']), record(['a', '5']), record([undefined, 'no key'])],
  ]);
  const after = await compact(before);
  assert.equal(brief(after), ['1 b=1', '5 c=1', '6 a=5']);
  const first = readHeader(after, 0);
  assert.equal([first.baseOffset, first.lastOffsetDelta, first.count], [0, 2, 1], 'the batch keeps its offsets, with gaps');
  assert.is(lastOffsetOf(after, batchBytes(after, 0)), 7);
  assert.equal(Uint8Array.from(await compact(after)), Uint8Array.from(after), 'a second time changes nothing');
});

test('a tombstone replaces at once, stays for its time, and goes', async () => {
  const before = row([
    [record(['a', '1'], 900), record(['b', '1'], 901)],
    [record(['a', undefined], 902), record(['c', '1'], 999)],
  ]);
  const first = await compact(before);
  assert.equal(brief(first), ['1 b=1', '2 a=undefined', '3 c=1']);
  const second = batchBytes(first, 0);
  assert.is(readHeader(first, 0).attributes, 0);
  assert.is(readHeader(first, second).attributes, DELETE_HORIZON);
  assert.is(readHeader(first, second).baseTimestamp, 1_005_000);
  assert.equal(
    recordsOf(first).map((one) => one.timestamp),
    [901, 902, 999],
    'timestamps stay',
  );
  const later = await compact(first, { nowMs: 1_004_999, tombstoneMs: 99_999_999 });
  assert.equal(Uint8Array.from(later), Uint8Array.from(first), 'the first compaction set the time');
  const gone = await compact(first, { nowMs: 1_005_000, tombstoneMs: 5000 });
  assert.equal(brief(gone), ['1 b=1', '3 c=1']);
  assert.equal(
    recordsOf(gone).map((one) => one.timestamp),
    [901, 999],
  );
  const decoded = await oracleDecode(gone.subarray(batchBytes(gone, 0)));
  assert.equal(
    decoded.records.map((one) => [one.offset, one.timestamp]),
    [['3', '999']],
    'kafkajs reads the same',
  );
});

test('what is left alone: transactions and control batches, which replace nothing', async () => {
  for (const attributes of [TRANSACTIONAL, CONTROL]) {
    const plain = row([[record(['a', '1'])]]);
    const special = row([[record(['a', 'perhaps aborted']), record([undefined, 'x'])]], 0, attributes);
    setBaseOffset(special, 0, 1);
    const after = await compact(Buffer.concat([plain, special]));
    assert.equal(Uint8Array.from(after), Uint8Array.from(Buffer.concat([plain, special])));
  }
});

test('batches of the broker’s time keep it', async () => {
  const before = row([[record(['a', '1'], 50), record(['b', '1'], 60), record(['b', undefined], 70)]], 0, LOG_APPEND_TIME);
  const after = await compact(before);
  assert.equal(
    recordsOf(after).map((one) => one.timestamp),
    [70, 70],
  );
  assert.is(readHeader(after, 0).attributes, LOG_APPEND_TIME | DELETE_HORIZON);
});

test('a full table ends the pass, and what is compacted up to there loses nothing', async () => {
  const before = row(Array.from({ length: 300 }, (_, i) => [record([`k${i % 200}`, `${i}`])]));
  const keys = new KeyOffsets(50);
  const noted = await indexBatches(keys, before);
  assert.ok(noted >= 50 && noted < 60, `${noted}`);
  const { batches } = await rewriteBatches(keys, before, NOW);
  const last = new Map(brief(before).map((one) => [one.split(/[ =]/)[1], one]));
  for (const one of last.values()) assert.ok(brief(batches).includes(one), one);
});

test('damaged batches are refused', async () => {
  const before = row([[record(['a', '1'])]]);
  before[70]! ^= 1;
  const error = await compact(before).catch((one: unknown) => one);
  assert.is(
    codeOf(() => {
      throw error;
    }),
    'SLUICE_BATCH_CHECKSUM',
  );
});

const shorts = fc.array(
  fc.array(
    fc.tuple(
      fc.option(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'a longer key than these'), { nil: undefined, freq: 12 }),
      fc.option(fc.string({ maxLength: 30 }), { nil: undefined, freq: 3 }),
      fc.integer({ min: 0, max: 2_000_000 }),
    ),
    { minLength: 1, maxLength: 8 },
  ),
  { minLength: 1, maxLength: 12, size: 'max' },
);

test('whoever reads all of it ends with the same state, whatever the records, codecs and rounds', async () => {
  await fc.assert(
    fc.asyncProperty(shorts, fc.nat(4), fc.array(fc.nat(9000), { minLength: 1, maxLength: 3 }), async (batches, codec, waits) => {
      const before = row(
        batches.map((all) => all.map(([key, value, time]) => record([key, value], time))),
        codec,
      );
      const original = new Map(recordsOf(before).map((one) => [one.offset, one]));
      const state = (bytes: Uint8Array): Map<string, string> => {
        const map = new Map<string, string>();
        for (const one of recordsOf(bytes)) {
          if (one.key === undefined) continue;
          const name = Buffer.from(one.key).toString();
          if (one.value === undefined) map.delete(name);
          else map.set(name, Buffer.from(one.value).toString());
        }
        return map;
      };
      let now = NOW.nowMs;
      let bytes: Uint8Array = before;
      for (const wait of waits) {
        bytes = await compact(bytes, { nowMs: now, tombstoneMs: 5000 });
        assert.equal(state(bytes), state(before));
        for (const one of recordsOf(bytes)) assert.equal(one, original.get(one.offset), 'a record that stays stays as it was');
        now += wait;
      }
      const names = recordsOf(bytes).map((one) => Buffer.from(one.key!).toString());
      assert.is(new Set(names).size, names.length, 'one record a key');
      const tombstones = recordsOf(await compact(bytes, { nowMs: now + 5000, tombstoneMs: 5000 })).filter(
        (one) => one.value === undefined,
      );
      assert.is(tombstones.length, 0);
    }),
    { numRuns: 150 },
  );
});

test('runs in a pool, a page a job, over one table', async () => {
  const pool = new Piscina<CompactionJob, CompactionResult>({
    filename: new URL('../../../src/storage/compaction/job.js', import.meta.url).href,
    name: 'compactionJob',
    minThreads: 2,
    maxThreads: 2,
  });
  const pages = Array.from({ length: 6 }, (_, page) => {
    const bytes = row([Array.from({ length: 50 }, (_, i) => record([`k${(page * 50 + i) % 70}`, `${page}.${i}`]))], page % 5);
    setBaseOffset(bytes, 0, page * 50);
    return Uint8Array.from(bytes);
  });
  const keys = new KeyOffsets(100).memory;
  for (const batches of pages)
    assert.equal(await pool.run({ do: 'index', keys, batches }), { notedTo: 50 * (pages.indexOf(batches) + 1) });
  const rewritten = await Promise.all(pages.map((batches) => pool.run({ do: 'rewrite', keys, batches, compaction: NOW })));
  await pool.destroy();
  const after = Buffer.concat(rewritten.map((one) => (one as { batches: Uint8Array }).batches));
  assert.equal(brief(after), brief(await compact(Buffer.concat(pages))));
  assert.is(recordsOf(after).length, 70);
});

test.run();
