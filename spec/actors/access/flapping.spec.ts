import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FlappingDetector } from '../../../src/actors/access/flapping.ts';

const test = suite('flapping');

test('so many connects within a window are too many, and then the count begins anew', () => {
  const detector = new FlappingDetector({ connects: 3, windowMs: 100 });
  const connects = (...times: number[]): boolean[] => times.map((now) => detector.connected('c', now));
  assert.equal(connects(0, 50, 99), [false, false, true]);
  assert.equal(connects(99, 99, 99), [false, false, true]);
  assert.equal(connects(200, 250, 301), [false, false, false], 'the window was over');
  assert.ok(new FlappingDetector({ connects: 1, windowMs: 1 }).connected('c', 0));
});

test('clients are counted apart, as one after the other would be', () => {
  const event = fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.integer({ min: 0, max: 40 }));
  fc.assert(
    fc.property(fc.array(event, { maxLength: 60 }), (events) => {
      const together = new FlappingDetector({ connects: 3, windowMs: 100 });
      const apart = new Map(['a', 'b', 'c'].map((id) => [id, new FlappingDetector({ connects: 3, windowMs: 100 })]));
      let now = 0;
      for (const [id, pause] of events) {
        now += pause;
        assert.is(together.connected(id, now), apart.get(id)!.connected(id, now));
      }
    }),
  );
});

test('no more clients are remembered than allowed', () => {
  const detector = new FlappingDetector({ connects: 2, windowMs: 1000 }, 2);
  assert.not(detector.connected('a', 0));
  assert.not(detector.connected('b', 1));
  assert.not(detector.connected('c', 2), 'a is forgotten for it');
  assert.ok(detector.connected('b', 3));
  assert.not(detector.connected('a', 4));
});

test.run();
