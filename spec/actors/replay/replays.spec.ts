/** Replays of declared topics, from the client's SUBSCRIBE to the log and back: simulated reactors, a simulated disk. */
import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { partitionOf } from '../../../src/actors/shard/declared-topics.ts';
import type { Declaration } from '../../../src/actors/shard/messages.ts';
import { STORE_SLOT } from '../../../src/actors/store/messages.ts';
import { wellKnownRef } from '../../../src/runtime/ref.ts';
import type { Qos } from '../../../src/wire/mqtt/constants.ts';
import { Reactors, type SimClient } from '../session/reactors.ts';
import { complete, declaration, type Replayed, replayedOf, storeOf, subscribeFrom, takeAll } from './replaying.ts';

const test = suite('replays');

interface Suback {
  readonly cmd: string;
  readonly granted?: readonly number[];
  readonly properties?: { readonly reasonString?: string };
}

function granted(client: SimClient): { reason: number; why: string | undefined } {
  const suback = (client.received() as readonly Suback[]).find(({ cmd }) => cmd === 'suback');
  assert.ok(suback?.granted, 'there is a SUBACK');
  return { reason: suback.granted[0]!, why: suback.properties?.reasonString };
}

function nodeOf(...declarations: Declaration[]): { reactors: Reactors; publisher: SimClient } {
  const reactors = new Reactors(2, {}, 1, storeOf(...declarations));
  return { reactors, publisher: reactors.connect(2, 'p', { dialect: 1 }) };
}

function publish(publisher: SimClient, topic: string, from: number, to: number, qos: Qos = 1): void {
  for (let i = from; i < to; i++) publisher.feed(packet(topic, `${i}`, qos, i + 1));
  publisher.send({ cmd: 'pingreq' });
}

function packet(topic: string, payload: string, qos: Qos, messageId: number): object {
  return { cmd: 'publish', topic, payload, qos, messageId, retain: false, dup: false };
}

const offsets = (some: readonly { offset: number }[]): number[] => some.map(({ offset }) => offset);
const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

for (const engine of ['shared', 'dedicated'] as const) {
  for (const qos of [0, 1, 2] as const) {
    test(`what was before and what comes after, in order and once, with its place (${engine}, QoS ${qos})`, () => {
      const { reactors, publisher } = nodeOf(declaration({ engine }));
      publish(publisher, 'sensors/1', 0, 50);
      const client = reactors.connect(1, 's', { dialect: 1 });
      subscribeFrom(client, 'sensors/#', { from: 'earliest', qos });
      const first = takeAll(client);
      publish(publisher, 'sensors/1', 50, 60);
      const all = [...first, ...takeAll(client)];
      assert.equal(offsets(all), range(0, 60));
      assert.equal(
        all.map(({ text }) => text),
        range(0, 60).map(String),
      );
      assert.ok(all.every((each) => each.topic === 'sensors/1' && each.qos === qos && !each.dup && each.partition === 0));
    });
  }
}

test('from an offset, from an instant, from now on; and only what the filter matches', () => {
  const { reactors, publisher } = nodeOf(declaration());
  publish(publisher, 'sensors/1', 0, 10);
  reactors.settle(5000);
  const instant = reactors.services.get(1)!.system.wallClock();
  publish(publisher, 'sensors/2', 0, 10);
  const takes = (from: string, filter = 'sensors/#'): number[] => {
    const client = reactors.connect(1, `${from} ${filter}`, { dialect: 1 });
    subscribeFrom(client, filter, { from });
    return offsets(takeAll(client));
  };
  assert.equal(takes('15'), range(15, 20));
  assert.equal(takes('offset:0=15'), range(15, 20));
  assert.equal(takes('20'), []);
  assert.equal(takes('latest'), []);
  assert.equal(takes(`timestamp:${instant}`), range(10, 20));
  assert.equal(takes(new Date(instant).toISOString()), range(10, 20));
  assert.equal(takes(`timestamp:${instant + 3_600_000}`), []);
  assert.equal(takes('earliest', 'sensors/1'), range(0, 10));
  assert.equal(takes('3', 'sensors/+'), range(3, 20));
});

