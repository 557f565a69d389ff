// Declared topics of three real nodes: declared on one, there on all; each node has shards of its own.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { LocalCluster, LocalNode } from '../../bench/cluster/local-cluster.ts';
import type { TopicView } from '../../src/nodes/topics/routes.ts';
import { RocksKv } from '../../src/storage/kv/rocksdb-kv.ts';
import { leader } from './groups.ts';
import { RawClient } from './raw-client.ts';
import { ThreeNodes } from './three-nodes.ts';
import { until } from './until.ts';

const test = suite('declared topics of a cluster');
let three: ThreeNodes;
let cluster: LocalCluster;

test.before(async () => {
  three = await ThreeNodes.make('topics-cluster');
  ({ cluster } = three);
  // What node 2 has from the time before it shared anything: a topic without an id.
  const old = { name: 'old', filter: 'old/#', engine: 'shared', shards: [1], fsync: 'always', retentionMs: 0, retentionBytes: 0 };
  mkdirSync(join(three.folder, 'node-2'), { recursive: true });
  const kv = await RocksKv.open(join(three.folder, 'node-2', 'metadata'));
  await kv.batch([{ type: 'put', key: Buffer.from('t/old'), value: Buffer.from(JSON.stringify({ ...old, replicas: 1 })) }], {
    sync: true,
  });
  await kv.close();
  await cluster.start();
});
test.after(() => three.end());

async function topicsOf(node: LocalNode): Promise<TopicView[]> {
  return ((await node.http('GET', '/api/v1/topics')).body as { topics: TopicView[] }).topics;
}

async function onAll(what: string, isSo: (topics: TopicView[]) => boolean): Promise<void> {
  for (const node of cluster.nodes.filter(({ isRunning }) => isRunning)) {
    await until(`node ${node.id}: ${what}`, async () => isSo(await topicsOf(node)));
  }
}

/** Messages that a node has of a topic. */
async function recordsOf(node: LocalNode, name: string): Promise<number> {
  const { body } = await node.http('GET', `/api/v1/topics/${name}`);
  const { partitionFacts } = body as { partitionFacts: { start: number; end: number }[] };
  return partitionFacts.reduce((sum, { start, end }) => sum + end - start, 0);
}

async function publish(node: LocalNode, topic: string): Promise<void> {
  const client = await RawClient.connect(Number(node.ready!.mqtt!.tcp!.split(':').at(-1)), { clientId: `to-${node.id}` });
  client.publish(topic, 'x', { qos: 1, packetId: 1 });
  await client.next('puback');
  client.destroy();
}

const has = (name: string) => (topics: TopicView[]) => topics.some((topic) => topic.name === name);
const declare = (node: LocalNode, name: string, filter: string): Promise<{ status: number }> =>
  node.http('POST', '/api/v1/topics', { name, filter, partitions: 2 });

test('a topic that is declared on one node is there on all, and each writes what is published on it', async () => {
  const [first, second, third] = cluster.nodes as [LocalNode, LocalNode, LocalNode];
  assert.is((await declare(first, 'telemetry', 'sensors/#')).status, 201);
  assert.ok(has('telemetry')(await topicsOf(first)), 'at once where it was declared');
  await onAll('it is there', has('telemetry'));
  await publish(second, 'sensors/a');
  assert.is(await recordsOf(second, 'telemetry'), 1);
  assert.is(await recordsOf(third, 'telemetry'), 0);
  assert.is((await third.http('PATCH', '/api/v1/topics/telemetry', { retentionMs: 60_000 })).status, 200);
  await onAll('it is altered', (topics) => topics.find(({ name }) => name === 'telemetry')?.retentionMs === 60_000);
  assert.is(await recordsOf(second, 'telemetry'), 1, 'and has kept what it had');
});

test('what a node has from before is declared for all', () => onAll('the old topic is there', has('old')));

test('of two nodes that declare one name at once, one does', async () => {
  const [first, second] = cluster.nodes as [LocalNode, LocalNode];
  const made = await Promise.all([declare(first, 'race', 'a/#'), declare(second, 'race', 'b/#')]);
  assert.equal(made.map(({ status }) => status).sort(), [201, 409]);
  await onAll('it is there', has('race'));
  const filters = new Set<string>();
  for (const node of cluster.nodes) filters.add((await topicsOf(node)).find(({ name }) => name === 'race')!.filter);
  assert.is(filters.size, 1);
});

test('the leader is killed in the middle; what was deleted and made anew meanwhile is new when it is back', async () => {
  const dead = await leader(cluster.nodes);
  await publish(dead, 'sensors/b');
  const others = cluster.nodes.filter((node) => node !== dead) as [LocalNode, LocalNode];
  const declaring = declare(others[0], 'during', 'during/#');
  await dead.kill('SIGKILL');
  const { status } = await declaring;
  assert.ok([201, 503, 504].includes(status), String(status));
  await until('it is declared', async () => [201, 409].includes((await declare(others[0], 'during', 'during/#')).status));
  await onAll('it is there', has('during'));
  await until('telemetry is gone', async () =>
    [204, 404].includes((await others[1].http('DELETE', '/api/v1/topics/telemetry')).status),
  );
  await onAll('it is gone', (topics) => !has('telemetry')(topics));
  await until('it is made anew', async () => [201, 409].includes((await declare(others[0], 'telemetry', 'sensors/#')).status));
  await dead.start();
  const names = (await topicsOf(dead)).map(({ name }) => name);
  assert.equal(names, ['during', 'old', 'race', 'telemetry'], 'READY means that it has heard');
  assert.is(await recordsOf(dead, 'telemetry'), 0);
});

test.run();
