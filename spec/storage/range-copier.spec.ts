import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RangeCopier } from '../../src/storage/range-copier.ts';

const test = suite('range copier');

test('copies what `set` copies, whatever the sources and targets', () => {
  const noise = (seed: number, length: number): Uint8Array =>
    Uint8Array.from({ length }, (_, i) => (i * 31 + seed * 17) ^ (i >> 8));
  // A view into the middle of a larger buffer, a Buffer of the pool, an array of its own.
  const sources = [noise(1, 600).subarray(7, 500), Buffer.from(noise(2, 400)), noise(3, 300)];
  const copies = fc.array(
    fc.record({
      source: fc.nat(2),
      target: fc.nat(1),
      start: fc.nat(150),
      length: fc.oneof(fc.nat(20), fc.nat(150)),
      at: fc.nat(300),
    }),
    { maxLength: 12 },
  );
  fc.assert(
    fc.property(copies, fc.boolean(), (all, forget) => {
      const copier = new RangeCopier();
      const targets = [new Uint8Array(500).subarray(9), Buffer.alloc(480)];
      const expected = targets.map((target) => Uint8Array.from(target));
      for (const { source, target, start, length, at } of all) {
        const from = sources[source]!;
        expected[target]!.set(from.subarray(start, start + length), at);
        assert.is(copier.copy(targets[target]!, at, from, start, start + length), at + length);
        if (forget) copier.forget();
      }
      targets.forEach((target, i) => {
        assert.equal(Uint8Array.from(target), expected[i]);
      });
    }),
    { numRuns: 2000 },
  );
});

test.run();
