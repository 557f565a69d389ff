/** The judge of the crash tool must convict a log that has lost, doubled, swapped or made up a message, and no other. */
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { TopicLedger } from '../../../bench/crash/ledger.ts';
import { numberIn, payloadOf } from '../../../bench/crash/payload.ts';

const test = suite('crash ledger');
const PLAIN = { expires: false, isApart: false };

interface History {
  readonly ledger: TopicLedger;
  /** A log that is as it should be. */
  readonly log: number[];
}

/** Connections one after the other: each sends again what is open and some more, some of it reaches the log, and some of that is acknowledged. */
function play(qos: 1 | 2, connections: readonly { sends: number; stored: number; acked: number }[]): History {
  const ledger = new TopicLedger('t', qos, PLAIN);
  const log: number[] = [];
  const open: number[] = [];
  for (const { sends, stored, acked } of connections) {
    for (const number of open) ledger.sentAgain(number);
    for (let i = 0; i < sends; i++) open.push(ledger.next());
    const reached = open.slice(0, stored);
    // At QoS 2 the broker knows what it has had.
    log.push(...reached.filter((number) => qos === 1 || !log.includes(number)));
    for (const number of open.splice(0, Math.min(acked, reached.length))) ledger.ack(number);
  }
  return { ledger, log };
}

const connections = fc.array(fc.record({ sends: fc.nat(6), stored: fc.nat(9), acked: fc.nat(9) }), {
  minLength: 1,
  maxLength: 6,
});
const anyQos = fc.constantFrom(1 as const, 2 as const);

test('a log as it should be is never convicted', () => {
  fc.assert(
    fc.property(anyQos, connections, (qos, history) =>
      assert.equal(play(qos, history).ledger.faults(play(qos, history).log), []),
    ),
  );
});

test('a log without a message that was acknowledged is always convicted', () => {
  fc.assert(
    fc.property(anyQos, connections, fc.nat(), (qos, history, which) => {
      const { ledger, log } = play(qos, history);
      const acked = [...new Set(log)].filter((number) => ledger.isAcked(number));
      fc.pre(acked.length > 0);
      const lost = acked[which % acked.length]!;
      assert.ok(ledger.faults(log.filter((number) => number !== lost)).length > 0);
    }),
  );
});

test('a message of QoS 2 that is there twice is always convicted, wherever it lies, unless its log is apart and it was sent twice', () => {
  fc.assert(
    fc.property(connections, fc.nat(), fc.nat(), (history, which, where) => {
      const { ledger, log } = play(2, history);
      fc.pre(log.length > 0);
      const doubled = log.slice();
      doubled.splice(where % (log.length + 1), 0, log[which % log.length]!);
      assert.ok(ledger.faults(doubled).length > 0);
    }),
  );
  const apart = new TopicLedger('t', 2, { expires: false, isApart: true });
  apart.next();
  assert.is(apart.faults([0, 0]).length, 1);
  apart.sentAgain(0);
  assert.equal(apart.faults([0, 0]), []);
});

test('a message that was never sent, or came more often than it was sent, or in another order, is convicted', () => {
  const { ledger } = play(1, [{ sends: 4, stored: 4, acked: 4 }]);
  assert.equal(ledger.faults([0, 1, 2, 3]), []);
  assert.match(ledger.faults([0, 1, 2, 3, 4]).join(), /4 was never sent/);
  assert.match(ledger.faults([-1, 0, 1, 2, 3]).join(), /-1 was never sent/);
  assert.match(ledger.faults([0, 1, 1, 2, 3]).join(), /1 is there 2 times/);
  assert.match(ledger.faults([0, 2, 1, 3]).join(), /1 comes behind message 2/);
});

test('a message that is not there although later ones are is convicted, acknowledged or not', () => {
  const { ledger } = play(2, [{ sends: 5, stored: 0, acked: 0 }]);
  assert.equal(ledger.faults([]), []);
  assert.equal(ledger.faults([0, 1]), []);
  assert.match(ledger.faults([0, 2]).join(), /1 is not there, later ones are/);
});

test('a subscriber may get a message of QoS 1 again, and one of QoS 2 never', () => {
  const one = play(1, [{ sends: 3, stored: 3, acked: 3 }]).ledger;
  assert.equal(one.faults([0, 1, 1, 2], true), []);
  assert.ok(one.faults([0, 2], true).length > 0);
  const two = play(2, [{ sends: 3, stored: 3, acked: 3 }]).ledger;
  assert.ok(two.faults([0, 1, 1, 2], true).length > 0);
});

test('a topic that expires may have lost its beginning and nothing else', () => {
  const ledger = new TopicLedger('t', 1, { expires: true, isApart: false });
  for (let i = 0; i < 6; i++) ledger.ack(ledger.next());
  assert.equal(ledger.faults([3, 4, 5]), []);
  assert.ok(ledger.faults([3, 5]).length > 0);
  assert.ok(ledger.faults([3, 4]).length > 0);
});

test('a payload proves its number, and a changed byte is seen', () => {
  fc.assert(
    fc.property(fc.nat(1e6), fc.nat(300), fc.nat(), (number, size, at) => {
      const payload = payloadOf(number, size);
      assert.is(numberIn(payload, 0, payload.length), number);
      payload[at % payload.length]! ^= 1;
      assert.is.not(numberIn(payload, 0, payload.length), number);
    }),
  );
});

test.run();
