// Three real nodes: a persistent session goes wherever its client connects, also when the node that had it is dead, and nothing that was acknowledged is lost.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { LocalCluster, LocalNode } from '../../bench/cluster/local-cluster.ts';
import { type ConnectSettings, RawClient, type ReceivedPublish } from './raw-client.ts';
import { ThreeNodes } from './three-nodes.ts';
import { until } from './until.ts';

const test = suite('homes of sessions');
const LASTING: Partial<ConnectSettings> = { cleanStart: false, sessionExpiry: 3600 };
let three: ThreeNodes;
let cluster: LocalCluster;
let nodes: [LocalNode, LocalNode, LocalNode];
let clients: RawClient[] = [];

test.before(async () => {
  three = await ThreeNodes.make('homes', { 'node.threads': 2 });
  ({ cluster } = three);
  await cluster.start();
  nodes = cluster.nodes as [LocalNode, LocalNode, LocalNode];
});
test.after.each(() => {
  for (const client of clients) client.destroy();
  clients = [];
});
test.after(() => three.end());

interface Joined {
  readonly client: RawClient;
  readonly hadSession: boolean;
}

/** Tried until the node lets it in: while the metadata has no leader nobody with a session is. */
async function enter(node: LocalNode, clientId: string, settings: Partial<ConnectSettings> = LASTING): Promise<Joined> {
  let joined: Joined | undefined;
  await until(`${clientId} is let in by ${node.id}`, async () => {
    const client = await RawClient.open(Number(node.ready!.mqtt!.tcp!.split(':').at(-1)));
    clients.push(client);
    const { reasonCode, sessionPresent } = await client.connect({ clientId, ...settings });
    if (reasonCode === 0) joined = { client, hadSession: sessionPresent };
    else assert.ok(reasonCode === 0x88 || reasonCode === 0x89, `refused with ${reasonCode}`);
    return joined !== undefined;
  });
  return joined!;
}

async function publishAll(from: RawClient, topic: string, texts: readonly string[], qos: 1 | 2): Promise<void> {
  from.send(...texts.map((text, i) => from.encodePublish(topic, text, { qos, packetId: i + 1 })));
  for (let done = 0; done < texts.length; ) {
    const { cmd, messageId = 0 } = await from.next();
    if (cmd === 'pubrec') from.send(Uint8Array.of(0x62, 2, messageId >> 8, messageId & 0xff));
    else done++;
  }
}

/** The next message; acknowledged. */
async function take(client: RawClient): Promise<ReceivedPublish> {
  for (;;) {
    const packet = await client.next();
    const { messageId = 0 } = packet;
    const answer = (type: number): void => client.send(Uint8Array.of(type, 2, messageId >> 8, messageId & 0xff));
    if (packet.cmd === 'pubrel') answer(0x70);
    if (packet.cmd !== 'publish') continue;
    if (packet.qos === 1) answer(0x40);
    if (packet.qos === 2) answer(0x50);
    return packet;
  }
}

/** Acknowledges all that comes, until nothing more does. */
async function untilQuiet(client: RawClient): Promise<void> {
  for (let packets = await client.settled(); packets.length > 0; packets = await client.settled())
    for (const { cmd, messageId = 0 } of packets)
      if (cmd === 'pubrel') client.send(Uint8Array.of(0x70, 2, messageId >> 8, messageId & 0xff));
}

async function nextText(client: RawClient): Promise<ReceivedPublish> {
  for (;;) {
    const message = await client.nextPublish();
    if (message.payload.length > 0) return message;
  }
}

async function takeTexts(client: RawClient, count: number): Promise<string[]> {
  const texts: string[] = [];
  while (texts.length < count) texts.push(String((await take(client)).payload));
  return texts;
}

