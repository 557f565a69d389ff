import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { crc32c, crc32cByTables } from '../../src/base/crc32c.ts';

const test = suite('crc32c');

/** RFC 3720 B.4, and the check value of the CRC catalogue. */
const VECTORS: readonly [name: string, bytes: Uint8Array, crc: number][] = [
  ['32 zeroes', new Uint8Array(32), 0x8a9136aa],
  ['32 ones', new Uint8Array(32).fill(0xff), 0x62a8ab43],
  ['ascending', Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
  ['descending', Uint8Array.from({ length: 32 }, (_, i) => 31 - i), 0x113fdb5c],
  ['123456789', Buffer.from('123456789'), 0xe3069283],
  ['nothing', new Uint8Array(0), 0],
];

for (const [name, bytes, crc] of VECTORS) {
  test(`known vector: ${name}`, () => {
    assert.is(crc32c(bytes), crc);
    assert.is(crc32cByTables(bytes, 0, bytes.length), crc);
  });
}

/** One bit at a time, straight from the definition. */
function bitwise(bytes: Uint8Array, before = 0): number {
  let crc = ~before;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

/** Lengths on both sides of the size at which the way of computing changes. */
const part = fc
  .uint8Array({ maxLength: 700, size: 'max' })
  .chain((bytes) => fc.tuple(fc.constant(bytes), fc.nat({ max: bytes.length }), fc.nat({ max: bytes.length })))
  .map(([bytes, a, b]) => ({ bytes, start: Math.min(a, b), end: Math.max(a, b) }));

test('both ways agree with the definition, for any part of any kind of memory', () => {
  fc.assert(
    fc.property(part, fc.boolean(), ({ bytes, start, end }, isShared) => {
      const memory = new Uint8Array(isShared ? new SharedArrayBuffer(bytes.length) : new ArrayBuffer(bytes.length));
      memory.set(bytes);
      const expected = bitwise(bytes.subarray(start, end));
      assert.is(crc32c(memory, start, end), expected);
      assert.is(crc32cByTables(memory, start, end), expected);
    }),
  );
});

test('a continuation gives the checksum of the whole', () => {
  fc.assert(
    fc.property(part, ({ bytes, start }) => {
      const whole = bitwise(bytes);
      assert.is(crc32c(bytes, start, bytes.length, crc32c(bytes, 0, start)), whole);
      assert.is(crc32cByTables(bytes, start, bytes.length, crc32cByTables(bytes, 0, start)), whole);
    }),
  );
});

test('long input takes the same value on both ways', () => {
  const bytes = Uint8Array.from({ length: 100_003 }, (_, i) => (i * 31) ^ (i >>> 5));
  assert.is(crc32c(bytes), crc32cByTables(bytes, 0, bytes.length));
  assert.is(crc32c(bytes), bitwise(bytes));
});

test.run();
