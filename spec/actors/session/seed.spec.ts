/** Sessions whose actor fails: a persistent one comes back from disk under its supervisor, and nothing that was acknowledged to anybody is missing. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { emptySimStore, type SimStoreOptions } from '../store/sim-store.ts';
import { type Decoded, payloads } from './packets.ts';
import { Reactors, type SimClient } from './reactors.ts';

const test = suite('sessions that fail');
const LASTING = { clean: false } as const;

function nodeOf(reactors = 1): { store: SimStoreOptions; reactors: Reactors } {
  const store = emptySimStore();
  return { store, reactors: new Reactors(reactors, {}, 1, store) };
}

const publishes = (client: SimClient): Decoded[] => client.received().filter(({ cmd }) => cmd === 'publish');

/** Takes what comes and acknowledges it. */
function taken(client: SimClient): string[] {
  const packets = publishes(client);
  for (const { messageId, qos } of packets) client.send({ cmd: qos === 1 ? 'puback' : 'pubrec', messageId });
  return payloads(packets);
}

for (const qos of [1, 2] as const) {
  test(`the client is parted from, and gets everything when it is back; meanwhile publishers go on (QoS ${qos})`, () => {
    const { store, reactors } = nodeOf();
    const client = reactors.connect(1, 's', LASTING);
    client.subscribe('t', qos);
    const publisher = reactors.connect(1, 'p');
    publisher.publish('1', { topic: 't', qos: 1, messageId: 1 });
    assert.equal(taken(client), ['1']);
    publisher.received();
    reactors.failOnce(1);
    // The failure is met by the first; the others come while the session is being made again.
    for (let i = 2; i <= 6; i++) publisher.publishLater(`${i}`, { topic: 't', qos: 1, messageId: i });
    for (let i = 0; i < 40; i++) {
      publisher.publishLater(`${7 + i}`, { topic: 't', qos: 1, messageId: 7 + i });
      reactors.settle(1);
    }
    reactors.settle();
    assert.is(client.transport.ended, true);
    assert.is(publisher.received().length, 45, 'all are acknowledged');
    assert.is(store.failures.length === 0, true);
    const again = reactors.connect(1, 's', LASTING);
    const packets = again.received();
    assert.is((packets[0] as unknown as { sessionPresent: boolean }).sessionPresent, true);
    assert.equal(
      payloads(packets.filter(({ cmd }) => cmd === 'publish')),
      Array.from({ length: 45 }, (_, i) => `${i + 2}`),
    );
    store.disk.crash(() => 0);
    const second = new Reactors(1, {}, 2, store);
    assert.is(publishes(second.connect(1, 's', LASTING)).length, 45, 'and all of it is on disk');
  });
}

test('a client that is back before its session is gets it, on whichever reactor', () => {
  for (const thread of [1, 2]) {
    const { reactors } = nodeOf(2);
    const client = reactors.connect(1, 's', LASTING);
    client.subscribe('t', 1);
    const publisher = reactors.connect(2, 'p');
    const again = reactors.connectLater(thread, 'other');
    again.received();
    reactors.failOnce(1);
    publisher.feed(publishPacket('x'));
    reactors.settle(3);
    const back = reactors.connectLater(thread, 's', LASTING);
    publisher.feed(publishPacket('y'));
    reactors.settle();
    const packets = back.received();
    assert.is((packets[0] as unknown as { sessionPresent: boolean }).sessionPresent, true, `thread ${thread}`);
    assert.equal(payloads(packets.filter(({ cmd }) => cmd === 'publish')), ['x', 'y']);
  }
});

function publishPacket(payload: string): object {
  return { cmd: 'publish', topic: 't', payload, qos: 1, messageId: 1, retain: false, dup: false };
}

test('a message of QoS 2 that was taken before is not taken twice, and one that was received is not sent again', () => {
  const { reactors } = nodeOf();
  const client = reactors.connect(1, 's', LASTING);
  client.subscribe('t', 2);
  const other = reactors.connect(1, 'o');
  other.subscribe('up', 2);
  const publisher = reactors.connect(1, 'p');
  other.received();
  client.publish('once', { topic: 'up', qos: 2, messageId: 9 });
  publisher.publish('a', { topic: 't', qos: 2, messageId: 1 });
  const [a] = publishes(client);
  client.send({ cmd: 'pubrec', messageId: a!.messageId });
  reactors.failOnce(1);
  publisher.publish('b', { topic: 't', qos: 2, messageId: 2 });
  const again = reactors.connect(1, 's', LASTING);
  const packets = again.received();
  assert.equal(
    packets.slice(1).map(({ cmd, payload }) => `${cmd} ${payload ?? ''}`),
    ['pubrel ', 'publish b'],
  );
  again.publish('once', { topic: 'up', qos: 2, messageId: 9, dup: true });
  assert.equal(other.texts(), ['once']);
});

test('a session that does not last ends, and its will is published at once', () => {
  const { reactors } = nodeOf();
  const client = reactors.connect(1, 'f', { will: { topic: 'wills', payload: Buffer.from('f'), qos: 0, retain: false } });
  client.subscribe('u', 1);
  const wills = reactors.connect(1, 'w');
  wills.subscribe('wills');
  const publisher = reactors.connect(1, 'p');
  reactors.failOnce(1);
  publisher.publish('x', { topic: 'u', qos: 1, messageId: 1 });
  assert.is(client.transport.ended, true);
  assert.equal(wills.texts(), ['f']);
  assert.is(reactors.services.get(1)!.sessions.has('f'), false);
});

for (const faults of [2, 3]) {
  test(`a session that cannot be made again is tried for a while, then left on disk (${faults} faults)`, () => {
    const { store, reactors } = nodeOf();
    const client = reactors.connect(1, 's', LASTING);
    client.subscribe('t', 1);
    const publisher = reactors.connect(1, 'p');
    const { router, sessions } = reactors.services.get(1)!;
    const { subscribe } = router;
    let left = faults;
    router.subscribe = (...args) => {
      if (left-- > 0) throw new Error('a fault in making it again');
      return subscribe.apply(router, args);
    };
    reactors.failOnce(1);
    publisher.publish('a', { topic: 't', qos: 1, messageId: 1 });
    reactors.settle(1000);
    assert.is(sessions.has('s'), faults < 3);
    publisher.publish('b', { topic: 't', qos: 1, messageId: 2 });
    assert.is(publisher.received().length, 3, 'nobody waits for it');
    const second = new Reactors(1, {}, 2, store);
    assert.equal(payloads(publishes(second.connect(1, 's', LASTING))), faults < 3 ? ['a', 'b'] : ['a']);
  });
}

test.run();
