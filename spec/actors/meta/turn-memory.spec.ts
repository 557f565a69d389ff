import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { TurnMemory } from '../../../src/actors/meta/service/turn-memory.ts';

const test = suite('memory of a turn');

test('all that a turn has brought stays as it came until the turn is over, whatever its sizes', () => {
  const memory = new TurnMemory();
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 300_000 }), { maxLength: 12 }), (sizes) => {
      const sources = sizes.map((size, i) => new Uint8Array(size).fill(i + 1));
      const copies = sources.map((source) => memory.copy(source));
      for (const source of sources) source.fill(0);
      for (const [i, copy] of copies.entries()) {
        assert.is(copy.length, sizes[i]);
        assert.ok(copy.every((byte) => byte === i + 1));
      }
      memory.clear();
    }),
    { numRuns: 50 },
  );
});

test('the next turn uses the same memory', () => {
  const memory = new TurnMemory();
  const { buffer } = memory.copy(new Uint8Array(10));
  memory.clear();
  assert.is(memory.copy(new Uint8Array(10)).buffer, buffer);
});

test.run();
