// Three real nodes as one broker: what is published on one reaches subscribers of the others, once, and is not lost with a link.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { LocalCluster, LocalNode } from '../../bench/cluster/local-cluster.ts';
import { type ConnectSettings, RawClient, type ReceivedPublish } from './raw-client.ts';
import { ThreeNodes } from './three-nodes.ts';
import { until } from './until.ts';

const test = suite('messages between nodes');
let three: ThreeNodes;
let cluster: LocalCluster;
let first: LocalNode;
let second: LocalNode;
let third: LocalNode;
let clients: RawClient[] = [];

test.before(async () => {
  three = await ThreeNodes.make('relay', { 'node.threads': 2 });
  ({ cluster } = three);
  await cluster.start();
  [first, second, third] = cluster.nodes as [LocalNode, LocalNode, LocalNode];
});
test.after.each(() => {
  for (const client of clients) client.destroy();
  clients = [];
});
test.after(() => three.end());

async function connect(node: LocalNode, clientId: string, settings: Partial<ConnectSettings> = {}): Promise<RawClient> {
  const client = await RawClient.connect(Number(node.ready!.mqtt!.tcp!.split(':').at(-1)), { clientId, ...settings });
  clients.push(client);
  return client;
}

/** Of one series of a node. */
async function metric(node: LocalNode, name: string): Promise<number> {
  const text = await (await fetch(`http://${node.ready!.http}/metrics`)).text();
  return Number(
    text
      .split('\n')
      .find((line) => line.startsWith(`${name} `))!
      .split(' ')[1],
  );
}

interface RelayShape {
  readonly nodes: readonly { readonly node: number; readonly isUp: boolean; readonly filters: number }[];
}

/** Filters that `node` knows `other` to want. */
async function known(node: LocalNode, other: LocalNode): Promise<number> {
  const { threads } = (await node.http('GET', '/api/v1/actors')).body as {
    threads: { root?: { children: { name: string; detail?: RelayShape }[] } }[];
  };
  const relay = threads.flatMap(({ root }) => root?.children ?? []).find(({ name }) => name === 'relay');
  return relay?.detail?.nodes.find((each) => each.node === other.id)?.filters ?? 0;
}

/** A publish on `from` reaches `client`: tried until it does, as what a node wants is known to others a moment later. */
async function untilReached(from: RawClient, topic: string, client: RawClient): Promise<void> {
  await until(`${topic} is wanted`, async () => {
    from.publish(topic, 'probe', { qos: 1, packetId: 9 });
    await from.next('puback');
    return (await client.settled()).length > 0;
  });
}

/** The next message that is none of the probes, some of which may still be on their way. */
async function nextMessage(client: RawClient): Promise<ReceivedPublish> {
  for (;;) {
    const message = await client.nextPublish();
    if (String(message.payload) !== 'probe') return message;
  }
}

const nextText = async (client: RawClient): Promise<string> => String((await nextMessage(client)).payload);

test('a publish reaches subscribers of all nodes once, by filters with wildcards and without', async () => {
  const publisher = await connect(first, 'p');
  const here = await connect(first, 'here');
  const there = await connect(second, 'there');
  const also = await connect(second, 'also');
  const yonder = await connect(third, 'yonder');
  await here.subscribe('a/+');
  await there.subscribe('a/#', { qos: 1 }, 7);
  await there.subscribe('a/b', { qos: 1 }, 8);
  await also.subscribe('a/b');
  await yonder.subscribe('a/b', { qos: 1 });
  await untilReached(publisher, 'a/b', there);
  await untilReached(publisher, 'a/b', yonder);
  // What comes twice is there in the place of the next one.
  for (const qos of [0, 1, 2, 0] as const) {
    publisher.publish('a/b', `qos ${qos}`, { qos, packetId: 5 });
    if (qos > 0) await publisher.next();
    for (const client of [here, there, also, yonder]) {
      const message = await nextMessage(client);
      assert.is(String(message.payload), `qos ${qos}`);
      if (client === there) assert.equal([message.properties?.subscriptionIdentifier].flat().sort(), [7, 8]);
    }
  }
});

