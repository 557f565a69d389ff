import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { TIMER_TICK_MS } from '../../src/base/limits.ts';
import { type TimerEntry, TimerWheel } from '../../src/runtime/timers.ts';

const test = suite('timer wheel');

test('fires once, in order, never early', () => {
  const wheel = new TimerWheel(0);
  const fired: number[] = [];
  const start = (delayMs: number, key: number) => wheel.start(0, delayMs, key, undefined, (entry) => fired.push(entry.key));
  start(50, 2);
  start(20, 1);
  start(50, 3);
  wheel.advance(19, 100);
  assert.equal(fired, []);
  wheel.advance(49, 100);
  assert.equal(fired, [1]);
  wheel.advance(500, 100);
  assert.equal(fired, [1, 2, 3]);
  assert.is(wheel.size, 0);
  assert.is(wheel.nextDueMs(), Number.POSITIVE_INFINITY);
});

test('a budget leaves the rest for the next call', () => {
  const wheel = new TimerWheel(0);
  let fired = 0;
  for (let i = 0; i < 10; i++) wheel.start(0, 30, i, undefined, () => fired++);
  assert.is(wheel.advance(100, 4), 4);
  assert.is(wheel.nextDueMs(), 0);
  assert.is(wheel.advance(100, 100), 6);
  assert.is(fired, 10);
});

test('an action may cancel another timer of the same tick and start new ones', () => {
  const wheel = new TimerWheel(0);
  const fired: string[] = [];
  const entries: TimerEntry[] = [];
  wheel.start(0, 10, 0, undefined, () => {
    fired.push('first');
    wheel.cancel(entries[0]!);
    wheel.start(10, 0, 0, undefined, () => fired.push('new'));
  });
  entries.push(wheel.start(0, 10, 1, undefined, () => fired.push('cancelled')));
  wheel.advance(10, 100);
  assert.equal(fired, ['first']);
  wheel.advance(20, 100);
  assert.equal(fired, ['first', 'new']);
});

/** Delays across all four levels, and beyond the last. */
const delay = fc.oneof(
  fc.integer({ min: 0, max: 3000 }),
  fc.integer({ min: 0, max: 400_000 }),
  fc.integer({ min: 0, max: 30_000_000 }),
  fc.integer({ min: 0, max: 1_500_000_000 }),
);

test('property: every timer fires within a tick of its due time when the wheel is advanced as it asks', () => {
  const timer = fc.record({ startMs: fc.integer({ min: 0, max: 20_000 }), delayMs: delay, cancel: fc.boolean() });
  fc.assert(
    fc.property(fc.array(timer, { maxLength: 30 }), (timers) => {
      const wheel = new TimerWheel(0);
      const queue = [...timers].sort((a, b) => a.startMs - b.startMs);
      let nowMs = 0;
      let expected = 0;
      let fired = 0;
      for (let steps = 0; queue.length > 0 || wheel.size > 0; steps++) {
        assert.ok(steps < 2_000_000, 'the wheel asks for far too many wake-ups');
        while (queue.length > 0 && queue[0]!.startMs <= nowMs) {
          const { delayMs, cancel } = queue.shift()!;
          const dueMs = nowMs + delayMs;
          const entry = wheel.start(nowMs, delayMs, 0, undefined, () => {
            fired++;
            assert.ok(nowMs >= dueMs && nowMs <= dueMs + 2 * TIMER_TICK_MS, `due ${dueMs}, fired ${nowMs}`);
          });
          if (cancel) wheel.cancel(entry);
          else expected++;
        }
        nowMs = Math.max(nowMs, Math.min(wheel.nextDueMs(), queue[0]?.startMs ?? Number.POSITIVE_INFINITY));
        if (nowMs === Number.POSITIVE_INFINITY) break;
        wheel.advance(nowMs, 1000);
      }
      assert.is(fired, expected);
      assert.is(wheel.size, 0);
    }),
    { numRuns: 20 },
  );
});

test.run();
