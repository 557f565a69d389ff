/** Shared subscriptions of persistent sessions on a simulated disk: what falls to a member is kept for it, and goes to another one as a whole or not at all. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { payloads } from '../session/packets.ts';
import { Reactors, type SimClient } from '../session/reactors.ts';
import { emptySimStore } from '../store/sim-store.ts';

const test = suite('durable members of shared subscriptions');

class Node {
  readonly store = emptySimStore();
  readonly #count: number;
  reactors: Reactors;

  constructor(reactors: number) {
    this.#count = reactors;
    this.reactors = new Reactors(reactors, {}, 1, this.store);
  }

  cutPower(): void {
    this.store.disk.crash(() => 0);
    this.reactors = new Reactors(this.#count, {}, 2, this.store);
  }

  /** A member of `$share/g/t/#`, or its client again. */
  member(thread: number, id: string, { joins = true, clean = false } = {}): SimClient {
    const client = this.reactors.connect(thread, id, { clean });
    if (joins) client.subscribe('$share/g/t/#', 2);
    return client;
  }

  leave(client: SimClient): void {
    client.transport.close();
    this.reactors.settle();
  }

  /** Publishes and expects all to be acknowledged. */
  publish(thread: number, from: number, to: number, qos: 1 | 2 = 1): void {
    const publisher = this.reactors.connect(thread, `publisher-${from}`, { clean: true });
    publisher.received();
    for (let i = from; i < to; i++) publisher.publish(`${i}`, { topic: `t/${i % 2}`, qos, messageId: 1 + i });
    assert.is(publisher.received().length, to - from, 'all are acknowledged');
  }
}

const texts = (client: SimClient): string[] => payloads(client.received().filter(({ cmd }) => cmd === 'publish'));
const range = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, i) => `${from + i}`);
const inOrder = (all: readonly string[]): string[] => [...all].sort((a, b) => Number(a) - Number(b));

/** The publisher's reactor and the members'. */
const PLACES: readonly (readonly [number, number, number])[] = [
  [1, 1, 1],
  [1, 2, 2],
  [2, 1, 2],
  [3, 1, 2],
];

for (const [publisher, a, b] of PLACES) {
  const place = `publisher on ${publisher}, members on ${a} and ${b}`;

  test(`what falls to members without a connection survives a power cut (${place})`, () => {
    const node = new Node(3);
    for (const [thread, id] of [
      [a, 'a'],
      [b, 'b'],
    ] as const)
      node.leave(node.member(thread, id));
    node.publish(publisher, 0, 20);
    node.publish(publisher, 20, 40, 2);
    node.cutPower();
    // Whoever comes first gets what the other one has as well.
    const first = node.member(b, 'a', { joins: false });
    const second = node.member(a, 'b', { joins: false });
    assert.equal(inOrder([...texts(first), ...texts(second)]), range(0, 40));
  });

  test(`what a member with a connection has not acknowledged survives a power cut (${place})`, () => {
    const node = new Node(3);
    const one = node.member(a, 'a');
    const other = node.member(b, 'b');
    node.publish(publisher, 0, 10);
    const before = [...texts(one), ...texts(other)];
    assert.equal(inOrder(before), range(0, 10));
    node.cutPower();
    const again = [node.member(a, 'a', { joins: false }), node.member(b, 'b', { joins: false })];
    assert.equal(inOrder([...new Set(again.flatMap(texts))]), range(0, 10));
  });

  test(`a member that comes takes over what waits for those who are away, once and for good (${place})`, () => {
    for (const qos of [1, 2] as const) {
      const node = new Node(3);
      node.leave(node.member(a, 'a'));
      node.publish(publisher, 0, 30, qos);
      const taker = node.member(b, 'b');
      assert.equal(inOrder(texts(taker)), range(0, 30));
      node.cutPower();
      assert.equal(inOrder(texts(node.member(b, 'b', { joins: false }))), range(0, 30), 'they are the taker’s');
      assert.equal(texts(node.member(a, 'a', { joins: false })), [], 'and nobody else’s');
    }
  });

  test(`with the end of a session its part goes to the others (${place})`, () => {
    const node = new Node(3);
    for (const [thread, id] of [
      [a, 'a'],
      [b, 'b'],
    ] as const)
      node.leave(node.member(thread, id));
    node.publish(publisher, 0, 30);
    // A clean start, where the session is and elsewhere.
    const fresh = node.member(publisher, 'a', { joins: false, clean: true });
    assert.equal(texts(fresh), []);
    node.cutPower();
    assert.equal(inOrder(texts(node.member(b, 'b', { joins: false }))), range(0, 30));
  });
}

