import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type MachineSnapshot, SessionMachine } from '../../../src/actors/session/machine.ts';
import { AWAIT_PUBACK, AWAIT_PUBCOMP, AWAIT_PUBREC } from '../../../src/actors/session/outbound-window.ts';
import type { Outgoing } from '../../../src/actors/session/outgoing.ts';
import { detachedSnapshot } from '../../../src/actors/session/state.ts';
import type { Qos } from '../../../src/wire/mqtt/constants.ts';
import { decode, outgoing, payloads } from './packets.ts';

const test = suite('session machine');

const BOUNDS = { messagesMax: 1000, bytesMax: 1e6 };

function textsOf(entries: readonly Outgoing[]): string[] {
  return entries.flatMap(({ dialect, buffer, start, end }) => payloads(decode(dialect, buffer.subarray(start, end))));
}

test('routes each QoS 2 message once, however often and in whatever order its packets come again', () => {
  const step = fc.record({ id: fc.integer({ min: 1, max: 6 }), release: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const machine = new SessionMachine(10, true);
      const held = new Set<number>();
      for (const { id, release } of steps) {
        if (release) assert.is(machine.endInbound(id), held.delete(id));
        else assert.is(machine.beginInbound(id), held.size < held.add(id).size);
        assert.is(machine.inboundPending, held.size);
      }
      assert.equal(machine.snapshot().inbound, [...held]);
    }),
  );
});

type Answer = 'puback' | 'pubrec' | 'refusal' | 'pubcomp';

/** What the standard says of an answer to a message that awaits one. */
function expected(qos: Qos, released: boolean, answer: Answer): 'done' | 'released' | 'violation' {
  if (qos === 1) return answer === 'puback' ? 'done' : 'violation';
  if (answer === 'refusal') return 'done';
  if (answer === 'pubrec') return 'released';
  return answer === 'pubcomp' && released ? 'done' : 'violation';
}

function give(machine: SessionMachine, answer: Answer, id: number): string {
  if (answer === 'puback') return machine.puback(id);
  return answer === 'pubcomp' ? machine.pubcomp(id) : machine.pubrec(id, answer === 'refusal');
}

const step = fc.oneof(
  fc.record({ send: fc.constantFrom<1 | 2>(1, 2) }),
  fc.record({ answer: fc.constantFrom<Answer>('puback', 'pubrec', 'refusal', 'pubcomp'), nth: fc.nat() }),
);

test('takes acknowledgements in any order and tells those that break the protocol', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 30 }), fc.array(step, { maxLength: 120 }), (inFlightMax, steps) => {
      const machine = new SessionMachine(inFlightMax, false);
      const model = new Map<number, { qos: 1 | 2; released: boolean }>();
      for (const todo of steps) {
        assert.is(machine.room, inFlightMax - model.size);
        if ('send' in todo) {
          if (machine.room > 0) model.set(machine.send(todo.send, null), { qos: todo.send, released: false });
          continue;
        }
        const ids = [...model.keys(), 40_000];
        const id = ids[todo.nth % ids.length]!;
        const message = model.get(id);
        const verdict = give(machine, todo.answer, id);
        if (message === undefined) {
          assert.is(verdict, 'unknown');
          continue;
        }
        const meaning = expected(message.qos, message.released, todo.answer);
        assert.is(verdict, meaning === 'violation' ? 'violation' : 'ok');
        if (meaning === 'done') model.delete(id);
        if (meaning === 'released') message.released = true;
      }
      assert.is(machine.inFlight, model.size);
    }),
  );
});

test('a queue is in front of everything that is sent later', () => {
  const machine = new SessionMachine(2, false);
  machine.enqueue(outgoing(['a', 'b', 'c']), BOUNDS);
  assert.is(machine.room, 0, 'the window is empty, but others wait');
  const first = machine.dequeue()!;
  assert.equal(textsOf([first]), ['a', 'b'], 'as many as the window takes');
  const ids = [machine.send(1, null), machine.send(1, null)];
  assert.is(machine.dequeue(), undefined);
  machine.puback(ids[0]!);
  assert.equal(textsOf([machine.dequeue()!]), ['c']);
  assert.is(machine.room, 1);
});