test('an instant inside a batch begins with the first record that is not older', () => {
  const { reactors, publisher } = nodeOf(declaration({ fsync: 'never' }));
  const { system } = reactors.services.get(2)!;
  // One turn, one batch; the clock goes on in between.
  const before = system.wallClock();
  publish(publisher, 'sensors/1', 0, 3);
  const client = reactors.connect(1, 's', { dialect: 1 });
  subscribeFrom(client, 'sensors/#', { from: `timestamp:${before}` });
  assert.equal(offsets(takeAll(client)), [0, 1, 2]);
});

test('partitions: all, or those that are asked for', () => {
  const { reactors, publisher } = nodeOf(declaration({ shards: [1, 2, 3] }));
  const topics = range(0, 12).map((i) => `sensors/${i}`);
  for (const topic of topics) publish(publisher, topic, 0, 5);
  const expected = (partition: number): number => 5 * topics.filter((topic) => partitionOf(topic, 3) === partition).length;
  const client = reactors.connect(1, 'all', { dialect: 1 });
  subscribeFrom(client, 'sensors/#', { from: 'earliest' });
  const all = takeAll(client);
  for (const partition of [0, 1, 2]) {
    assert.equal(offsets(all.filter((each) => each.partition === partition)), range(0, expected(partition)));
  }
  for (const topic of topics) assert.equal(all.filter((each) => each.topic === topic).map(({ text }) => text), ['0', '1', '2', '3', '4']); // biome-ignore format: one line
  const some = reactors.connect(1, 'some', { dialect: 1 });
  subscribeFrom(some, '#', { from: 'offset:2=1', topic: 'telemetry', partition: '0,2' });
  const parts = takeAll(some);
  assert.equal(offsets(parts.filter(({ partition }) => partition === 0)), range(0, expected(0)));
  assert.is(parts.filter(({ partition }) => partition === 1).length, 0);
  assert.equal(offsets(parts.filter(({ partition }) => partition === 2)), range(1, expected(2)));
});

test('what cannot be replayed is refused by SUBACK, with a code in words', () => {
  const { reactors, publisher } = nodeOf(
    declaration({ shards: [1, 2] }),
    declaration({ name: 'one', filter: 'one', shards: [3] }),
  );
  publish(publisher, 'one', 0, 3);
  const client = reactors.connect(1, 's', { dialect: 1 });
  client.received();
  const refused = (filter: string, from: Parameters<typeof subscribeFrom>[2]): string => {
    subscribeFrom(client, filter, from);
    const { reason, why } = granted(client);
    return `0x${reason.toString(16)} ${why?.split(':')[0]}`;
  };
  assert.is(refused('sensors/#', { from: 'yesterday' }), '0x83 SLUICE_REPLAY_INVALID');
  assert.is(refused('sensors/#', { from: '3' }), '0x83 SLUICE_REPLAY_INVALID');
  assert.is(refused('sensors/#', { from: 'earliest', partition: '2' }), '0x83 SLUICE_REPLAY_INVALID');
  assert.is(refused('sensors/#', { topic: 'telemetry' }), '0x83 SLUICE_REPLAY_INVALID');
  assert.is(refused('one', { from: '4' }), '0x83 SLUICE_REPLAY_INVALID');
  assert.is(refused('one', { from: 'earliest', nl: true }), '0x83 SLUICE_REPLAY_INVALID');
  assert.is(refused('$share/g/one', { from: 'earliest' }), '0x83 SLUICE_REPLAY_INVALID');
  assert.is(refused('other', { from: 'earliest' }), '0x8f SLUICE_REPLAY_NO_TOPIC');
  assert.is(refused('#', { from: 'earliest', topic: 'none' }), '0x8f SLUICE_REPLAY_NO_TOPIC');
  assert.is(refused('a/#/b', { from: 'earliest', topic: 'one' }), '0x8f topic_filter_invalid');
  publish(publisher, 'one', 3, 6);
  assert.equal(takeAll(client), [], 'none of these has subscribed to anything');
  subscribeFrom(client, 'one', { from: '3' });
  assert.is(granted(client).reason, 1);
});

