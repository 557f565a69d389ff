/** Where a replay is, whatever is sent and acknowledged: nothing unacknowledged lies before the place that is kept. */
import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ReplayMachine } from '../../../src/actors/replay/machine.ts';

const test = suite('the places of a replay');

const step = fc.oneof(
  fc.record({ do: fc.constant('send' as const), index: fc.nat(2), gap: fc.nat(3) }),
  fc.record({ do: fc.constant('acknowledge' as const), which: fc.nat(1000) }),
  fc.record({ do: fc.constant('prune' as const) }),
);

test('the place to go on from is that of the oldest message in flight', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      const machine = new ReplayMachine({ partitions: [0, 1, 2], next: [0, 10, 20], inFlight: [] });
      const out = new Map<number, { index: number; offset: number }>();
      const next = [0, 10, 20];
      let packetId = 1;
      for (const each of steps) {
        if (each.do === 'send') {
          const offset = next[each.index]! + each.gap;
          machine.sent(packetId, each.index, offset);
          machine.passed(each.index, offset);
          out.set(packetId++, { index: each.index, offset });
          next[each.index] = offset + 1;
        } else if (each.do === 'acknowledge' && out.size > 0) {
          out.delete([...out.keys()][each.which % out.size]!);
        } else if (each.do === 'prune') {
          machine.prune((id) => out.has(id));
        }
      }
      machine.prune((id) => out.has(id));
      const expected = next.map((end, index) =>
        Math.min(end, ...[...out.values()].filter((sent) => sent.index === index).map(({ offset }) => offset)),
      );
      assert.equal(machine.acknowledgedTo(), expected);
      const again = new ReplayMachine({ partitions: [0, 1, 2], next, inFlight: machine.inFlight() });
      assert.equal(again.acknowledgedTo(), expected, 'also after it has moved to another thread');
    }),
  );
});

test('partitions take turns, and those that are read to their ends are passed over', () => {
  const machine = new ReplayMachine({ partitions: [0, 1, 2], next: [0, 0, 0], inFlight: [] });
  machine.positions[1]!.end = 0;
  assert.equal([machine.choose(), machine.choose(), machine.choose()], [0, 2, 0]);
  for (const position of machine.positions) position.end = 0;
  assert.is(machine.choose(), undefined);
});

test.run();
