import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { VARINT_MAX } from '../../../src/wire/mqtt/constants.ts';
import { bodyOffset, frameLength } from '../../../src/wire/mqtt/frame.ts';
import { writeVarint } from '../../../src/wire/mqtt/varint.ts';

const test = suite('frame');

test('knows a length as soon as its bytes are there, wherever the packet stands', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: VARINT_MAX }), fc.nat({ max: 9 }), (remaining, pos) => {
      const buf = new Uint8Array(pos + 5).fill(0x30);
      const body = writeVarint(buf, pos + 1, remaining);
      for (let limit = pos + 1; limit < body; limit++) assert.is(frameLength(buf, pos, limit), 0);
      assert.is(frameLength(buf, pos, body), body - pos + remaining);
      assert.is(bodyOffset(buf, pos), body);
    }),
  );
});

test('refuses a remaining length of five bytes or of more bytes than needed', () => {
  for (const length of [
    [0x80, 0x00],
    [0x82, 0x80, 0x00],
    [0xff, 0xff, 0xff, 0x00],
    [0xff, 0xff, 0xff, 0xff, 0x01],
  ]) {
    assert.is(frameLength(Uint8Array.of(0x30, ...length), 0, 1 + length.length), -1, length.join());
  }
  assert.is(frameLength(Uint8Array.of(0x30, 0xff, 0xff, 0xff), 0, 4), 0, 'four bytes can still be well formed');
});

test.run();