test('order of a publisher is kept, and nothing is passed on that nobody wants', async () => {
  const publisher = await connect(first, 'p');
  const there = await connect(third, 'there');
  await there.subscribe('order/#');
  await untilReached(publisher, 'order/x', there);
  const before = await metric(first, 'sluice_relay_messages_sent_total');
  const messages = Array.from({ length: 2000 }, (_, i) => publisher.encodePublish('order/x', String(i)));
  publisher.send(...messages);
  for (let i = 0; i < messages.length; i++) assert.is(await nextText(there), String(i));
  publisher.send(...Array.from({ length: 100 }, () => publisher.encodePublish('nobody/wants', 'x')));
  await publisher.settled();
  assert.is(await metric(first, 'sluice_relay_messages_sent_total'), before + 2000);
  there.destroy();
  await until('the filter is gone', async () => (await known(first, third)) === 0);
});

test('one member of a shared subscription gets a message, wherever the members are', async () => {
  const publisher = await connect(first, 'p');
  const members = [await connect(second, 'm2'), await connect(third, 'm3')];
  for (const member of members) await member.subscribe('$share/g/jobs/#', { qos: 1 });
  await until(
    'both nodes are known to have members',
    async () => (await known(first, second)) + (await known(first, third)) === 2,
  );
  const counts = members.map(() => 0);
  for (let i = 0; i < 20; i++) {
    publisher.publish('jobs/a', String(i), { qos: 1, packetId: 3 });
    await publisher.next('puback');
  }
  const got: string[] = [];
  await until('all have come', () => {
    for (const [i, member] of members.entries()) {
      for (const packet of member.takeAll()) {
        got.push(String((packet as ReceivedPublish).payload));
        counts[i]!++;
      }
    }
    return got.length >= 20;
  });
  assert.equal(
    got.map(Number).sort((a, b) => a - b),
    Array.from({ length: 20 }, (_, i) => i),
  );
  assert.equal(counts, [10, 10], 'the nodes take turns');
});

test('a client that connects to another node takes the place of the one it had', async () => {
  const lasting: Partial<ConnectSettings> = { cleanStart: false, sessionExpiry: 60 };
  for (const [from, to] of [
    [first, second],
    [second, third],
    [third, first],
  ] as const) {
    const old = await connect(from, 'twin', lasting);
    const fresh = await connect(to, 'twin', lasting);
    assert.is(await old.reasonOfEnd(), 0x8e);
    assert.equal(await fresh.settled(), [], 'who came last stays');
    fresh.destroy();
  }
});

test('what the server says of itself stays at home', async () => {
  const there = await connect(second, 'there');
  await there.subscribe('$SYS/#');
  await there.subscribe('mark');
  await until('the mark is known', async () => (await known(first, second)) === 1);
});

test('a persistent session gets what is published elsewhere while it is away', async () => {
  const publisher = await connect(first, 'p');
  const settings: Partial<ConnectSettings> = { cleanStart: false, sessionExpiry: 3600 };
  const before = await connect(second, 'lasting', settings);
  await before.subscribe('kept/#', { qos: 1 });
  await untilReached(publisher, 'kept/x', before);
  before.destroy();
  await until('it is away', async () => {
    const { body } = await second.http('GET', '/api/v1/clients/lasting');
    return (body as { state?: string }).state === 'offline';
  });
  for (let i = 0; i < 10; i++) {
    publisher.publish('kept/x', String(i), { qos: 1, packetId: i + 1 });
    await publisher.next('puback');
  }
  await until('all is acknowledged by the other node', async () => (await metric(first, 'sluice_relay_waiting_bytes')) === 0);
  const after = await connect(second, 'lasting', settings);
  for (let i = 0; i < 10; i++) assert.is(await nextText(after), String(i));
});

test('a node that was killed gets what its lasting sessions have missed, as far as it fits', async () => {
  const publisher = await connect(first, 'p');
  const settings: Partial<ConnectSettings> = { cleanStart: false, sessionExpiry: 3600 };
  const before = await connect(third, 'survivor', settings);
  await before.subscribe('missed/#', { qos: 1 });
  await untilReached(publisher, 'missed/x', before);
  await third.kill('SIGKILL');
  for (let i = 0; i < 10; i++) {
    publisher.publish('missed/x', String(i), { qos: 1, packetId: i + 1 });
    await publisher.next('puback');
  }
  await third.start();
  await until('it has come', async () => (await metric(first, 'sluice_relay_waiting_bytes')) === 0);
  const after = await connect(third, 'survivor', settings);
  const got = new Set<string>();
  while (got.size < 10) got.add(await nextText(after));
  for (let i = 0; i < 10; i++) assert.ok(got.has(String(i)), `message ${i}`);
});

test.run();