const numbered = (name: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${name} ${i}`);

test('a session follows its client to every node, with what waits for it, in order and once', async () => {
  const publisher = (await enter(nodes[0], 'p')).client;
  const first = await enter(nodes[0], 'hopper');
  assert.not(first.hadSession);
  await first.client.subscribe('hop/#', { qos: 2 }, 5);
  first.client.destroy();
  const expected: string[] = [];
  for (const [round, node] of [nodes[1], nodes[2], nodes[2], nodes[0]].entries()) {
    const texts = numbered(`round ${round}:`, 150);
    expected.push(...texts);
    await publishAll(publisher, 'hop/x', texts, round % 2 === 0 ? 1 : 2);
    // What another node has published may still be on its way; the session comes with all that its home has.
    const { client, hadSession } = await enter(node, 'hopper');
    assert.ok(hadSession, `round ${round}`);
    assert.equal(await takeTexts(client, 150), texts, `round ${round}`);
    await untilQuiet(client);
    client.destroy();
  }
});

test('the client that is still connected elsewhere is told, and what it had not acknowledged comes again', async () => {
  const publisher = (await enter(nodes[2], 'p')).client;
  const old = (await enter(nodes[1], 'roamer')).client;
  await old.subscribe('roam/#', { qos: 2 });
  await until('the filter is wanted', async () => {
    publisher.publish('roam/probe', '', { qos: 1, packetId: 9 });
    await publisher.next('puback');
    return (await old.settled()).some(({ cmd }) => cmd === 'publish');
  });
  await publishAll(publisher, 'roam/x', ['unacknowledged'], 2);
  const before = await nextText(old);
  const { client, hadSession } = await enter(nodes[2], 'roamer');
  assert.is(await old.reasonOfEnd(), 0x8e);
  assert.ok(hadSession);
  const again = await nextText(client);
  assert.is(String(again.payload), 'unacknowledged');
  assert.ok(again.dup);
  assert.is(again.messageId, before.messageId, 'the same message for the client');
});

test('one that begins clean elsewhere leaves nothing of the session, anywhere', async () => {
  const publisher = (await enter(nodes[0], 'p')).client;
  const old = (await enter(nodes[0], 'fresh')).client;
  await old.subscribe('fresh/#', { qos: 1 });
  old.destroy();
  await publishAll(publisher, 'fresh/x', numbered('dropped', 3), 1);
  const clean = await enter(nodes[1], 'fresh', { cleanStart: true, sessionExpiry: 0 });
  assert.not(clean.hadSession);
  await publishAll(publisher, 'fresh/x', ['for nobody'], 1);
  assert.equal(await clean.client.settled(), []);
  await clean.client.disconnect();
  await until('no node has it', async () => {
    for (const node of nodes) if ((await node.http('GET', '/api/v1/clients/fresh?scope=node')).status !== 404) return false;
    return true;
  });
  assert.not((await enter(nodes[0], 'fresh')).hadSession);
});

test('a session goes on without its node, and gets what lay there when that is back', async () => {
  const publisher = (await enter(nodes[0], 'p')).client;
  const before = (await enter(nodes[2], 'survivor')).client;
  await before.subscribe('live/#', { qos: 1 });
  await until('the filter is wanted', async () => {
    publisher.publish('live/probe', '', { qos: 1, packetId: 9 });
    await publisher.next('puback');
    return (await before.settled()).some(({ cmd }) => cmd === 'publish');
  });
  before.destroy();
  const kept = (await enter(nodes[2], 'local')).client;
  await publishAll(kept, 'live/x', numbered('with the dead', 20), 1);
  await nodes[2].kill('SIGKILL');
  await publishAll(publisher, 'live/x', numbered('while dead', 20), 1);
  const { client, hadSession } = await enter(nodes[1], 'survivor');
  assert.ok(hadSession, 'from the metadata');
  await publishAll(publisher, 'live/x', numbered('after', 20), 1);
  const got = new Set<string>();
  while (![...got].includes('after 19')) got.add(String((await take(client)).payload));
  await nodes[2].start();
  const all = [...numbered('with the dead', 20), ...numbered('while dead', 20), ...numbered('after', 20)];
  while (all.some((text) => !got.has(text))) got.add(String((await take(client)).payload));
  await until('nothing of it is left there', async () => {
    const { status } = await nodes[2].http('GET', '/api/v1/clients/survivor?scope=node');
    return status === 404;
  });
  client.destroy();
  // And back to where it was.
  const back = await enter(nodes[2], 'survivor');
  assert.ok(back.hadSession);
  await publishAll(publisher, 'live/x', ['home again'], 1);
  let text = '';
  while (text !== 'home again') text = String((await take(back.client)).payload);
});

test.run();