test('a publisher hears nothing before its message is in the inbox of the member, on whatever reactor that is', () => {
  for (const thread of [1, 2]) {
    const node = new Node(2);
    node.leave(node.member(thread, 'a'));
    const publisher = node.reactors.connect(1, 'p', { clean: true });
    publisher.received();
    node.store.disk.failSync = { after: 1, code: 'EIO' };
    publisher.publish('x', { topic: 't/0', qos: 1, messageId: 1 });
    assert.equal(publisher.received(), [], `member on ${thread}`);
    assert.ok(node.store.failures.length > 0);
  }
});

test('a full disk refuses what is published, and leaves what was to go to another member where it was', () => {
  const node = new Node(2);
  node.leave(node.member(1, 'a'));
  node.publish(1, 0, 5);
  node.store.disk.failWrite = { after: 1, code: 'ENOSPC', partBytes: 0 };
  const taker = node.member(2, 'b', { joins: false });
  taker.received();
  node.store.disk.failWrite = { after: 1, code: 'ENOSPC', partBytes: 0 };
  taker.subscribe('$share/g/t/#', 1);
  node.store.disk.failWrite = null;
  node.reactors.settle();
  const early = texts(taker);
  node.leave(taker);
  const owner = node.member(1, 'a', { joins: false });
  assert.equal(inOrder([...new Set([...early, ...texts(owner), ...texts(node.member(2, 'b', { joins: false }))])]), range(0, 5));
});

test('QoS 2: what a client has begun to get stays with it [MQTT-4.8.2-5]', () => {
  const node = new Node(2);
  const first = node.member(1, 'a');
  node.publish(1, 0, 4, 2);
  assert.equal(texts(first), range(0, 4));
  node.leave(first);
  node.publish(1, 4, 8, 2);
  assert.equal(texts(node.member(2, 'b')), range(4, 8), 'only what it has not seen');
  node.cutPower();
  const back = node
    .member(1, 'a', { joins: false })
    .received()
    .filter(({ cmd }) => cmd === 'publish');
  assert.equal(payloads(back), range(0, 4));
  assert.ok(back.every(({ dup }) => dup));
});

test('who leaves the group while messages wait gets those that it has been sent, and others get the rest', () => {
  const node = new Node(2);
  const leaver = node.reactors.connect(1, 'a', {
    clean: false,
    dialect: 1,
    properties: { sessionExpiryInterval: 600, receiveMaximum: 3 },
  });
  leaver.subscribe('$share/g/t/#', 1);
  leaver.received();
  node.publish(2, 0, 10);
  const sent = leaver.received().filter(({ cmd }) => cmd === 'publish');
  assert.equal(payloads(sent), range(0, 3));
  const other = node.member(2, 'b');
  assert.equal(texts(other), []);
  leaver.send({ cmd: 'unsubscribe', messageId: 9, unsubscriptions: ['$share/g/t/#'] });
  assert.equal(inOrder(texts(other)), range(3, 10));
  for (const { messageId } of sent) leaver.send({ cmd: 'puback', messageId });
  assert.equal(texts(leaver), [], 'nothing comes twice');
});

test.run();