test('a subscription takes the place of another one of the same filter, and UNSUBSCRIBE ends it', () => {
  const { reactors, publisher } = nodeOf(declaration());
  publish(publisher, 'sensors/1', 0, 3);
  const client = reactors.connect(1, 's', { dialect: 1 });
  client.subscribe('sensors/#', 1);
  subscribeFrom(client, 'sensors/#', { from: '1' });
  publish(publisher, 'sensors/1', 3, 5);
  assert.equal(offsets(takeAll(client)), range(1, 5), 'not once more by the router');
  subscribeFrom(client, 'sensors/#', { from: '4' });
  assert.equal(offsets(takeAll(client)), [4]);
  client.subscribe('sensors/#', 1);
  publish(publisher, 'sensors/1', 5, 6);
  const live = takeAll(client);
  assert.equal([live.length, live[0]!.offset], [1, Number.NaN], 'an ordinary one again');
  subscribeFrom(client, 'sensors/#', { from: 'latest' });
  client.received();
  client.send({ cmd: 'unsubscribe', messageId: 9, unsubscriptions: ['sensors/#'] });
  const [unsuback] = client.received() as unknown as { granted: number[] }[];
  assert.equal(unsuback!.granted, [0]);
  publish(publisher, 'sensors/1', 6, 8);
  assert.equal(takeAll(client), []);
});

test('properties, subscription identifiers and what is left of an expiry come along; what has expired does not', () => {
  const { reactors, publisher } = nodeOf(declaration());
  const properties = {
    contentType: 'text/plain',
    responseTopic: 'answers',
    correlationData: Buffer.from([1, 2]),
    payloadFormatIndicator: true,
    userProperties: { a: ['1', '2'], 'mqtt.content-type': 'mine' },
  };
  publisher.send({ ...packet('sensors/1', 'x', 1, 1), properties });
  publisher.send({ ...packet('sensors/1', 'short', 1, 2), properties: { messageExpiryInterval: 5 } });
  publisher.send({ ...packet('sensors/1', 'long', 1, 3), properties: { messageExpiryInterval: 500 } });
  reactors.settle(20_000);
  const client = reactors.connect(1, 's', { dialect: 1 });
  subscribeFrom(client, 'sensors/#', { from: 'earliest', subscriptionIdentifier: 9 });
  const [first, second, ...more] = client.received().filter(({ cmd }) => cmd === 'publish');
  assert.is(more.length, 0);
  assert.equal(
    { ...first!.properties, userProperties: { ...first!.properties!.userProperties } },
    {
      ...properties,
      userProperties: { ...properties.userProperties, 'sluice-offset': '0', 'sluice-partition': '0' },
      subscriptionIdentifier: 9,
    },
  );
  assert.is(second!.payload.toString(), 'long');
  const left = second!.properties!.messageExpiryInterval!;
  assert.ok(left < 490 && left > 400, `${left}`);
});

test('no more is in flight than the client takes, and it goes on as it acknowledges', () => {
  const { reactors, publisher } = nodeOf(declaration());
  publish(publisher, 'sensors/1', 0, 500);
  const client = reactors.connect(1, 's', { dialect: 1, properties: { receiveMaximum: 7 } });
  subscribeFrom(client, 'sensors/#', { from: 'earliest' });
  const first = replayedOf(client.received());
  assert.is(first.length, 7);
  for (const { messageId } of first.slice(0, 3)) client.send({ cmd: 'puback', messageId });
  const second = replayedOf(client.received());
  assert.equal(offsets(second), [7, 8, 9]);
  for (const { messageId } of [...first.slice(3), ...second]) client.feed({ cmd: 'puback', messageId });
  client.send({ cmd: 'pingreq' });
  assert.equal(offsets(takeAll(client)), range(10, 500));
});

test('a client that does not read is not read for, and goes on where it was', () => {
  const { reactors, publisher } = nodeOf(declaration());
  const large = 'x'.repeat(20_000);
  for (let i = 0; i < 100; i++) publisher.send(packet('sensors/1', large, 1, i + 1));
  const client = reactors.connect(1, 's', { dialect: 1 });
  client.received();
  client.transport.blocked = true;
  subscribeFrom(client, 'sensors/#', { from: 'earliest', qos: 0 });
  reactors.settle(1000);
  assert.ok(client.transport.pendingBytes < 1_000_000, `${client.transport.pendingBytes} bytes wait`);
  client.transport.drain();
  reactors.settle();
  assert.equal(offsets(takeAll(client)), range(0, 100));
});

