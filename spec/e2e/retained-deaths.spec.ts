// Retained messages of three real nodes that are killed until one is left, and all.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { LocalCluster, LocalNode } from '../../bench/cluster/local-cluster.ts';
import { leader } from './groups.ts';
import { connect, endClients, onAll, retain, retainedNow } from './retained-messages.ts';
import { ThreeNodes } from './three-nodes.ts';

const test = suite('retained messages over deaths');
let three: ThreeNodes;
let cluster: LocalCluster;

test.before(async () => {
  three = await ThreeNodes.make('retained-deaths', { 'node.threads': 1, 'meta.groups.data': 2 });
  ({ cluster } = three);
  await cluster.start();
});
test.after.each(endClients);
test.after(() => three.end());

test('nodes are killed until one is left, which serves what it knows; and come back', async () => {
  const dead = await leader(cluster.nodes);
  const [last, other] = cluster.nodes.filter((node) => node !== dead) as [LocalNode, LocalNode];
  const publisher = await connect(last);
  await retain(publisher, 'k/stays', 'x');
  await retain(publisher, 'k/goes', 'x');
  const killed = dead.kill('SIGKILL');
  await retain(publisher, 'k/during', 'x');
  await retain(publisher, 'k/goes', '');
  await killed;
  await onAll([last, other], 'k/#', ['k/during=x', 'k/stays=x']);
  await other.kill('SIGKILL');
  publisher.publish('k/waits', 'x', { qos: 1, retain: true, packetId: 1 });
  publisher.publish('k/zero', 'x', { retain: true });
  assert.equal(await publisher.settled(), [], 'no PUBACK');
  const all = ['k/during=x', 'k/stays=x', 'k/waits=x', 'k/zero=x'];
  assert.equal(await retainedNow(last, 'k/#', all.length), all);
  await dead.start();
  await publisher.next('puback');
  await onAll([last, dead], 'k/#', all);
});

test('all are killed and start again: READY means that what is retained is there', async () => {
  const [here] = cluster.nodes.filter(({ isRunning }) => isRunning) as [LocalNode];
  await retain(await connect(here), 'last', 'x');
  const all = ['k/during=x', 'k/stays=x', 'k/waits=x', 'k/zero=x', 'last=x'];
  for (const node of cluster.nodes) if (node.isRunning) await node.kill('SIGKILL');
  await Promise.all(cluster.nodes.map((node) => node.start()));
  for (const node of cluster.nodes) assert.equal(await retainedNow(node, '#', all.length), all, `node ${node.id}`);
});

test.run();
