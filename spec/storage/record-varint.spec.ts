import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { VarintReader, varintBytes, writeVarint } from '../../src/storage/record-varint.ts';

const test = suite('varints of records');

/** By the definition, in BigInt. */
function define(value: number): number[] {
  const big = BigInt(value);
  let rest = BigInt.asUintN(64, (big << 1n) ^ (big >> 63n));
  const bytes: number[] = [];
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return [...bytes, Number(rest)];
}

const safe = fc.oneof(
  fc.maxSafeInteger(),
  fc.integer(),
  fc.integer({ min: -9000, max: 9000 }),
  fc.integer({ min: 0, max: 52 }).chain((bits) => fc.constantFrom(2 ** bits, 2 ** bits - 1, -(2 ** bits), -(2 ** bits) - 1)),
);

test('are written as defined, and their size is known before', () => {
  fc.assert(
    fc.property(safe, (value) => {
      const bytes = new Uint8Array(12).fill(0xee);
      const end = writeVarint(bytes, 1, value);
      assert.equal([...bytes.subarray(1, end)], define(value));
      assert.is(varintBytes(value), end - 1);
      assert.is(bytes[end], 0xee);
    }),
    { numRuns: 5000 },
  );
});

test('are read back', () => {
  const reader = new VarintReader();
  fc.assert(
    fc.property(safe, (value) => {
      const bytes = Uint8Array.from([...define(value), 0xee]);
      reader.at = 0;
      assert.is(reader.readI64(bytes, bytes.length), value);
      assert.is(reader.at, bytes.length - 1);
      reader.at = 0;
      const narrow = reader.readI32(bytes, bytes.length);
      const fits = value >= -(2 ** 31) && value < 2 ** 31;
      assert.is(reader.failed, !fits);
      if (fits) assert.is(narrow, value);
      reader.failed = false;
    }),
    { numRuns: 5000 },
  );
});

test('that are cut off, too long or too large fail and are never read past their end', () => {
  fc.assert(
    fc.property(safe, (value) => {
      const bytes = Uint8Array.from(define(value));
      for (const read of ['readI32', 'readI64'] as const) {
        const reader = new VarintReader();
        assert.is(reader[read](bytes, bytes.length - 1), 0);
        assert.ok(reader.failed);
        assert.ok(reader.at <= bytes.length - 1);
      }
    }),
  );
  const endless = new Uint8Array(20).fill(0xff);
  for (const read of ['readI32', 'readI64'] as const) {
    const reader = new VarintReader();
    reader[read](endless, 20);
    assert.ok(reader.failed);
    assert.ok(reader.at <= 10);
  }
  for (const beyond of [2n ** 54n, 2n ** 63n, 2n ** 64n - 1n]) {
    const bytes: number[] = [];
    let rest = beyond;
    for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
    const reader = new VarintReader();
    reader.readI64(Uint8Array.from([...bytes, Number(rest)]), 10);
    assert.ok(reader.failed, `${beyond}`);
  }
});

test.run();
