// Three real nodes: an exclusive subscription is one client's in all of them, as long as its node lives.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { LocalCluster, LocalNode } from '../../bench/cluster/local-cluster.ts';
import { encodeUnsubscribe } from '../../src/wire/mqtt/client-encoder.ts';
import { DIALECT_5 } from '../../src/wire/mqtt/constants.ts';
import { type ConnectSettings, RawClient } from './raw-client.ts';
import { ThreeNodes } from './three-nodes.ts';
import { until } from './until.ts';

const TAKEN = 0x97;
const UNKNOWN = 0x80;
const LASTING: Partial<ConnectSettings> = { cleanStart: false, sessionExpiry: 3600 };

const test = suite('exclusive subscriptions of a cluster');
let three: ThreeNodes;
let cluster: LocalCluster;
let nodes: [LocalNode, LocalNode, LocalNode];
let clients: RawClient[] = [];

test.before(async () => {
  three = await ThreeNodes.make('exclusive', { 'node.threads': 2 });
  ({ cluster } = three);
  await cluster.start();
  nodes = cluster.nodes as [LocalNode, LocalNode, LocalNode];
});
test.after.each(() => {
  for (const client of clients) client.destroy();
  clients = [];
});
test.after(() => three.end());

/** Tried until the node lets it in: while the metadata has no leader nobody with a session is. */
async function enter(node: LocalNode, clientId: string, settings: Partial<ConnectSettings> = {}): Promise<RawClient> {
  let entered: RawClient | undefined;
  await until(`${clientId} is let in by ${node.id}`, async () => {
    const client = await RawClient.open(Number(node.ready!.mqtt!.tcp!.split(':').at(-1)));
    clients.push(client);
    if ((await client.connect({ clientId, ...settings })).reasonCode === 0) entered = client;
    return entered !== undefined;
  });
  return entered!;
}

/** The node's answer, once it has one. */
async function ask(client: RawClient, filter: string): Promise<number> {
  let answer = UNKNOWN;
  await until(`an answer about ${filter}`, async () => {
    answer = (await client.subscribe(filter))[0]!;
    return answer !== UNKNOWN;
  });
  return answer;
}

async function untilGranted(client: RawClient, filter: string): Promise<void> {
  await until(`${filter} is free`, async () => (await client.subscribe(filter))[0] === 0);
}

test('one client of the cluster has it; who comes next gets it when it is given back', async () => {
  const [a, b, c] = [await enter(nodes[0], 'a'), await enter(nodes[1], 'b'), await enter(nodes[2], 'c')];
  assert.is(await ask(a, '$exclusive/job'), 0);
  assert.is(await ask(b, '$exclusive/job'), TAKEN);
  assert.is(await ask(c, '$exclusive/job'), TAKEN);
  assert.is(await ask(a, '$exclusive/job'), 0, 'again for who has it');
  assert.is(await ask(b, '$exclusive/other'), 0, 'another one is another one');
  a.send(encodeUnsubscribe(DIALECT_5, 77, ['$exclusive/job']));
  await a.next('unsuback');
  await untilGranted(b, '$exclusive/job');
  assert.is(await ask(a, '$exclusive/job'), TAKEN);
  b.destroy();
  await untilGranted(c, '$exclusive/job');
});

test('of many that ask at once on all nodes one gets it', async () => {
  const all = await Promise.all(Array.from({ length: 9 }, (_, i) => enter(nodes[i % 3]!, `many-${i}`)));
  const answers = await Promise.all(all.map((client) => ask(client, '$exclusive/one')));
  assert.equal(
    answers.sort((x, y) => x - y),
    [0, ...new Array<number>(8).fill(TAKEN)],
  );
});

test('a session that moves takes it along', async () => {
  const before = await enter(nodes[0], 'mover', LASTING);
  assert.is(await ask(before, '$exclusive/move'), 0);
  before.destroy();
  const after = await enter(nodes[1], 'mover', LASTING);
  const other = await enter(nodes[0], 'waiting');
  assert.is(await ask(other, '$exclusive/move'), TAKEN);
  other.publish('move', 'x');
  assert.is(await after.nextPayload(), 'x');
});

test('a node that dies gives back what its clients had; when it comes again, they do not have what others have taken', async () => {
  const lasting = await enter(nodes[2], 'lasting', LASTING);
  assert.is(await ask(lasting, '$exclusive/lasting'), 0);
  assert.is(await ask(lasting, '$exclusive/kept'), 0);
  const heir = await enter(nodes[0], 'heir');
  assert.is(await ask(heir, '$exclusive/lasting'), TAKEN);
  await nodes[2].kill('SIGKILL');
  await untilGranted(heir, '$exclusive/lasting');
  await nodes[2].start();
  const back = await enter(nodes[2], 'lasting', LASTING);
  assert.is(await ask(back, '$exclusive/lasting'), TAKEN);
  // Until the node has said so again it is whoever's asks first.
  assert.is(await ask(back, '$exclusive/kept'), 0, 'nobody has taken the other one');
  assert.is(await ask(heir, '$exclusive/kept'), TAKEN);
  heir.publish('lasting', 'x');
  assert.is(await heir.nextPayload(), 'x');
  assert.equal(
    (await back.settled()).filter(({ cmd }) => cmd === 'publish'),
    [],
  );
});

test.run();
