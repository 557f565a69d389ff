import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Slowness } from '../../../src/actors/session/slowness.ts';
import { SLOW_GRACE_MS, SLOW_PENALTY_MS } from '../../../src/base/limits.ts';

const test = suite('slowness');

function waiting(slowness: Slowness): { relieved: number } {
  const state = { relieved: 0 };
  slowness.source.wait({ relieved: () => state.relieved++ });
  return state;
}

test('presses until the backlog is low again', () => {
  const slowness = new Slowness();
  assert.is(slowness.above(1000), 'watch');
  assert.is(slowness.above(1010), 'press', 'one watch is enough');
  const waiter = waiting(slowness);
  slowness.below();
  assert.not.ok(slowness.pressing);
  assert.is(waiter.relieved, 1);
  assert.is(slowness.check(1000 + SLOW_GRACE_MS), 0, 'nothing to judge');
});

test('loses the right to press after the grace period and gets it back after the penalty', () => {
  const slowness = new Slowness();
  slowness.above(0);
  const waiter = waiting(slowness);
  assert.is(slowness.check(SLOW_GRACE_MS - 1), 1, 'a timer that is early is set again');
  assert.is(slowness.check(SLOW_GRACE_MS), 0);
  assert.is(waiter.relieved, 1);
  assert.is(slowness.above(SLOW_PENALTY_MS - 1), 'slow');
  assert.is(slowness.above(SLOW_PENALTY_MS), 'watch');
});

test('judges each time of pressing by itself', () => {
  const slowness = new Slowness();
  slowness.above(0);
  slowness.below();
  assert.is(slowness.above(200), 'press', 'the watch of the first time is still to come');
  assert.is(slowness.check(SLOW_GRACE_MS), 200, 'the second time has pressed for 50 ms');
  assert.is(slowness.above(SLOW_GRACE_MS + 1), 'press', 'it is still watched');
  assert.is(slowness.check(SLOW_GRACE_MS + 200), 0);
  assert.not.ok(slowness.pressing);
});

const step = fc.record({ op: fc.constantFrom('above', 'above', 'below'), afterMs: fc.nat({ max: 400 }) });

test('never presses longer than the grace period, in every penalty period, when it is checked as it asks', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const slowness = new Slowness();
      let now = 0;
      let checkAt = Number.POSITIVE_INFINITY;
      let since: number | undefined;
      let lostAt = Number.NEGATIVE_INFINITY;
      const passTo = (then: number): void => {
        while (checkAt <= then) {
          now = checkAt;
          const again = slowness.check(now);
          checkAt = again > 0 ? now + again : Number.POSITIVE_INFINITY;
          if (since !== undefined && !slowness.pressing) {
            assert.is(now - since, SLOW_GRACE_MS);
            lostAt = since;
            since = undefined;
          }
        }
        now = then;
      };
      for (const { op, afterMs } of steps) {
        passTo(now + afterMs);
        if (op === 'below') {
          slowness.below();
          since = undefined;
          continue;
        }
        const verdict = slowness.above(now);
        assert.is(verdict === 'slow', now < lostAt + SLOW_PENALTY_MS);
        if (verdict === 'slow') continue;
        since ??= now;
        if (verdict === 'watch') checkAt = now + SLOW_GRACE_MS;
        assert.ok(checkAt < Number.POSITIVE_INFINITY, 'who presses is watched');
      }
    }),
  );
});

test.run();
