import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RegistryMachine } from '../../../src/actors/registry/machine.ts';
import type { SessionMessage } from '../../../src/actors/session/messages.ts';
import { type ActorRef, makeRef, NOBODY, threadOf } from '../../../src/runtime/ref.ts';

const test = suite('registry machine');

const session = fc
  .tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 100, max: 103 }))
  .map(([thread, slot]): ActorRef<SessionMessage> => makeRef(1, thread, 1, slot));
const clientId = fc.constantFrom('a', 'b', '');
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ op: fc.constantFrom('claim' as const, 'release' as const), clientId, session }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('forget' as const), clientId, session }) },
);

test('a client id belongs to whom claimed it last of those who are there', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const machine = new RegistryMachine();
      const claimants: Record<string, number[]> = {};
      for (const todo of steps) {
        const id = `id ${todo.clientId}`;
        const chain = (claimants[id] ??= []);
        if (todo.op === 'claim') {
          // One who asks again is where it was.
          if (!chain.includes(todo.session)) chain.push(todo.session);
          const before = chain[chain.indexOf(todo.session) - 1] ?? NOBODY;
          const first = machine.claim(id, todo.session);
          assert.is(first.previous, before);
          assert.equal(machine.claim(id, todo.session), first);
        } else if (todo.op === 'release') {
          machine.release(id, todo.session);
          claimants[id] = chain.filter((session) => session !== todo.session);
        } else {
          const thread = threadOf(todo.session);
          const before = machine.size;
          for (const key of Object.keys(claimants)) {
            claimants[key] = claimants[key]!.filter((session) => threadOf(session as ActorRef) !== thread);
          }
          assert.is(machine.forgetThread(thread).length, before - machine.size);
        }
        assert.is(machine.size, Object.values(claimants).filter((left) => left.length > 0).length);
        assert.is(machine.ownerOf(id), claimants[id]!.at(-1) ?? NOBODY);
      }
    }),
  );
});

test('announcements restore the order of the claims, in whatever order they come', () => {
  const sessions = [1, 2, 3].map((thread): ActorRef<SessionMessage> => makeRef(1, thread, 1, 100));
  fc.assert(
    fc.property(fc.shuffledSubarray([0, 1, 2, 0, 1, 2], { minLength: 3 }), (order) => {
      const first = new RegistryMachine(3);
      const claims = sessions.map((session) => first.claim('id', session).claim);
      const second = new RegistryMachine(4);
      for (const i of order) assert.ok(second.announce('id', sessions[i]!, claims[i]!));
      const present = [...new Set(order)].sort();
      for (const i of present.reverse()) {
        assert.is(second.ownerOf('id'), sessions[i]);
        second.release('id', sessions[i]!);
      }
      assert.is(second.size, 0);
    }),
  );
});

test('who announces himself after a claim that did not know of him gives way', () => {
  const [former, owner] = [1, 2].map((thread): ActorRef<SessionMessage> => makeRef(1, thread, 1, 100));
  const { claim } = new RegistryMachine(0).claim('id', former!);
  const machine = new RegistryMachine(1);
  assert.ok(machine.claim('id', owner!).claim > claim);
  assert.not(machine.announce('id', former!, claim));
  assert.is(machine.ownerOf('id'), owner);
});

test.run();