test('what retention takes away from a slow reader is passed over, and it goes on with the oldest that there is', () => {
  const { reactors, publisher } = nodeOf(declaration());
  publish(publisher, 'sensors/1', 0, 100);
  const client = reactors.connect(1, 's', { dialect: 1, properties: { receiveMaximum: 1 } });
  const { system } = reactors.services.get(1)!;
  subscribeFrom(client, 'sensors/#', { from: 'earliest' });
  client.transport.close();
  const store = wellKnownRef<never>(system.node, system.reactors + 1, STORE_SLOT);
  system.tell(store, { type: 'retain', engine: 'shared', shard: 1, retentionMs: 1000, retentionBytes: 0 } as never);
  reactors.settle(20_000);
  publish(publisher, 'sensors/1', 0, 3);
  const again = reactors.connect(1, 's2', { dialect: 1 });
  subscribeFrom(again, 'sensors/#', { from: '5' });
  assert.equal(offsets(takeAll(again)), [100, 101, 102]);
});

for (const end of ['crash', 'kill'] as const) {
  test(`a persistent session goes on after the node has died (${end}): nothing unacknowledged is missed`, () => {
    const store = storeOf(declaration());
    const first = new Reactors(1, {}, 1, store);
    const publisher = first.connect(1, 'p', { dialect: 1 });
    publish(publisher, 'sensors/1', 0, 40);
    const lasting = { dialect: 1, clean: false, properties: { sessionExpiryInterval: 3600, receiveMaximum: 10 } } as const;
    const client = first.connect(1, 's', lasting);
    subscribeFrom(client, 'sensors/#', { from: '5' });
    const sent = replayedOf(client.received());
    for (const { messageId } of sent.slice(0, 4)) client.send({ cmd: 'puback', messageId });
    assert.equal(offsets([...sent, ...replayedOf(client.received())]), range(5, 19));
    first.settle(2000); // its place is written down from time to time
    if (end === 'crash') store.disk.crash(() => 0);
    else store.disk.kill();
    const second = new Reactors(1, {}, 2, store);
    const again = second.connect(1, 's', lasting);
    assert.equal(offsets(takeAll(again)), range(9, 40));
    assert.equal(store.failures, []);
  });
}

test('when the declared topic goes, the client is told', () => {
  const store = storeOf(declaration());
  const reactors = new Reactors(1, {}, 1, store);
  const client = reactors.connect(1, 's', { dialect: 1 });
  subscribeFrom(client, 'sensors/#', { from: 'earliest' });
  client.received();
  const { system } = reactors.services.get(1)!;
  system.tell(wellKnownRef<never>(system.node, 2, STORE_SLOT), { type: 'drop', engine: 'shared', shard: 1 } as never);
  reactors.settle();
  const [goodbye] = client.received();
  assert.equal([goodbye!.cmd, goodbye!.reasonCode], ['disconnect', 0x98]);
});

test('a hundred replays at once have no more reads under way than their reactor is allowed, and publishers go on', () => {
  const { reactors, publisher } = nodeOf(declaration());
  publish(publisher, 'sensors/1', 0, 300);
  publisher.received();
  const clients = range(0, 100).map((i) => reactors.connect(1, `s${i}`, { dialect: 1 }));
  for (const client of clients) {
    client.feed({
      cmd: 'subscribe',
      messageId: 1,
      subscriptions: [{ topic: 'sensors/#', qos: 0 }],
      properties: { userProperties: { 'sluice-from': 'earliest' } },
    });
  }
  publisher.feed(packet('sensors/1', '300', 1, 301));
  let most = 0;
  for (let i = 0; i < 40; i++) {
    reactors.settle(1);
    const { underWay } = reactors.services.get(1)!.replays!.inspect() as { underWay: number };
    most = Math.max(most, underWay);
  }
  assert.ok(most > 0 && most <= 4, `${most} reads at once`);
  assert.equal(
    publisher.received().map(({ cmd }) => cmd),
    ['puback'],
  );
  reactors.settle(2000);
  for (const client of clients) assert.equal(offsets(takeAll(client)), range(0, 301));
});

test('a node that keeps nothing says so', () => {
  const reactors = new Reactors(1);
  const client = reactors.connect(1, 's', { dialect: 1 });
  client.received();
  subscribeFrom(client, '#', { from: 'earliest' });
  assert.is(granted(client).reason, 0x83);
});

