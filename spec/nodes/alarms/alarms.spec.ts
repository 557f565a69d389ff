import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AlarmBook } from '../../../src/nodes/alarms/alarm-book.ts';
import { conditionsOf, type NodeVitals } from '../../../src/nodes/alarms/conditions.ts';

const test = suite('alarms');

const step = fc.record({ do: fc.constantFrom('on', 'off'), name: fc.constantFrom('a', 'b', 'c') });

test('an alarm is active once, and in the history once for each time that it was', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.nat(5), (steps, historyMax) => {
      const book = new AlarmBook(historyMax);
      const active = new Map<string, number>();
      const past: [string, number, number][] = [];
      for (const [now, each] of steps.entries()) {
        if (each.do === 'on') {
          assert.is(book.activate(each.name, 'm', { now }, now) !== undefined, !active.has(each.name));
          if (!active.has(each.name)) active.set(each.name, now);
        } else {
          const since = active.get(each.name);
          assert.is(book.deactivate(each.name, now) !== undefined, since !== undefined);
          if (since !== undefined) past.unshift([each.name, since, now]);
          active.delete(each.name);
        }
        assert.equal(new Map(book.active.map(({ name, activatedAt }) => [name, activatedAt])), active);
        assert.equal(
          book.history.map(({ name, activatedAt, deactivatedAt }) => [name, activatedAt, deactivatedAt]),
          past.slice(0, historyMax),
        );
      }
      book.clearHistory();
      assert.equal(book.history, []);
    }),
  );
});

const VITALS: NodeVitals = {
  busy: new Map([[1, 0.1]]),
  reactorsDown: [],
  residentBytes: 10,
  memoryBytes: 100,
  disk: { freeBytes: 50, bytes: 100 },
  connections: 0,
  connectionsMax: 100,
};
const THRESHOLDS = { busy: 0.9, memory: 0.8, diskUsed: 0.9, connections: 0.5 };

function states(vitals: Partial<NodeVitals>): Record<string, string> {
  return Object.fromEntries(conditionsOf({ ...VITALS, ...vitals }, THRESHOLDS).map(({ name, state }) => [name, state]));
}

test('what is bad, what is good, and what keeps an alarm that is there', () => {
  assert.equal(new Set(Object.values(states({}))), new Set(['good']));
  assert.is(states({ connections: 50 }).connections_high, 'bad');
  assert.is(states({ connections: 46 }).connections_high, 'keep');
  assert.is(states({ connections: 44 }).connections_high, 'good');
  assert.is(states({ residentBytes: 90 }).memory_high, 'bad');
  assert.is(states({ disk: { freeBytes: 1, bytes: 100 } }).disk_full, 'bad');
  assert.is(states({ disk: undefined }).disk_full, undefined);
  assert.is(states({ reactorsDown: [1] }).reactor_down_1, 'bad');
  assert.is(states({ busy: new Map([[1, 1]]) }).reactor_busy_1, 'bad');
  const off = conditionsOf({ ...VITALS, connections: 100 }, { busy: 0, memory: 0, diskUsed: 0, connections: 0 });
  assert.ok(off.every(({ state }) => state === 'good'));
});

test.run();
