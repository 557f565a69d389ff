import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { VARINT_MAX } from '../../../src/wire/mqtt/constants.ts';
import { readVarint, VARINT_INCOMPLETE, VARINT_MALFORMED, varintSize, writeVarint } from '../../../src/wire/mqtt/varint.ts';

const test = suite('variable byte integer');

test('reads what it writes, in the bytes that it announced', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: VARINT_MAX }), fc.nat({ max: 5 }), (value, pos) => {
      const out = new Uint8Array(pos + 4).fill(0xff);
      const end = writeVarint(out, pos, value);
      assert.is(end - pos, varintSize(value));
      assert.is(readVarint(out, pos, end), value);
      for (let limit = pos; limit < end; limit++) assert.is(readVarint(out, pos, limit), VARINT_INCOMPLETE);
    }),
  );
});

test('has the bounds of table 1-1', () => {
  for (const [value, bytes] of [
    [0, [0x00]],
    [127, [0x7f]],
    [128, [0x80, 0x01]],
    [16_383, [0xff, 0x7f]],
    [16_384, [0x80, 0x80, 0x01]],
    [2_097_151, [0xff, 0xff, 0x7f]],
    [2_097_152, [0x80, 0x80, 0x80, 0x01]],
    [268_435_455, [0xff, 0xff, 0xff, 0x7f]],
  ] as const) {
    assert.is(readVarint(Uint8Array.from(bytes), 0, bytes.length), value);
    assert.is(varintSize(value), bytes.length);
  }
});

test('refuses a fifth byte and any form that is not the shortest [MQTT-1.5.5-1]', () => {
  for (const bytes of [
    [0x80, 0x00],
    [0xff, 0x00],
    [0x80, 0x80, 0x00],
    [0x81, 0x80, 0x80, 0x00],
    [0x80, 0x80, 0x80, 0x80],
    [0xff, 0xff, 0xff, 0xff, 0x7f],
  ]) {
    assert.is(readVarint(Uint8Array.from(bytes), 0, bytes.length), VARINT_MALFORMED, bytes.join());
  }
});

test.run();
