import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  batchBytes,
  computeCrc,
  crcOf,
  lastOffsetOf,
  leaderEpochOf,
  readHeader,
  setBaseOffset,
  setLeaderEpoch,
  TRANSACTIONAL,
  writeHeader,
} from '../../src/storage/record-batch.ts';
import { checkBatch, checkProduced, checkRecords } from '../../src/storage/record-batch-check.ts';
import { build, oracleRecords, readRecords, records, textBatch } from './arbitraries.ts';
import { oracleDecode, oracleEncode } from './kafkajs-oracle.ts';

const test = suite('record batches');

/**
 * Written out by hand from the layout in Kafka's documentation; the checksum by a bitwise CRC32C. One record, key `k`, value `hello`, header `a: b`.
 */
const BY_HAND = Buffer.from(
  [
    '0000000000000007', // base offset 7
    '00000042', // 66 bytes follow
    '00000003', // leader epoch
    '02',
    '00000000', // checksum, written below
    '0000', // attributes
    '00000000', // last offset delta
    '0000018bcfe56800', // base timestamp 1,700,000,000,000
    '0000018bcfe56800', // max timestamp
    'ffffffffffffffff', // producer id
    'ffff', // producer epoch
    'ffffffff', // base sequence
    '00000001', // count
    '20', // record of 16 bytes
    '00', // attributes
    '00', // timestamp delta
    '00', // offset delta
    '02', // key of 1
    '6b',
    '0a', // value of 5
    '68656c6c6f',
    '02', // 1 header
    '02', // name of 1
    '61',
    '02', // value of 1
    '62',
  ].join(''),
  'hex',
);

function crcByBits(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return ~crc >>> 0;
}

test('is what its documentation says, byte for byte', () => {
  BY_HAND.writeUInt32BE(crcByBits(BY_HAND.subarray(21)), 17);
  const ours = build([
    { timestamp: 1_700_000_000_000, key: Buffer.from('k'), value: Buffer.from('hello'), headers: [['a', Buffer.from('b')]] },
  ]);
  setBaseOffset(ours, 0, 7);
  setLeaderEpoch(ours, 0, 3);
  assert.is(Buffer.from(ours).toString('hex'), BY_HAND.toString('hex'));
});

test('kafkajs writes the same bytes', async () => {
  await fc.assert(
    fc.asyncProperty(oracleRecords, async (all) => {
      assert.equal(build(all), await oracleEncode({ records: all }));
    }),
    { numRuns: 200 },
  );
});

test('reads what kafkajs writes, header fields included', async () => {
  const header = fc.record({
    baseOffset: fc.maxSafeNat().map((n) => n / 2 - ((n / 2) % 1)),
    leaderEpoch: fc.nat(),
    isTransactional: fc.boolean(),
    producerId: fc.oneof(fc.constant(-1), fc.maxSafeNat()),
    producerEpoch: fc.integer({ min: -1, max: 32_767 }),
    baseSequence: fc.integer({ min: -1, max: 2 ** 31 - 1 }),
  });
  await fc.assert(
    fc.asyncProperty(oracleRecords, header, async (all, fields) => {
      const bytes = await oracleEncode({ ...fields, records: all });
      assert.is(checkBatch(bytes, 0, bytes.length), bytes.length);
      checkProduced(bytes, 0);
      checkRecords(bytes, 0);
      const { isTransactional, ...rest } = fields;
      assert.equal(readHeader(bytes, 0), {
        ...rest,
        attributes: isTransactional ? TRANSACTIONAL : 0,
        lastOffsetDelta: all.length - 1,
        baseTimestamp: all[0]!.timestamp,
        maxTimestamp: Math.max(...all.map((one) => one.timestamp)),
        count: all.length,
      });
      assert.equal(
        readRecords(bytes),
        all.map((one, i) => plain({ ...one, offset: fields.baseOffset + i })),
      );
    }),
    { numRuns: 200 },
  );
});

test('kafkajs reads what is written', async () => {
  await fc.assert(
    fc.asyncProperty(records, async (all) => {
      const batch = build(all);
      setBaseOffset(batch, 0, 1000);
      const decoded = await oracleDecode(batch);
      assert.is(decoded.firstOffset, '1000');
      assert.is(decoded.records.length, all.length);
      decoded.records.forEach((got, i) => {
        const one = all[i]!;
        assert.is(got.offset, `${1000 + i}`);
        assert.is(got.timestamp, `${one.timestamp}`);
        assert.equal(got.key === null ? undefined : Uint8Array.from(got.key), plainBytes(one.key));
        assert.equal(got.value === null ? undefined : Uint8Array.from(got.value), plainBytes(one.value));
      });
    }),
    { numRuns: 200 },
  );
});

test('reads back what is written: nulls, empty keys, equal header names, headers without a value', () => {
  fc.assert(
    fc.property(records, (all) => {
      const batch = build(all);
      checkBatch(batch, 0, batch.length);
      checkRecords(batch, 0);
      assert.equal(
        readRecords(batch),
        all.map((one, offset) => plain({ ...one, offset })),
      );
    }),
  );
});

test('base offset and leader epoch change in place and the checksum still holds', () => {
  fc.assert(
    fc.property(records, fc.nat({ max: 2 ** 31 - 1 }), fc.maxSafeNat(), (all, epoch, wide) => {
      const batch = build(all);
      const offset = Math.min(wide, Number.MAX_SAFE_INTEGER - all.length);
      setBaseOffset(batch, 0, offset);
      setLeaderEpoch(batch, 0, epoch);
      assert.is(checkBatch(batch, 0, batch.length), batch.length);
      assert.is(leaderEpochOf(batch, 0), epoch);
      assert.is(lastOffsetOf(batch, 0), offset + all.length - 1);
      assert.equal(
        readRecords(batch).map((one) => one.offset),
        all.map((_, i) => offset + i),
      );
    }),
  );
});

test('a batch anywhere in a buffer is read alike', () => {
  const one = textBatch(['a', 'b']);
  const buffer = new Uint8Array(one.length * 2 + 5).fill(0xee);
  buffer.set(one, 5);
  buffer.set(one, 5 + one.length);
  const second = checkBatch(buffer, 5, buffer.length);
  assert.is(second, 5 + one.length);
  assert.is(checkBatch(buffer, second, buffer.length), buffer.length);
  assert.equal(readRecords(buffer, second), readRecords(one));
  assert.is(batchBytes(buffer, second), one.length);
});

test('a header is written as it was read', () => {
  fc.assert(
    fc.property(records, (all) => {
      const batch = build(all);
      const copy = Uint8Array.from(batch).fill(0, 0, 61);
      writeHeader(copy, 0, copy.length, readHeader(batch, 0));
      assert.equal(copy, batch);
      assert.is(crcOf(copy, 0), computeCrc(copy, 0));
    }),
  );
});

function plainBytes(bytes: Uint8Array | undefined): Uint8Array | undefined {
  return bytes === undefined ? undefined : Uint8Array.from(bytes);
}

function plain<T extends { key: Uint8Array | undefined; value: Uint8Array | undefined }>(one: T): T {
  return { ...one, key: plainBytes(one.key), value: plainBytes(one.value) };
}

test.run();
