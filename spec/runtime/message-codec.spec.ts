import { decode, ExtensionCodec } from '@msgpack/msgpack';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { decodeMessage, encodeMessage } from '../../src/runtime/message-codec.ts';

const test = suite('message-codec');

/** Plain data as actors send it: what MessagePack can say without extensions. */
const message = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.string(),
    fc.boolean(),
    fc.constant(null),
    fc.maxSafeInteger(),
    fc.double({ noNaN: true }),
    fc.uint8Array({ maxLength: 300 }),
    fc.array(tie('value'), { maxLength: 5 }),
    fc.dictionary(
      fc.string().filter((key) => key !== '__proto__'),
      tie('value'),
      { maxKeys: 5, noNullPrototype: true },
    ),
  ),
})).value;

/** Buffers and Uint8Arrays alike, and no difference between 0 and -0, which MessagePack integers do not have. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return `bytes:${Buffer.from(value).toString('hex')}`;
  if (Array.isArray(value)) return value.map(plain);
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
  }
  return value === 0 ? 0 : value;
}

test('what is encoded comes back, from an offset and from shared memory', () => {
  fc.assert(
    fc.property(message, fc.nat(100), (value, offset) => {
      const { bytes, start, end } = encodeMessage(value);
      const memory = new Uint8Array(new SharedArrayBuffer(offset + end - start));
      memory.set(bytes.subarray(start, end), offset);
      assert.equal(plain(decodeMessage(memory, offset, memory.length)), plain(value));
    }),
  );
});

test('nothing of what is decoded lies in the bytes that it came in, of any size and as a socket hands them out', () => {
  for (const size of [10, 1000, 70_000]) {
    const value = { bytes: new Uint8Array(size).fill(7) };
    const { bytes, start, end } = encodeMessage(value);
    const read = Buffer.from(bytes.subarray(start, end));
    const decoded = decodeMessage(read, 0, read.length);
    read.fill(0xdd);
    assert.equal(plain(decoded), plain(value), `${size} bytes`);
  }
});

/** msgpackr writes a typed array as extension 't': a byte for its kind, then its memory. */
const extensionCodec = new ExtensionCodec();
extensionCodec.register({ type: 0x74, encode: () => null, decode: (data) => data.subarray(1) });

test('an independent decoder reads the same: it is MessagePack', () => {
  fc.assert(
    fc.property(message, (value) => {
      const { bytes, start, end } = encodeMessage(value);
      assert.equal(plain(decode(bytes.subarray(start, end), { extensionCodec })), plain(value));
    }),
  );
});

test('a decoded message keeps nothing of the memory that it came from', () => {
  const { bytes, start, end } = encodeMessage({ payload: new Uint8Array([1, 2, 3]), text: 'abc' });
  const memory = Uint8Array.from(bytes.subarray(start, end));
  const decoded = decodeMessage(memory, 0, memory.length);
  memory.fill(0xff);
  assert.equal(plain(decoded), { payload: 'bytes:010203', text: 'abc' });
});

test.run();
