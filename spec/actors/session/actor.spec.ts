import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SESSION_PROBE } from '../../../src/actors/session/probe.ts';
import { SLOW_GRACE_MS } from '../../../src/base/limits.ts';
import { Reason } from '../../../src/wire/mqtt/reason-codes.ts';
import { concat, publish } from './packets.ts';
import { Reactors } from './reactors.ts';

const test = suite('session actor');

test('who is told to go before CONNACK is told so by a reason that CONNACK has', () => {
  // On the second reactor the client id is still asked for at the first.
  for (const [message, reason] of [
    [{ type: 'kick', discard: false }, Reason.SERVER_UNAVAILABLE],
    [{ type: 'disconnect', reason: Reason.SERVER_SHUTTING_DOWN }, Reason.SERVER_UNAVAILABLE],
    [{ type: 'disconnect', reason: Reason.PROTOCOL_ERROR }, Reason.PROTOCOL_ERROR],
  ] as const) {
    const reactors = new Reactors(2);
    const client = reactors.connectLater(2, 'client', { dialect: 1 });
    reactors.services.get(2)!.system.tell(client.session, message);
    reactors.settle();
    assert.equal(
      client.received().map(({ cmd, reasonCode }) => [cmd, reasonCode]),
      [['connack', reason]],
    );
    assert.ok(client.transport.ended);
  }
});

for (const thread of [1, 2]) {
  test(`a message reaches a subscriber on ${thread === 1 ? 'the same' : 'another'} reactor`, () => {
    const reactors = new Reactors(2);
    const subscriber = reactors.connect(thread, 'subscriber');
    subscriber.subscribe('a/+', 1);
    assert.equal(
      subscriber.received().map(({ cmd }) => cmd),
      ['connack', 'suback'],
    );
    const publisher = reactors.connect(1, 'publisher');
    publisher.publish('hello', { topic: 'a/b', qos: 1, messageId: 5 });
    publisher.publish('nobody', { topic: 'c' });
    assert.equal(subscriber.texts(), ['hello']);
    assert.equal(
      publisher.received().map(({ cmd, messageId }) => `${cmd} ${messageId}`),
      ['connack undefined', 'puback 5'],
    );
  });
}

/** A subscriber whose queue presses on whoever publishes to it: its first message is not acknowledged. */
const PRESSING = { queueMessagesMax: 8, inFlightMax: 1 };

test('a publisher that meets pressure is not read until the pressure is off', () => {
  for (const thread of [1, 2]) {
    const reactors = new Reactors(2, PRESSING);
    const subscriber = reactors.connect(thread, 'subscriber');
    subscriber.subscribe('t', 1);
    const publisher = reactors.connect(1, 'publisher');
    publisher.send(concat(...['1', '2', '3', '4'].map((text) => publish(0, text, { qos: 1 }))));
    if (thread === 1) assert.ok(publisher.transport.paused);
    reactors.settle(SLOW_GRACE_MS + 100);
    assert.not.ok(publisher.transport.paused, 'it costs them the grace period at most');
    publisher.publish('5', { qos: 1 });
    assert.is(publisher.received().length, 6);
  }
});

test('a subscriber that overflows is disconnected, and its publishers go on', () => {
  const reactors = new Reactors(1, PRESSING);
  const subscriber = reactors.connect(1, 'subscriber');
  subscriber.subscribe('t', 1);
  const publisher = reactors.connect(1, 'publisher');
  publisher.send(concat(...Array.from({ length: 20 }, () => publish(0, 'x', { qos: 1 }))));
  assert.ok(subscriber.transport.ended);
  assert.not.ok(publisher.transport.paused);
  assert.is(reactors.services.get(1)!.system.slots[SESSION_PROBE.slot.quotaExceeded], 1);
});

