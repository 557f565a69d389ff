/** Persistent sessions through restarts and power cuts, from the client's socket to the disk: simulated reactors, a simulated disk. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Decoded, payloads } from '../session/packets.ts';
import { type ConnectOptions, Reactors, type SimClient } from '../session/reactors.ts';
import { emptySimStore } from '../store/sim-store.ts';

const test = suite('durable sessions');

/** A node on a disk: it can be restarted, with or without power. */
class Node {
  readonly store = emptySimStore();
  readonly #count: number;
  readonly #bounds: object;
  reactors: Reactors;

  constructor(reactors = 1, bounds: object = {}) {
    this.#count = reactors;
    this.#bounds = bounds;
    this.reactors = new Reactors(reactors, bounds, 1, this.store);
  }

  /** Everything that is not on disk is gone. */
  cutPower(): void {
    this.store.disk.crash(() => 0);
    this.#restart();
  }

  /** The process is gone; what it has written is not. */
  kill(): void {
    this.store.disk.kill();
    this.#restart();
  }

  #restart(): void {
    this.reactors = new Reactors(this.#count, this.#bounds, 2, this.store);
  }

  connect(clientId: string, options: ConnectOptions & { thread?: number } = {}): SimClient {
    const properties = options.dialect === 1 ? { sessionExpiryInterval: 3600, ...options.properties } : options.properties;
    return this.reactors.connect(options.thread ?? 1, clientId, {
      clean: false,
      ...options,
      ...(properties ? { properties } : {}),
    });
  }
}

/** A packet of any kind. */
interface Packet {
  readonly cmd: string;
  readonly reasonCode?: number;
  readonly returnCode?: number;
  readonly sessionPresent?: boolean;
}

const packetsOf = (client: SimClient): Decoded[] => client.received();
const publishes = (packets: readonly Decoded[]): Decoded[] => packets.filter(({ cmd }) => cmd === 'publish');
const present = (client: SimClient): boolean => {
  const connack = (client.received() as readonly Packet[]).find(({ cmd }) => cmd === 'connack');
  assert.is(connack?.reasonCode ?? connack?.returnCode, 0);
  return connack?.sessionPresent === true;
};

for (const dialect of [0, 1] as const) {
  test(`what was acknowledged to a publisher reaches a session that was away, after a power cut (dialect ${dialect})`, () => {
    const node = new Node();
    const subscriber = node.connect('s', { dialect });
    assert.is(present(subscriber), false);
    subscriber.subscribe('t/#', 2);
    subscriber.transport.close();
    const publisher = node.connect('p', { dialect, clean: true, properties: { sessionExpiryInterval: 0 } });
    publisher.received();
    for (let i = 1; i <= 20; i++) publisher.publish(`${i}`, { topic: `t/${i % 3}`, qos: (1 + (i % 2)) as 1 | 2, messageId: i });
    assert.is(publisher.received().length, 20, 'all are acknowledged');
    node.cutPower();
    const again = node.connect('s', { dialect });
    const packets = packetsOf(again);
    assert.is((packets[0] as Packet).sessionPresent, true);
    assert.equal(
      payloads(publishes(packets)),
      Array.from({ length: 20 }, (_, i) => `${i + 1}`),
    );
    assert.ok(
      publishes(packets).every(({ dup }) => dup === false),
      'none of them had been sent',
    );
  });
}

test('a publisher hears nothing before its message is on disk', () => {
  const node = new Node();
  const subscriber = node.connect('s');
  subscriber.subscribe('t', 1);
  subscriber.transport.close();
  const publisher = node.connect('p', { clean: true });
  publisher.received();
  node.store.disk.failSync = { after: 1, code: 'EIO' };
  publisher.publish('x', { topic: 't', qos: 1, messageId: 1 });
  assert.equal(publisher.received(), []);
  assert.ok(node.store.failures.length > 0);
});

