// Ranges against a set of numbers.
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Range, Ranges } from '../../src/base/ranges.ts';

const test = suite('ranges');
const MAX = 40;

function rangesOf(numbers: readonly number[]): Range[] {
  const list: { from: number; to: number }[] = [];
  for (const number of numbers) {
    const last = list.at(-1);
    if (last?.to === number) last.to++;
    else list.push({ from: number, to: number + 1 });
  }
  return list;
}

test('they are what was added and not removed, in order, and no two touch', () => {
  const change = fc.record({
    isAdded: fc.boolean(),
    from: fc.integer({ min: 0, max: MAX }),
    length: fc.integer({ min: 0, max: 8 }),
    at: fc.integer({ min: 0, max: MAX }),
  });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
      const ranges = new Ranges();
      const model = new Set<number>();
      for (const { isAdded, from, length, at } of changes) {
        if (isAdded) ranges.add(from, from + length);
        else ranges.remove(from, from + length);
        for (let number = from; number < from + length; number++) {
          if (isAdded) model.add(number);
          else model.delete(number);
        }
        const numbers = [...model].sort((a, b) => a - b);
        assert.equal([...ranges], rangesOf(numbers));
        assert.equal([ranges.first, ranges.isEmpty], [rangesOf(numbers)[0], numbers.length === 0]);
        assert.equal([ranges.end, ranges.has(at)], [Math.max(-1, ...numbers) + 1, model.has(at)]);
        const missing = Array.from({ length: MAX + 10 }, (_, number) => number).filter((number) => !model.has(number));
        assert.is(
          ranges.gapFrom(at),
          missing.find((number) => number >= at),
        );
        assert.equal(ranges.gaps(at, at + length), rangesOf(missing.filter((number) => number >= at && number < at + length)));
      }
    }),
    { numRuns: 500 },
  );
});

test.run();
