import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ExclusiveMachine } from '../../../src/actors/exclusive/machine.ts';
import { type ActorRef, makeRef, threadOf } from '../../../src/runtime/ref.ts';

const test = suite('exclusive machine');

const session = (thread: number, local: number): ActorRef<never> => makeRef(1, thread, 1, local);

test('a filter is one client’s at a time, whatever is claimed, released and lost', () => {
  const step = fc.record({
    do: fc.constantFrom('claim', 'release', 'lose'),
    filter: fc.constantFrom('a', 'b'),
    client: fc.integer({ min: 1, max: 3 }),
    life: fc.integer({ min: 1, max: 2 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      const machine = new ExclusiveMachine(10);
      let model = new Map<string, { client: number; ref: ActorRef<never> }>();
      for (const { do: what, filter, client, life } of steps) {
        const ref = session(client, client * 10 + life);
        const held = model.get(filter);
        if (what === 'claim') {
          const expected = held === undefined || held.client === client ? 'granted' : 'taken';
          assert.is(machine.claim({ filter, clientId: `c${client}`, session: ref }), expected);
          if (expected === 'granted') model.set(filter, { client, ref });
        } else if (what === 'release') {
          assert.is(machine.release(filter, ref), held?.ref === ref);
          model = new Map([...model].filter(([name, each]) => name !== filter || each.ref !== ref));
        } else {
          machine.forget((each) => threadOf(each) === client);
          model = new Map([...model].filter(([, each]) => each.client !== client));
        }
        assert.is(machine.size, model.size);
      }
    }),
  );
});

test('a further filter is refused', () => {
  const machine = new ExclusiveMachine(1);
  assert.is(machine.claim({ filter: 'a', clientId: 'x', session: session(1, 70) }), 'granted');
  assert.is(machine.claim({ filter: 'b', clientId: 'x', session: session(1, 70) }), 'full');
});

test.run();
