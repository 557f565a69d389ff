// Retained messages of three real nodes: one set of them for all, whoever publishes.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { LocalCluster, LocalNode } from '../../bench/cluster/local-cluster.ts';
import { RETAINED_STORE_HEADER_BYTES, writeRetainedStore } from '../../src/actors/retained/messages.ts';
import { RocksKv } from '../../src/storage/kv/rocksdb-kv.ts';
import { encodePublish } from '../../src/wire/mqtt/client-encoder.ts';
import { connect, endClients, onAll, retain, retainedOn } from './retained-messages.ts';
import { ThreeNodes } from './three-nodes.ts';
import { until } from './until.ts';

const test = suite('retained messages of a cluster');
let three: ThreeNodes;
let cluster: LocalCluster;
let first: LocalNode;
let second: LocalNode;
let third: LocalNode;

test.before(async () => {
  three = await ThreeNodes.make('retained-cluster', { 'node.threads': 2, 'meta.groups.data': 2 });
  ({ cluster } = three);
  await keepFromBefore(2, { 'from/before': 'of node 2', 'from/both': 'of one' });
  await keepFromBefore(3, { 'from/both': 'of one' });
  await cluster.start();
  [first, second, third] = cluster.nodes as [LocalNode, LocalNode, LocalNode];
});
test.after.each(endClients);
test.after(() => three.end());

/** What a node has from the time when it was by itself. */
async function keepFromBefore(node: number, messages: Readonly<Record<string, string>>): Promise<void> {
  mkdirSync(join(three.folder, `node-${node}`), { recursive: true });
  const kv = await RocksKv.open(join(three.folder, `node-${node}`, 'metadata'));
  for (const [topic, payload] of Object.entries(messages)) {
    const packet = encodePublish(0, { topic, payload: Buffer.from(payload), retain: true });
    const record = new Uint8Array(RETAINED_STORE_HEADER_BYTES + packet.length);
    writeRetainedStore(record, 0, 0, 0, packet, 0, packet.length);
    await kv.batch([{ type: 'put', key: Buffer.from(`r/${topic}`), value: record }], { sync: true });
  }
  await kv.close();
}

async function metric(node: LocalNode, name: string): Promise<number> {
  const text = await (await fetch(`http://${node.ready!.http}/metrics`)).text();
  const line = text.split('\n').find((each) => each.startsWith(`${name} `));
  return Number(line!.split(' ')[1]);
}

test('what nodes have from before is offered to all', () =>
  onAll(cluster.nodes, 'from/#', ['from/before=of node 2', 'from/both=of one']));

test('what is retained on one node is served by all, and what is deleted on another is gone', async () => {
  const publisher = await connect(first);
  for (let i = 0; i < 20; i++) await retain(publisher, `a/${i}`, `v${i}`);
  const all = Array.from({ length: 20 }, (_, i) => `a/${i}=v${i}`).sort();
  await onAll(cluster.nodes, 'a/+', all);
  await onAll(cluster.nodes, 'a/7', ['a/7=v7']);
  const other = await connect(third);
  await retain(other, 'a/7', '');
  await retain(other, 'a/8', 'of three');
  await onAll(
    cluster.nodes,
    'a/+',
    all
      .filter((text) => !/^a\/[78]=/.test(text))
      .concat('a/8=of three')
      .sort(),
  );
});

test('a client sees at once what it has retained itself, at QoS 0 too', async () => {
  const client = await connect(second);
  for (let i = 0; i < 50; i++) {
    for (const payload of ['before', `v${i}`]) client.publish(`own/${i}`, payload, { retain: true });
    await client.subscribe(`own/${i}`);
    assert.is(await client.nextPayload(), `v${i}`);
    client.publish(`own/${i}`, '', { retain: true });
    assert.is(await client.nextPayload(), '', 'passed on as well');
  }
  await onAll(cluster.nodes, 'own/#', []);
});

test('nodes that set one topic at once agree', async () => {
  const writers = await Promise.all(cluster.nodes.map(connect));
  for (let i = 0; i < 30; i++) {
    for (const [at, writer] of writers.entries()) writer.publish('race', `${at}-${i}`, { retain: true });
  }
  for (const writer of writers) await retain(writer, 'race/done', 'x');
  await until('nothing is on its way', async () => {
    for (const node of cluster.nodes) {
      if ((await metric(node, 'sluice_retained_ahead_topics')) > 0) return false;
    }
    return true;
  });
  const [said] = await retainedOn(first, 'race');
  await onAll(cluster.nodes, 'race', [said!]);
});

test('an expired message is served by nobody, and leaves the metadata', async () => {
  const publisher = await connect(first);
  // Message expiry interval, 1 s.
  await retain(publisher, 'expiring', 'x', Uint8Array.of(2, 0, 0, 0, 1));
  const path = '/api/v1/meta/key?kind=data&key=r/expiring';
  await until('it is gone from the metadata', async () => (await second.http('GET', path)).status === 404);
  await onAll(cluster.nodes, 'expiring', []);
});

test.run();