test('QoS 1: what was not acknowledged comes again with its packet id and DUP; what was, does not', () => {
  const node = new Node();
  const subscriber = node.connect('s');
  subscriber.subscribe('t', 1);
  const publisher = node.connect('p', { clean: true });
  for (let i = 1; i <= 5; i++) publisher.publish(`${i}`, { topic: 't', qos: 1, messageId: i });
  const first = publishes(subscriber.received());
  assert.equal(payloads(first), ['1', '2', '3', '4', '5']);
  for (const { messageId } of first.slice(0, 2)) subscriber.send({ cmd: 'puback', messageId });
  node.kill();
  const again = publishes(node.connect('s').received());
  assert.equal(payloads(again), ['3', '4', '5']);
  assert.equal(
    again.map(({ messageId }) => messageId),
    first.slice(2).map(({ messageId }) => messageId),
  );
  assert.ok(again.every(({ dup }) => dup));
});

test('QoS 2 to the client: exactly once, wherever the power goes', () => {
  // The client has seen: nothing · the message · its release.
  for (const until of ['publish', 'pubrec', 'pubcomp'] as const) {
    const node = new Node();
    const subscriber = node.connect('s');
    subscriber.subscribe('t', 2);
    const publisher = node.connect('p', { clean: true });
    publisher.publish('x', { topic: 't', qos: 2, messageId: 1 });
    const [message] = publishes(subscriber.received());
    const { messageId } = message!;
    if (until !== 'publish') {
      subscriber.send({ cmd: 'pubrec', messageId });
      assert.equal(
        subscriber.received().map(({ cmd }) => cmd),
        ['pubrel'],
      );
    }
    if (until === 'pubcomp') subscriber.send({ cmd: 'pubcomp', messageId });
    if (until === 'pubcomp') node.kill();
    else node.cutPower();
    const packets = node.connect('s').received().slice(1);
    const expected = { publish: ['publish'], pubrec: ['pubrel'], pubcomp: [] }[until];
    assert.equal(
      packets.map(({ cmd }) => cmd),
      expected,
      until,
    );
    if (packets.length > 0) assert.is(packets[0]!.messageId, messageId);
    if (until === 'publish') assert.is(packets[0]!.dup, true);
  }
});

test('QoS 2 from the client: exactly once, wherever the power goes', () => {
  for (const until of ['publish', 'pubrel'] as const) {
    const node = new Node();
    const subscriber = node.connect('s');
    subscriber.subscribe('t', 2);
    subscriber.transport.close();
    const publisher = node.connect('p');
    publisher.received();
    publisher.publish('x', { topic: 't', qos: 2, messageId: 7 });
    assert.equal(
      publisher.received().map(({ cmd }) => cmd),
      ['pubrec'],
    );
    if (until === 'pubrel') {
      publisher.send({ cmd: 'pubrel', messageId: 7 });
      assert.equal(
        publisher.received().map(({ cmd }) => cmd),
        ['pubcomp'],
      );
    }
    node.cutPower();
    const again = node.connect('p');
    assert.is(present(again), true);
    if (until === 'publish') {
      again.publish('x', { topic: 't', qos: 2, messageId: 7, dup: true });
      again.send({ cmd: 'pubrel', messageId: 7 });
      assert.equal(
        again.received().map(({ cmd }) => cmd),
        ['pubrec', 'pubcomp'],
      );
      assert.equal(payloads(publishes(node.connect('s').received())), ['x']);
    } else {
      again.publish('y', { topic: 't', qos: 2, messageId: 7 });
      assert.equal(
        again.received().map(({ cmd }) => cmd),
        ['pubrec'],
      );
      assert.equal(payloads(publishes(node.connect('s').received())), ['x', 'y'], 'the id was free again');
    }
  }
});