/** As the messages of a snapshot look to a client. */
function picture({ inbound, inFlight, queued }: MachineSnapshot): unknown {
  return {
    inbound,
    inFlight: inFlight.map(({ packetId, awaiting, message }) => [
      packetId,
      awaiting,
      message === null ? null : textsOf([message]),
    ]),
    queued: textsOf(queued),
  };
}

const life = fc.record({
  inbound: fc.uniqueArray(fc.integer({ min: 1, max: 65_535 }), { maxLength: 5 }),
  sent: fc.array(fc.constantFrom('q1', 'q2', 'q2 released', 'acknowledged'), { maxLength: 40 }),
  queued: fc.array(fc.array(fc.string({ maxLength: 4 }), { minLength: 1, maxLength: 3 }), { maxLength: 4 }),
  since: fc.array(fc.array(fc.string({ maxLength: 4 }), { minLength: 1, maxLength: 3 }), { maxLength: 4 }),
  heirMax: fc.integer({ min: 1, max: 60 }),
  resumable: fc.boolean(),
  detach: fc.boolean(),
});

test('a snapshot put back is the same session, in front of what has come since', () => {
  fc.assert(
    fc.property(life, ({ inbound, sent, queued, since, heirMax, resumable, detach }) => {
      const former = new SessionMachine(50, true);
      for (const id of inbound) former.beginInbound(id);
      sent.forEach((kind, i) => {
        const id = former.send(kind === 'q1' || kind === 'acknowledged' ? 1 : 2, outgoing([`sent ${i}`]));
        if (kind === 'acknowledged') former.puback(id);
        if (kind === 'q2 released') former.pubrec(id, false);
      });
      for (const texts of queued) former.enqueue(outgoing(texts), BOUNDS);
      const snapshot = detach ? detachedSnapshot(former.snapshot()) : former.snapshot();
      const heir = new SessionMachine(heirMax, resumable);
      for (const texts of since) heir.enqueue(outgoing(texts), BOUNDS);
      heir.restore(snapshot);
      const now = picture(heir.snapshot()) as { queued: string[] };
      assert.equal(now, { ...(picture(snapshot) as object), queued: [...queued.flat(), ...since.flat()] });
      assert.is(heir.queued, now.queued.length);
      let left = heir.inFlight;
      heir.forEachInFlight((packetId, awaiting) => {
        if (awaiting === AWAIT_PUBACK) assert.is(heir.puback(packetId), 'ok');
        if (awaiting === AWAIT_PUBREC) assert.is(heir.pubrec(packetId, false), 'ok');
        if (awaiting !== AWAIT_PUBACK) assert.is(heir.pubcomp(packetId), 'ok');
        assert.is(heir.inFlight, --left);
      });
    }),
  );
});

test('what a session that lasts has in flight is sent again even to a client whose own session will not last', () => {
  const former = new SessionMachine(10, true);
  const id = former.send(1, outgoing(['kept']));
  const heir = new SessionMachine(10, false);
  heir.restore(former.snapshot());
  heir.forEachInFlight((packetId, awaiting, message) => {
    assert.equal([packetId, awaiting, textsOf([message!])], [id, AWAIT_PUBACK, ['kept']]);
  });
  const next = heir.send(2, null);
  assert.is(heir.pubrec(next, false), 'ok');
  assert.equal(
    heir.snapshot().inFlight.map(({ awaiting }) => awaiting),
    [AWAIT_PUBACK, AWAIT_PUBCOMP],
  );
});

test('is not put back onto messages in flight', () => {
  const machine = new SessionMachine(10, true);
  const snapshot = machine.snapshot();
  machine.send(1, outgoing(['a']));
  assert.throws(() => machine.restore(snapshot), /in flight/);
});

test.run();
