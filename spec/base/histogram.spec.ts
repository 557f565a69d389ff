import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { bucketOf, bucketTop, HISTOGRAM_VALUE_MAX, Histogram } from '../../src/base/histogram.ts';

const value = fc.oneof(fc.integer({ min: 0, max: 2000 }), fc.integer({ min: 0, max: HISTOGRAM_VALUE_MAX }));
const values = fc.array(value, { minLength: 1, maxLength: 200 });

function histogramOf(numbers: readonly number[]): Histogram {
  const histogram = new Histogram();
  for (const number of numbers) histogram.record(number);
  return histogram;
}

const test = suite('histogram');

test('every value lies in its bucket and above the bucket before, which is at most 1/128 of it wide', () => {
  fc.assert(
    fc.property(value, (number) => {
      const bucket = bucketOf(number);
      const top = bucketTop(bucket);
      assert.ok(number <= top);
      assert.ok(bucket === 0 || number > bucketTop(bucket - 1));
      assert.ok(top - number <= number / 128);
    }),
    { numRuns: 2000 },
  );
});

test('the edges of the range have buckets', () => {
  assert.is(bucketOf(255), 255);
  assert.is(bucketOf(256), 256);
  assert.is(bucketOf(257), 256);
  assert.is(bucketTop(bucketOf(HISTOGRAM_VALUE_MAX)), HISTOGRAM_VALUE_MAX);
});

test('a quantile is the value of that rank or up to 1/128 above it', () => {
  fc.assert(
    fc.property(values, fc.double({ min: 0, max: 1, noNaN: true }), (numbers, quantile) => {
      const sorted = [...numbers].sort((a, b) => a - b);
      const exact = sorted[Math.max(0, Math.ceil(quantile * sorted.length * (1 - Number.EPSILON)) - 1)] as number;
      const reported = histogramOf(numbers).quantile(quantile);
      assert.ok(reported >= exact && reported <= exact * (1 + 1 / 128), `${reported} for ${exact}`);
    }),
    { numRuns: 1000 },
  );
});

test('a rank that a product of fractions overshoots by a hair is not the next one', () => {
  const histogram = histogramOf(Array.from({ length: 100 }, (_, i) => i + 1));
  assert.ok(0.07 * 100 > 7);
  assert.is(histogram.quantile(0.07), 7);
  assert.is(histogram.quantile(0.99), 99);
  assert.is(histogram.quantile(1), 100);
});

test('count, mean, least and greatest are exact', () => {
  fc.assert(
    fc.property(values, (numbers) => {
      const histogram = histogramOf(numbers);
      assert.is(histogram.count, numbers.length);
      assert.is(histogram.min, Math.min(...numbers));
      assert.is(histogram.max, Math.max(...numbers));
      assert.is(histogram.mean, numbers.reduce((sum, number) => sum + number, 0) / numbers.length);
    }),
  );
});

test('merging, also of a snapshot that went through JSON, equals recording everything in one', () => {
  fc.assert(
    fc.property(values, values, (some, others) => {
      const whole = histogramOf([...some, ...others]).snapshot();
      const merged = histogramOf(some);
      merged.merge(histogramOf(others));
      assert.equal(merged.snapshot(), whole);
      const revived = new Histogram();
      revived.merge(JSON.parse(JSON.stringify(whole)) as typeof whole);
      assert.equal(revived.snapshot(), whole);
    }),
  );
});

test('fractions are cut, what is out of range counts as the nearer end, times count', () => {
  const histogram = new Histogram();
  histogram.record(2.9, 3);
  histogram.record(-5);
  histogram.record(2 ** 40);
  assert.is(histogram.count, 5);
  assert.is(histogram.quantile(0.5), 2);
  assert.is(histogram.min, 0);
  assert.is(histogram.max, HISTOGRAM_VALUE_MAX);
});

test('empty and reset histograms say 0 and merge as nothing', () => {
  const histogram = histogramOf([5, 7]);
  histogram.merge(new Histogram());
  assert.is(histogram.min, 5);
  histogram.reset();
  assert.equal([histogram.count, histogram.min, histogram.max, histogram.mean, histogram.quantile(0.5)], [0, 0, 0, 0, 0]);
  assert.throws(() => histogram.quantile(1.1), /quantile/);
});

test.run();
