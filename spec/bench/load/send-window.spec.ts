import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SendWindow } from '../../../bench/load/send-window.ts';

const test = suite('send window');

test('never more than the window in flight, slots in order, acks due in the order of sending', () => {
  const step = fc.oneof(
    fc.record({ take: fc.integer({ min: 1, max: 50 }) }),
    fc.record({ acks: fc.integer({ min: 1, max: 50 }) }),
  );
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 1, max: 64 }),
      fc.array(step, { maxLength: 100 }),
      (size, slotsMin, steps) => {
        const window = new SendWindow(size, slotsMin);
        assert.ok(window.slots >= 2 * size && window.slots >= slotsMin);
        const inFlight: number[] = [];
        let next = 0;
        for (const action of steps) {
          if ('take' in action) {
            const { first, count } = window.take(action.take);
            assert.is(first, next % window.slots);
            assert.ok(count <= action.take && first + count <= window.slots);
            assert.ok(count > 0 || inFlight.length === size);
            for (let i = 0; i < count; i++) inFlight.push(first + i + 1);
            next += count;
          } else {
            for (let i = 0; i < action.acks && inFlight.length > 0; i++) {
              assert.is(window.nextAckId, inFlight.shift());
              window.ack();
            }
          }
          assert.ok(inFlight.length <= size);
          assert.is(window.credit, size - inFlight.length);
          assert.is(window.sent - window.acked, inFlight.length);
          assert.is(new Set(inFlight).size, inFlight.length);
        }
      },
    ),
    { numRuns: 500 },
  );
});

test('an ack for nothing is refused', () => {
  const window = new SendWindow(2);
  assert.throws(() => window.ack(), /was not sent/);
  assert.throws(() => new SendWindow(0), /window/);
});

test.run();
