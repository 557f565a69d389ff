import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { smallest } from '../../../src/actors/clients/smallest.ts';

const test = suite('smallest');

test('is what sorting everything would give', () => {
  const id = fc.string({ maxLength: 4, unit: fc.constantFrom('a', 'b', 'é', 'Z') });
  fc.assert(
    fc.property(
      fc.uniqueArray(id, { maxLength: 100 }),
      id,
      fc.string({ maxLength: 1, unit: fc.constantFrom('a', 'b') }),
      fc.integer({ min: 1, max: 10 }),
      (all, after, like, limit) => {
        const sorted = all.filter((each) => each > after && each.includes(like)).sort();
        assert.equal(smallest(all, after, like, limit), sorted.slice(0, limit));
      },
    ),
  );
});

test.run();
