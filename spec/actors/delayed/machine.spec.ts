import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DelayedMachine, type DelayedMessage } from '../../../src/actors/delayed/machine.ts';
import { decodeDelayed, encodeDelayed } from '../../../src/actors/delayed/messages.ts';

const test = suite('delayed machine');

function message(id: string, dueAt: number, bytes = 10): DelayedMessage {
  return { id, dueAt, topic: 't', clientId: 'c', packet: new Uint8Array(bytes), dialect: 0, isKept: false };
}

type Step =
  | { readonly do: 'add'; readonly delay: number }
  | { readonly do: 'delete'; readonly which: number }
  | { readonly do: 'advance'; readonly by: number; readonly max: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('add' as const), delay: fc.nat(50) }),
  fc.record({ do: fc.constant('delete' as const), which: fc.nat(40) }),
  fc.record({ do: fc.constant('advance' as const), by: fc.nat(20), max: fc.integer({ min: 1, max: 5 }) }),
);

test('everything comes out once, in the order of its time and then of its coming, unless it is deleted', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const machine = new DelayedMachine({ messagesMax: 1000, bytesMax: 1_000_000 });
      let model: DelayedMessage[] = [];
      let now = 0;
      let next = 0;
      for (const each of steps) {
        if (each.do === 'add') {
          const added = message(`m${next++}`, now + each.delay);
          machine.add(added);
          model.push(added);
          model.sort((a, b) => a.dueAt - b.dueAt); // stable: ties stay in the order of their coming
        } else if (each.do === 'delete') {
          const known = model.some(({ id }) => id === `m${each.which}`);
          assert.is(machine.delete(`m${each.which}`) !== undefined, known);
          model = model.filter(({ id }) => id !== `m${each.which}`);
        } else {
          now += each.by;
          const due = model.filter(({ dueAt }) => dueAt <= now).slice(0, each.max);
          assert.equal(
            machine.takeDue(now, each.max).map(({ id }) => id),
            due.map(({ id }) => id),
          );
          model = model.filter((one) => !due.includes(one));
        }
        assert.is(machine.size, model.length);
        assert.is(machine.nextDueAt(), model[0]?.dueAt);
      }
      const listed: string[] = [];
      for (let after: string | undefined; ; ) {
        const page = machine.page(after, 3);
        if (page.length === 0) break;
        listed.push(...page.map(({ id }) => id));
        after = listed.at(-1);
      }
      assert.equal([...listed].sort(), model.map(({ id }) => id).sort());
      if (model.length === 0) assert.is(machine.bytes, 0);
    }),
    { numRuns: 300 },
  );
});

test('bounds: messages and bytes', () => {
  const machine = new DelayedMachine({ messagesMax: 2, bytesMax: 10_000 });
  assert.ok(machine.hasRoom(2, 100));
  assert.not(machine.hasRoom(3, 100));
  assert.not(machine.hasRoom(1, 10_000));
  machine.add(message('a', 1));
  assert.not(machine.hasRoom(2, 10));
  machine.delete('a');
  assert.ok(machine.hasRoom(2, 10));
});

test('a record is read back as it was, and one of another version is not read', () => {
  fc.assert(
    fc.property(
      fc.integer(),
      fc.string(),
      fc.string(),
      fc.uint8Array(),
      fc.constantFrom(0 as const, 1 as const),
      (dueAt, topic, clientId, packet, dialect) => {
        const written: DelayedMessage = { id: 'x', dueAt, topic, clientId, packet, dialect, isKept: true };
        assert.equal(decodeDelayed('x', encodeDelayed(written)), { ...written, packet: Uint8Array.from(packet) });
      },
    ),
  );
});

test.run();
