import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { TokenBucket } from '../../src/base/token-bucket.ts';

const test = suite('token bucket');

test('a burst is free, what is beyond it is waited for', () => {
  const bucket = new TokenBucket(10, 20);
  assert.is(bucket.spend(20, 0), 0);
  assert.is(bucket.spend(1, 0), 100);
  assert.is(bucket.spend(0, 100), 0);
  assert.is(bucket.spend(5, 100), 500);
  assert.is(bucket.spend(20, 1e9), 0, 'after a rest it is full again, and no fuller');
  assert.is(bucket.spend(1, 1e9), 100);
});

test('who waits as long as told never gets more than the burst, one debt, and the rate', () => {
  const step = fc.tuple(fc.integer({ min: 0, max: 500 }), fc.integer({ min: 0, max: 1000 }));
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1000 }), fc.array(step, { maxLength: 50 }), (rate, steps) => {
      const bucket = new TokenBucket(rate);
      let [now, spent, largest] = [0, 0, 0];
      for (const [amount, restMs] of steps) {
        const waitMs = bucket.spend(amount, now);
        spent += amount;
        largest = Math.max(largest, amount);
        assert.ok(spent <= rate + largest + (rate * now) / 1000 + 1e-6, `${spent} by ${now} ms`);
        now += waitMs + restMs;
      }
    }),
  );
});

test('who waits for what is to be spent makes no debt', () => {
  const step = fc.tuple(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 0, max: 400 }));
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 500 }), fc.array(step, { maxLength: 100 }), (rate, steps) => {
      const bucket = new TokenBucket(rate, Math.max(rate, 20));
      let now = 0;
      for (const [amount, restMs] of steps) {
        now += restMs + bucket.delayMs(amount, now + restMs);
        assert.is(bucket.delayMs(amount, now), 0, 'asking costs nothing');
        assert.is(bucket.spend(amount, now), 0);
      }
    }),
    {
      examples: [
        [
          2,
          [
            [3, 0],
            [1, 129],
            [8, 0],
            [8, 0],
            [5, 91],
          ],
        ],
      ],
    },
  );
});

test('who keeps to the rate never waits', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1000 }), fc.integer({ min: 1, max: 100 }), (rate, count) => {
      const bucket = new TokenBucket(rate);
      for (let i = 0; i < count; i++) assert.is(bucket.spend(1, Math.ceil((i * 1000) / rate)), 0);
    }),
  );
});

test.run();