test('pressure that a will has met holds nobody who publishes later', () => {
  const reactors = new Reactors(1, { queueMessagesMax: 4, inFlightMax: 1 });
  const subscriber = reactors.connect(1, 'subscriber');
  subscriber.subscribe('t', 1);
  const dying = reactors.connect(1, 'dying', { will: { topic: 't', payload: 'will', qos: 1, retain: false } });
  const publisher = reactors.connect(1, 'publisher');
  publisher.publish('1', { qos: 1 });
  publisher.publish('2', { qos: 1 });
  assert.not.ok(publisher.transport.paused, 'not yet above a quarter');
  dying.transport.close();
  publisher.publish('elsewhere', { topic: 'other' });
  assert.not.ok(publisher.transport.paused);
  assert.ok(publisher.received().length > 0);
});

test('a client that asks and asks and does not read the answers is disconnected with 0x97', () => {
  const reactors = new Reactors(1, { outputBytesMax: 1000, packetBytesMax: 1000 });
  const client = reactors.connect(1, 'deaf', { dialect: 1 });
  client.received();
  client.transport.blocked = true;
  const messages = concat(...Array.from({ length: 100 }, (_, i) => publish(1, 'x', { qos: 1, messageId: i + 1 })));
  let reads = 0;
  while (!client.transport.ended && reads < 100) {
    client.send(messages);
    reads++;
  }
  assert.ok(client.transport.ended);
  assert.ok(client.transport.pendingBytes < 5000, `${client.transport.pendingBytes} bytes pending`);
  client.transport.drain();
  assert.is(client.received().at(-1)!.reasonCode, Reason.QUOTA_EXCEEDED);
});

for (const thread of [1, 2]) {
  test(`a session is resumed on ${thread === 1 ? 'the same' : 'another'} reactor, also by a client that will not keep it`, () => {
    const reactors = new Reactors(2);
    const properties = { sessionExpiryInterval: 100 };
    const first = reactors.connect(1, 'me', { dialect: 1, properties });
    first.subscribe('t', 1);
    const publisher = reactors.connect(2, 'publisher');
    publisher.publish('in flight', { qos: 1 });
    assert.equal(first.texts(), ['in flight']);
    first.transport.close();
    reactors.settle();
    publisher.publish('queued', { qos: 1 });
    const second = reactors.connect(thread, 'me', { dialect: 1, clean: false });
    publisher.publish('live', { qos: 1 });
    const [connack, ...messages] = second.received() as unknown as {
      cmd: string;
      sessionPresent: boolean;
      payload: Buffer;
      dup: boolean;
    }[];
    assert.ok(connack!.sessionPresent);
    assert.equal(
      messages.map(({ cmd, payload, dup }) => `${cmd} ${payload} ${dup}`),
      ['publish in flight true', 'publish queued false', 'publish live false'],
    );
  });
}

test('after UNSUBACK no more retained messages come than were on their way', () => {
  const reactors = new Reactors(2, { outputBytesMax: 80_000 });
  const publisher = reactors.connect(1, 'publisher');
  for (let i = 0; i < 30; i++) publisher.publish('x'.repeat(10_000), { topic: `kept/${i}`, retain: true });
  const all = reactors.connect(2, 'all');
  all.subscribe('kept/+');
  assert.is(all.texts().length, 30);

  const some = reactors.connect(2, 'some');
  some.transport.blocked = true;
  some.subscribe('kept/+');
  some.send({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: ['kept/+'] });
  some.transport.drain();
  reactors.settle();
  const got = some.texts().length;
  assert.ok(got > 0 && got < 15, `${got} messages`);
});

test('a client id has one connection: the older one is told 0x8E', () => {
  for (const thread of [1, 2]) {
    const reactors = new Reactors(2);
    const older = reactors.connect(1, 'me', { dialect: 1 });
    reactors.connect(thread, 'me', { dialect: 1 });
    assert.ok(older.transport.ended);
    assert.is(older.received().at(-1)!.reasonCode, Reason.SESSION_TAKEN_OVER);
  }
});

test.run();
