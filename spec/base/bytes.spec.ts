import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { cloneBytes, copyBytes, copyWords, ownBytes } from '../../src/base/bytes.ts';

const test = suite('bytes');

/** Lengths on both sides of the size at which the way of copying changes. */
const source = fc
  .uint8Array({ maxLength: 120 })
  .chain((from) => fc.tuple(fc.constant(from), fc.nat({ max: from.length }), fc.nat({ max: from.length })))
  .map(([from, a, b]) => ({ from, start: Math.min(a, b), end: Math.max(a, b) }));

test('copies a part to where it belongs and nothing else', () => {
  fc.assert(
    fc.property(source, fc.nat({ max: 9 }), fc.nat({ max: 9 }), ({ from, start, end }, at, after) => {
      const part = [...from].slice(start, end);
      const to = new Uint8Array(at + part.length + after).fill(0xee);
      assert.is(copyBytes(to, at, from, start, end), at + part.length);
      assert.equal([...to], [...new Array(at).fill(0xee), ...part, ...new Array(after).fill(0xee)]);
    }),
  );
});

test('copies words between views, whatever the bytes are and wherever they lie', () => {
  fc.assert(
    fc.property(source, fc.nat({ max: 9 }), fc.nat({ max: 9 }), ({ from, start, end }, at, after) => {
      const part = [...from].slice(start, end);
      const to = new Uint8Array(at + part.length + after).fill(0xee);
      copyWords(new DataView(to.buffer), at, new DataView(from.buffer, from.byteOffset, from.length), start, end);
      assert.equal([...to], [...new Array(at).fill(0xee), ...part, ...new Array(after).fill(0xee)]);
    }),
  );
});

test('a clone has memory of its own, of its own size, also when it is of a Buffer', () => {
  fc.assert(
    fc.property(source, fc.boolean(), ({ from, start, end }, buffer) => {
      const original = buffer ? Buffer.from(from) : Uint8Array.from(from);
      const clone = cloneBytes(original, start, end);
      original.fill(0);
      assert.equal([...clone], [...from].slice(start, end));
      assert.is(clone.buffer.byteLength, end - start);
    }),
  );
});

test('parts of blocks are copies too, whatever else the block holds', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(source, fc.constantFrom(1, 40)), { maxLength: 30 }), (sources) => {
      const parts = sources.map(([{ from, start, end }, times]) => {
        const long = Buffer.concat(Array.from({ length: times }, () => from.subarray(start, end)));
        return { expected: Buffer.from(long), own: ownBytes(long, 0, long.length), long };
      });
      for (const { long } of parts) long.fill(0);
      for (const { expected, own } of parts) assert.ok(expected.equals(own));
    }),
  );
});

test.run();
