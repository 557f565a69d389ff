import { isUtf8 } from 'node:buffer';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { isMqttUtf8 } from '../../../src/wire/mqtt/utf8.ts';

const test = suite('utf8');

function oracle(bytes: Uint8Array): boolean {
  return isUtf8(bytes) && !bytes.includes(0);
}

test('agrees with the runtime on any bytes, and sees nothing outside its range', () => {
  // Bytes near the borders of the ranges, so that almost valid sequences are common.
  const byte = fc.constantFrom(
    0x00,
    0x41,
    0x7f,
    0x80,
    0x8f,
    0x90,
    0x9f,
    0xa0,
    0xbf,
    0xc1,
    0xc2,
    0xdf,
    0xe0,
    0xe1,
    0xed,
    0xef,
    0xf0,
    0xf1,
    0xf4,
    0xf5,
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(byte, fc.nat({ max: 255 })), { maxLength: 8 }), fc.nat({ max: 255 }), (list, around) => {
      const bytes = Uint8Array.from(list);
      const framed = Uint8Array.of(around, ...list, around);
      assert.is(isMqttUtf8(framed, 1, 1 + list.length), oracle(bytes));
    }),
    { numRuns: 20_000 },
  );
});

test('accepts every string without U+0000', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const bytes = Buffer.from(text);
      assert.is(isMqttUtf8(bytes, 0, bytes.length), !text.includes('\0'));
    }),
  );
});

test('every code point at the borders, and no surrogate [MQTT-1.5.4-1]', () => {
  for (const code of [0x01, 0x7f, 0x80, 0x7ff, 0x800, 0xd7ff, 0xe000, 0xfeff, 0xffff, 0x1_0000, 0x10_ffff]) {
    const bytes = Buffer.from(String.fromCodePoint(code));
    assert.ok(isMqttUtf8(bytes, 0, bytes.length), code.toString(16));
  }
  for (const bytes of [
    [0xed, 0xa0, 0x80],
    [0xed, 0xbf, 0xbf],
    [0xc0, 0x80],
    [0xe0, 0x9f, 0xbf],
    [0xf0, 0x8f, 0xbf, 0xbf],
    [0xf4, 0x90, 0x80, 0x80],
    [0x80],
    [0xc3],
    [0xe2, 0x82],
    [0xf0, 0x9f, 0x98],
  ]) {
    assert.not.ok(isMqttUtf8(Uint8Array.from(bytes), 0, bytes.length), bytes.map((b) => b.toString(16)).join(' '));
  }
});

test.run();
