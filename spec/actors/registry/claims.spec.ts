import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Claims } from '../../../src/actors/registry/claims.ts';
import type { SessionMessage } from '../../../src/actors/session/messages.ts';
import { type ActorRef, makeRef } from '../../../src/runtime/ref.ts';

const test = suite('claims of client ids');

const ID = 'id';
const sessions = [1, 2, 3, 4].map((slot): ActorRef<SessionMessage> => makeRef(1, 1, 1, slot));
const step = fc.record({
  op: fc.constantFrom('enter' as const, 'enter' as const, 'remove' as const),
  who: fc.nat(3),
  claim: fc.integer({ min: 1, max: 9 }),
});

test('claims are found in their order, whenever they are entered and whichever goes', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const claims = new Claims();
      const model = new Map<number, number>();
      for (const { op, who, claim } of steps) {
        if (op === 'remove') {
          claims.remove(ID, ({ session }) => session === sessions[who]);
          model.delete(who);
        } else if (![...model].some(([other, number]) => other !== who && number === claim)) {
          claims.enter(ID, sessions[who]!, claim);
          model.set(who, claim);
        }
        const expected = [...model].sort(([, a], [, b]) => b - a).map(([each, number]) => [sessions[each], number]);
        assert.equal(
          [...claims].map(([, { session, claim: number }]) => [session, number]),
          expected,
        );
        assert.is(claims.last(ID)?.session, expected[0]?.[0]);
        assert.is(claims.has(ID), expected.length > 0);
        assert.is(claims.size, Math.min(1, expected.length));
        for (const [i, session] of sessions.entries()) assert.is(claims.find(ID, session)?.claim, model.get(i));
      }
    }),
  );
});

test('a claim that comes to nothing leaves the client id to the one before it', () => {
  const claims = new Claims();
  claims.enter(ID, sessions[0]!, 1);
  claims.enter(ID, sessions[1]!, 2);
  claims.remove(ID, ({ session }) => session === sessions[1]);
  assert.equal(
    [...claims].map(([clientId, { session }]) => [clientId, session]),
    [[ID, sessions[0]]],
  );
});

test.run();
