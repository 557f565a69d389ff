import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compressBatch, decompressBatch } from '../../../src/storage/compression/batch.ts';
import { loadCodec } from '../../../src/storage/compression/codecs.ts';
import { codecOf, readHeader, setBaseOffset, writeHeader } from '../../../src/storage/record-batch.ts';
import { checkBatch, checkProduced, checkRecords } from '../../../src/storage/record-batch-check.ts';
import { build, codeOf, oracleRecords, readRecords, records, textBatch } from '../arbitraries.ts';
import { oracleDecode, oracleEncode } from '../kafkajs-oracle.ts';

const test = suite('compressed record batches');
const codecs = await Promise.all([0, 1, 2, 3, 4].map((id) => loadCodec(id)));
const gzip = codecs[1]!;

test('come back as they were, header included', () => {
  for (const codec of codecs) {
    fc.assert(
      fc.property(records, fc.nat({ max: 1000 }), (all, offset) => {
        const plain = build([...all, ...all]);
        setBaseOffset(plain, 0, offset);
        const packed = compressBatch(plain, 0, codec);
        assert.is(checkBatch(packed, 0, packed.length), packed.length);
        checkProduced(packed, 0);
        assert.ok(packed.length <= plain.length);
        const again = decompressBatch(packed, 0, codecs[codecOf(packed, 0)]!);
        assert.equal(Uint8Array.from(again), plain);
      }),
      { numRuns: 50 },
    );
  }
});

test('are read when kafkajs has compressed them, and read by kafkajs', async () => {
  await fc.assert(
    fc.asyncProperty(oracleRecords, async (all) => {
      const foreign = await oracleEncode({ records: all, gzip: true });
      checkBatch(foreign, 0, foreign.length);
      const plain = decompressBatch(foreign, 0, gzip);
      checkRecords(plain, 0);
      assert.equal(Uint8Array.from(plain), build(all));
      const packed = compressBatch(build([...all, ...all]), 0, gzip);
      assert.equal(
        (await oracleDecode(packed)).records.map((one) => one.value?.toString('hex')),
        readRecords(build([...all, ...all])).map((one) => one.value && Buffer.from(one.value).toString('hex')),
      );
    }),
    { numRuns: 50 },
  );
});

test('a batch is bounded by what it becomes', () => {
  const plain = textBatch(['x'.repeat(100_000)]);
  for (const codec of codecs.slice(1)) {
    const packed = compressBatch(plain, 0, codec);
    assert.is(decompressBatch(packed, 0, codec, plain.length).length, plain.length);
    assert.is(
      codeOf(() => decompressBatch(packed, 0, codec, plain.length - 1)),
      'SLUICE_BATCH_TOO_LARGE',
    );
  }
});

test('a count that the decompressed bytes do not bear out is refused', () => {
  const packed = Uint8Array.from(compressBatch(textBatch(['x'.repeat(1000)]), 0, gzip));
  writeHeader(packed, 0, packed.length, { ...readHeader(packed, 0), count: 1000, lastOffsetDelta: 999 });
  checkBatch(packed, 0, packed.length);
  assert.is(
    codeOf(() => decompressBatch(packed, 0, gzip)),
    'SLUICE_BATCH_COUNT',
  );
});

test('one that would grow stays as it is', () => {
  const plain = textBatch(['x']);
  for (const codec of codecs) assert.is(codecOf(compressBatch(plain, 0, codec), 0), 0, codec.name);
});

test.run();
