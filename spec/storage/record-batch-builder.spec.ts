import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { BATCH_BUILDER_BYTES_KEPT } from '../../src/base/limits.ts';
import { readHeader } from '../../src/storage/record-batch.ts';
import { RecordBatchBuilder } from '../../src/storage/record-batch-builder.ts';
import { checkBatch, checkRecords } from '../../src/storage/record-batch-check.ts';
import { RecordHeaders } from '../../src/storage/record-headers.ts';
import { readRecords } from './arbitraries.ts';

const test = suite('record batch builder');

test('takes ranges of the caller’s buffer and copies them', () => {
  const builder = new RecordBatchBuilder();
  const source = Buffer.from('..topic..payload..');
  assert.ok(builder.append(5, source, 2, 7, source, 9, 16));
  source.fill(0);
  builder.seal();
  const [record] = readRecords(builder.bytes.subarray(0, builder.end));
  assert.is(Buffer.from(record!.key!).toString(), 'topic');
  assert.is(Buffer.from(record!.value!).toString(), 'payload');
});

test('never exceeds its bound, and fills it to the byte', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 70, max: 5000 }),
      fc.array(fc.nat({ max: 400 }), { minLength: 1, maxLength: 60 }),
      (bound, sizes) => {
        const builder = new RecordBatchBuilder(bound);
        const roomy = new RecordBatchBuilder();
        for (const size of sizes) {
          const before = builder.end;
          const taken = builder.append(0, undefined, 0, 0, new Uint8Array(size), 0, size);
          if (!taken) {
            assert.is(builder.end, before);
            assert.is(builder.count, roomy.count);
            assert.ok(roomy.append(0, undefined, 0, 0, new Uint8Array(size), 0, size));
            assert.ok(roomy.end > bound, `${roomy.end} fits ${bound}`);
            return;
          }
          roomy.append(0, undefined, 0, 0, new Uint8Array(size), 0, size);
          assert.is(builder.end, roomy.end);
          assert.ok(builder.end <= bound);
        }
      },
    ),
  );
});

test('begins anew after clear, and gives a large buffer up', () => {
  const builder = new RecordBatchBuilder();
  const large = new Uint8Array(BATCH_BUILDER_BYTES_KEPT + 1);
  builder.append(99, large, 0, 3, large, 0, large.length);
  builder.seal();
  checkRecords(builder.bytes, 0);
  builder.clear();
  assert.ok(builder.bytes.length < 65_536);
  builder.append(7, undefined, 0, 0, undefined, 0, 0);
  builder.append(3, undefined, 0, 0, undefined, 0, 0);
  builder.seal(0, 4, { id: 8, epoch: 2, sequence: 100 });
  assert.is(checkBatch(builder.bytes, 0, builder.end), builder.end);
  assert.equal(readHeader(builder.bytes, 0), {
    baseOffset: 0,
    leaderEpoch: 4,
    attributes: 0,
    lastOffsetDelta: 1,
    baseTimestamp: 7,
    maxTimestamp: 7,
    producerId: 8,
    producerEpoch: 2,
    baseSequence: 100,
    count: 2,
  });
  const kept = builder.bytes;
  builder.clear();
  assert.is(builder.bytes, kept, 'a small buffer is used again');
});

test('headers are encoded once and written to many records', () => {
  const builder = new RecordBatchBuilder();
  const headers = new RecordHeaders();
  for (let i = 0; i < 200; i++) headers.add(Buffer.from('name'), i % 2 === 0 ? Buffer.from(`value ${i}`) : undefined);
  for (let i = 0; i < 3; i++) builder.append(i, undefined, 0, 0, undefined, 0, 0, headers);
  builder.seal();
  const all = readRecords(builder.bytes.subarray(0, builder.end));
  assert.is(all.length, 3);
  for (const record of all) {
    assert.is(record.headers.length, 200);
    assert.equal(record.headers[4], ['name', Uint8Array.from(Buffer.from('value 4'))]);
    assert.equal(record.headers[5], ['name', undefined]);
  }
  headers.clear();
  assert.is(headers.encodedBytes(), 1);
});

test.run();