// ── The seam ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('publish' as const), by: fc.nat(1), topic: fc.nat(4), count: fc.integer({ min: 1, max: 30 }) }) }, // biome-ignore format: one line
  { weight: 3, arbitrary: fc.record({ do: fc.constant('run' as const), ms: fc.nat(12) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('acknowledge' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('subscribe' as const), from: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reconnect' as const), thread: fc.integer({ min: 1, max: 2 }) }) },
);

/** Of each partition everything from where it was begun, of each topic in the order in which it was published. */
function assertComplete(
  got: readonly Replayed[],
  begun: readonly number[],
  ends: readonly number[],
  published: ReadonlyMap<string, number>,
): void {
  for (const [partition, end] of ends.entries()) {
    const here = got.filter((message) => message.partition === partition);
    assert.equal(offsets(here), range(begun[partition]!, end), `partition ${partition}`);
  }
  for (const [topic, count] of published) {
    const texts = got.filter((message) => message.topic === topic).map(({ text }) => Number(text));
    assert.equal(texts, range(count - texts.length, count), topic);
  }
}

const isSame = (a: Replayed, b: Replayed): boolean => a.partition === b.partition && a.offset === b.offset;

test('whenever a client subscribes, is away, moves to another reactor: no gap and no duplicate, each topic in order', () => {
  fc.assert(
    fc.property(
      fc.record({
        steps: fc.array(step, { minLength: 5, maxLength: 40 }),
        partitions: fc.integer({ min: 1, max: 3 }),
        engine: fc.constantFrom('shared' as const, 'dedicated' as const),
        qos: fc.constantFrom(1 as const, 2 as const),
        seed: fc.nat(1000),
      }),
      ({ steps, partitions, engine, qos, seed }) => {
        const shards = range(1, partitions + 1);
        const reactors = new Reactors(2, { inFlightMax: 20 }, seed, storeOf(declaration({ engine, shards })));
        const publishers = [reactors.connect(1, 'p1'), reactors.connect(2, 'p2')];
        const connect = (thread: number): SimClient =>
          reactors.connect(thread, 's', { dialect: 1, clean: false, properties: { sessionExpiryInterval: 3600 } });
        let client = connect(1);
        let begun: number[] | null = null;
        const published = new Map<string, number>();
        const ends = shards.map(() => 0);
        const got: Replayed[] = [];
        const take = (): void => {
          const packets = client.received();
          complete(client, packets);
          const some = replayedOf(packets);
          for (const { messageId } of some) client.feed({ cmd: qos === 1 ? 'puback' : 'pubrec', messageId });
          // With DUP what an earlier connection was sent and may not have got.
          got.push(...some.filter((message) => !message.dup || !got.some((known) => isSame(known, message))));
        };
        for (const each of steps) {
          if (each.do === 'publish') {
            const topic = `sensors/${each.by}/${each.topic}`;
            const from = published.get(topic) ?? 0;
            for (let i = 0; i < each.count; i++)
              publishers[each.by]!.feed(packet(topic, `${from + i}`, 1, 1 + ((from + i) % 60_000)));
            published.set(topic, from + each.count);
            ends[partitionOf(topic, partitions)]! += each.count;
          } else if (each.do === 'run') reactors.settle(each.ms);
          else if (each.do === 'acknowledge') take();
          else if (each.do === 'subscribe' && begun === null) {
            reactors.settle();
            begun = ends.map((end) => Math.min(end, each.from));
            const from = `offset:${begun.map((offset, partition) => `${partition}=${offset}`).join(',')}`;
            client.feed({
              cmd: 'subscribe',
              messageId: 7,
              subscriptions: [{ topic: 'sensors/#', qos }],
              properties: { userProperties: { 'sluice-from': from } },
            });
          } else if (each.do === 'reconnect' && begun !== null) {
            reactors.settle(); // the SUBACK has come
            take();
            client.transport.close();
            client = connect(each.thread);
          }
        }
        for (let i = 0; i < 30; i++) {
          reactors.settle();
          take();
        }
        if (begun === null) return;
        assertComplete(got, begun, ends, published);
      },
    ),
    { numRuns: 60 },
  );
});

test.run();