test('a message for many sessions is stored once', () => {
  const node = new Node();
  for (let i = 0; i < 20; i++) {
    const subscriber = node.connect(`s${i}`);
    subscriber.subscribe('t', 1);
    subscriber.transport.close();
  }
  const publisher = node.connect('p', { clean: true });
  const big = 'x'.repeat(10_000);
  publisher.publish(big, { topic: 't', qos: 1, messageId: 1 });
  const bytes = node.store.disk.bytes('/data/shared/0000000000000001.seg').length;
  assert.ok(bytes < 4096 + 20_000, `${bytes} bytes on disk`);
  node.cutPower();
  for (let i = 0; i < 20; i++) assert.equal(payloads(publishes(node.connect(`s${i}`).received())), [big]);
});

test('subscriptions survive, as they were last', () => {
  const node = new Node();
  const subscriber = node.connect('s', { dialect: 1 });
  subscriber.send({
    cmd: 'subscribe',
    messageId: 1,
    subscriptions: [
      { topic: 'a', qos: 1 },
      { topic: 'b', qos: 2 },
    ],
    properties: { subscriptionIdentifier: 9 },
  });
  subscriber.send({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: ['a'] });
  node.cutPower();
  const publisher = node.connect('p', { dialect: 1, clean: true, properties: { sessionExpiryInterval: 0 } });
  publisher.publish('1', { topic: 'a', qos: 1, messageId: 1 });
  publisher.publish('2', { topic: 'b', qos: 2, messageId: 2 });
  const [message, ...others] = publishes(node.connect('s', { dialect: 1 }).received());
  assert.equal([message!.qos, message!.properties?.subscriptionIdentifier, others.length], [2, 9, 0]);
});

test('a clean start, an expiry that has passed and a session that is not to last leave nothing behind', () => {
  const node = new Node();
  const begin = (): void => {
    const subscriber = node.connect('s', { dialect: 1, properties: { sessionExpiryInterval: 5 } });
    subscriber.subscribe('t', 1);
    subscriber.transport.close();
    node.reactors.settle();
  };
  begin();
  assert.is(node.store.metadata.size, 1);
  assert.is(present(node.connect('s', { dialect: 1, clean: true, properties: { sessionExpiryInterval: 0 } })), false);
  node.reactors.settle();
  assert.is(node.store.metadata.size, 0);
  begin();
  node.reactors.settle(6000);
  assert.is(node.store.metadata.size, 0, 'expired');
  begin();
  node.cutPower();
  node.reactors.settle(6000);
  assert.is(node.store.metadata.size, 0, 'expired after a restart');
  assert.is(present(node.connect('s', { dialect: 1 })), false);
  assert.equal(node.store.failures, []);
});

test('a will that waits for its delay is published after a restart', () => {
  const node = new Node();
  const watcher = node.connect('w');
  watcher.subscribe('gone', 1);
  watcher.transport.close();
  const client = node.connect('c', {
    dialect: 1,
    will: { topic: 'gone', payload: Buffer.from('bye'), qos: 1, retain: false, properties: { willDelayInterval: 2 } },
  });
  client.transport.close();
  node.reactors.settle();
  node.kill();
  node.reactors.settle(3000);
  assert.equal(payloads(publishes(node.connect('w').received())), ['bye']);
});

test('a session goes on where it was when its client comes back, on its own reactor and on another one', () => {
  for (const thread of [1, 2]) {
    const node = new Node(2);
    const subscriber = node.connect('s');
    subscriber.subscribe('t', 1);
    const publisher = node.connect('p', { clean: true, thread: 2 });
    for (let i = 1; i <= 3; i++) publisher.publish(`${i}`, { topic: 't', qos: 1, messageId: i });
    const first = publishes(subscriber.received());
    subscriber.send({ cmd: 'puback', messageId: first[0]!.messageId });
    const heir = node.connect('s', { thread }); // takes the session over
    publisher.publish('4', { topic: 't', qos: 1, messageId: 4 });
    assert.equal(payloads(publishes(heir.received())), ['2', '3', '4'], `on reactor ${thread}`);
    node.cutPower();
    assert.equal(payloads(publishes(node.connect('s', { thread: 3 - thread }).received())).slice(-3), ['2', '3', '4']);
    assert.equal(node.store.failures, []);
  }
});

