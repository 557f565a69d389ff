import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { mix32, Prng } from '../../src/base/prng.ts';

const test = suite('prng');

const FIRST_OF_SEED_1 = [3820265097, 3878146265, 261769252, 1266206002];

function numbers(seed: number, count: number): number[] {
  const prng = new Prng(seed);
  return Array.from({ length: count }, () => prng.nextU32());
}

test('a seed is a sequence', () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), (seed) => {
      assert.equal(numbers(seed, 20), numbers(seed, 20));
    }),
  );
});

test('the sequence stays the same from release to release: seeds are written down', () => {
  assert.equal(numbers(1, 4), FIRST_OF_SEED_1);
});

test('every bit of the seed counts', () => {
  const seen = new Set<string>();
  for (let bit = 0; bit < 53; bit++) seen.add(numbers(2 ** bit, 3).join());
  seen.add(numbers(0, 3).join());
  assert.is(seen.size, 54);
});

test('stays in its bounds and reaches all of them', () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), fc.integer({ min: 1, max: 50 }), (seed, bound) => {
      const prng = new Prng(seed);
      const seen = new Set<number>();
      for (let i = 0; i < 60 * bound; i++) {
        const value = prng.below(bound);
        assert.ok(Number.isInteger(value) && value >= 0 && value < bound);
        seen.add(value);
        const unit = prng.next();
        assert.ok(unit >= 0 && unit < 1);
      }
      // A bound of 50 is missed with a probability of 1e-24.
      assert.is(seen.size, bound);
    }),
  );
});

test('is even: each of 16 values comes about as often as the others', () => {
  const counts = new Array<number>(16).fill(0);
  const prng = new Prng(42);
  for (let i = 0; i < 160_000; i++) counts[prng.below(16)]!++;
  const chiSquare = counts.reduce((sum, count) => sum + (count - 10_000) ** 2 / 10_000, 0);
  assert.ok(chiSquare < 45, `chi square ${chiSquare} with 15 degrees of freedom`);
});

test('chance is certain at its ends', () => {
  const prng = new Prng(7);
  for (let i = 0; i < 1000; i++) {
    assert.not.ok(prng.chance(0));
    assert.ok(prng.chance(1));
  }
});

test('refuses what is no seed and no bound', () => {
  for (const seed of [0.5, Number.NaN, 2 ** 53]) assert.throws(() => new Prng(seed), /seed/);
  assert.throws(() => new Prng(1).below(0), /bound/);
});

test('mix32 loses nothing: it is a permutation, sampled', () => {
  const seen = new Set<number>();
  for (let i = 0; i < 100_000; i++) seen.add(mix32(i * 40_503));
  assert.is(seen.size, 100_000);
  assert.ok([...seen].every((value) => value >= 0 && value < 2 ** 32));
});

test.run();
