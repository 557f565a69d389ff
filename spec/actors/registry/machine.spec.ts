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
    arbitrary: fc.record({ op: fc.constantFrom('claim' as const, 'release' as const, 'announce' as const), clientId, session }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('forget' as const), clientId, session }) },
);

test('a client id belongs to whom claimed it last', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const machine = new RegistryMachine();
      const owners: Record<string, number> = {};
      for (const todo of steps) {
        const id = `id ${todo.clientId}`;
        const owner = owners[id] ?? NOBODY;
        if (todo.op === 'claim') {
          assert.is(machine.claim(id, todo.session), owner);
          owners[id] = todo.session;
        } else if (todo.op === 'release') {
          machine.release(id, todo.session);
          if (owner === todo.session) delete owners[id];
        } else if (todo.op === 'announce') {
          assert.is(machine.announce(id, todo.session), owner === NOBODY || owner === todo.session);
          owners[id] ??= todo.session;
        } else {
          const thread = threadOf(todo.session);
          const dead = Object.keys(owners).filter((key) => threadOf(owners[key]!) === thread);
          assert.is(machine.forgetThread(thread), dead.length);
          for (const key of dead) delete owners[key];
        }
        assert.is(machine.size, Object.keys(owners).length);
        assert.is(machine.ownerOf(id), owners[id] ?? NOBODY);
      }
    }),
  );
});

test.run();