test('a publisher on another reactor hears nothing before its message is on disk, and hears it then', () => {
  const node = new Node(2);
  const subscriber = node.connect('s', { thread: 2 });
  subscriber.subscribe('t', 1);
  subscriber.transport.close();
  const publisher = node.connect('p', { clean: true, thread: 1 });
  publisher.received();
  publisher.publish('1', { topic: 't', qos: 1, messageId: 1 });
  publisher.publish('2', { topic: 't', qos: 2, messageId: 2 });
  assert.equal(
    publisher.received().map(({ cmd, messageId }) => `${cmd} ${messageId}`),
    ['puback 1', 'pubrec 2'],
  );
  node.store.disk.failSync = { after: 1, code: 'EIO' };
  publisher.publish('3', { topic: 't', qos: 1, messageId: 3 });
  assert.equal(publisher.received(), []);
  node.cutPower();
  assert.equal(payloads(publishes(node.connect('s').received())), ['1', '2']);
});

test('retained messages are on disk before their publisher is acknowledged, and gone when they are taken back', () => {
  const node = new Node(2);
  const publisher = node.connect('p', { clean: true, thread: 1 });
  for (let i = 1; i <= 6; i++) publisher.publish(`${i}`, { topic: `r/${i % 4}`, qos: 1, retain: true, messageId: i });
  publisher.publish('', { topic: 'r/3', qos: 1, retain: true, messageId: 7 });
  assert.is(publisher.received().filter((packet) => (packet.cmd as string) === 'puback').length, 7);
  node.cutPower();
  const reader = node.connect('x', { clean: true, thread: 2 });
  reader.subscribe('r/#');
  assert.equal(
    publishes(reader.received())
      .map(({ topic, payload }) => `${topic}=${payload}`)
      .sort(),
    ['r/0=4', 'r/1=5', 'r/2=6'],
  );
});

test('an inbox is bounded: by refusing what comes, or by dropping the oldest', () => {
  for (const [queueOverflow, expected] of [
    ['refuse', ['1', '2', '3']],
    ['drop_oldest', ['3', '4', '5']],
  ] as const) {
    const node = new Node(1, { queueMessagesMax: 3, queueOverflow });
    const subscriber = node.connect('s');
    subscriber.subscribe('t', 1);
    subscriber.transport.close();
    const publisher = node.connect('p', { clean: true });
    for (let i = 1; i <= 5; i++) publisher.publish(`${i}`, { topic: 't', qos: 1, messageId: i });
    assert.equal(payloads(publishes(node.connect('s').received())), expected, queueOverflow);
  }
});

test('more than fits in flight and in memory comes from the log, in order, as the client acknowledges', () => {
  const node = new Node(1, { inFlightMax: 10, queueMessagesMax: 10_000, queueBytesMax: 1 << 24 });
  const subscriber = node.connect('s');
  subscriber.subscribe('t', 1);
  subscriber.transport.close();
  const publisher = node.connect('p', { clean: true });
  for (let i = 1; i <= 300; i++) publisher.publish(`${i} ${'x'.repeat(3000)}`, { topic: 't', qos: 1, messageId: i });
  node.cutPower();
  const again = node.connect('s');
  const seen: string[] = [];
  for (let rounds = 0; rounds < 100 && seen.length < 300; rounds++) {
    const messages = publishes(again.received());
    assert.ok(messages.length <= 10);
    seen.push(...payloads(messages).map((text) => text.split(' ')[0]!));
    for (const { messageId } of messages) again.send({ cmd: 'puback', messageId });
  }
  assert.equal(
    seen,
    Array.from({ length: 300 }, (_, i) => `${i + 1}`),
  );
});

test.run();
