// Replicated groups in real node processes: founded, led, killed, stopped and handed over.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { LocalCluster, LocalNode } from '../../bench/cluster/local-cluster.ts';
import { ask, clientOf, GROUP, groupOn, leader, readOn, view } from './groups.ts';
import { ThreeNodes } from './three-nodes.ts';
import { until } from './until.ts';

const test = suite('replicated groups');
let three: ThreeNodes;
let cluster: LocalCluster;
test.before(async () => {
  three = await ThreeNodes.make('groups', {}, 'registers');
  ({ cluster } = three);
  await cluster.start();
});
test.after(() => three.end());

test('three nodes found their groups together, and each knows who leads', async () => {
  await ask(cluster, { op: 'put', key: 'a', value: '1' });
  for (const node of cluster.nodes) {
    const { groups } = await view(node);
    assert.equal(
      groups.map(({ group }) => group),
      ['metadata/0', 'offset/0', 'data/0'],
    );
    // Who is a voter, and who is up, a follower hears a little later than it is so.
    await until(`node ${node.id} sees everybody`, async () => {
      const seen = await view(node);
      return seen.groups.every(({ voters }) => voters.length === 3) && seen.members.every(({ up }) => up);
    });
    await until(`node ${node.id} is well`, async () => (await node.http('GET', '/health/cluster')).status === 200);
    // A linearizable read is served by every one of them.
    assert.is(await readOn(node, 'a'), '1');
  }
});

test('a leader hands over when it is asked to, from whichever node', async () => {
  const first = await leader(cluster.nodes);
  const [second, third] = cluster.nodes.filter((node) => node !== first) as [LocalNode, LocalNode];
  // Told to a node that does not lead. Leaders are spread unasked as well, so it may have moved on by the time we look.
  await until('the other one leads', async () => {
    const { status } = await third.http('POST', '/api/v1/raft/transfer', { group: 'metadata/0', node: second.id });
    return status === 204 && (await groupOn(second)).role === 'leader';
  });
  assert.is((await second.http('POST', '/api/v1/raft/transfer', { group: 'metadata/0', node: 9 })).status, 404);
  assert.is((await second.http('POST', '/api/v1/raft/transfer', { group: 'nothing', node: 1 })).status, 404);
  assert.is((await second.http('POST', '/api/v1/raft/transfer', { group: 'metadata/0' })).status, 400);
});

test('a leader that is stopped for a while is replaced, and tells nobody old news when it goes on', async () => {
  const first = await leader(cluster.nodes);
  const client = (await clientOf(first))!;
  const others = cluster.nodes.filter((node) => node !== first);
  first.signal('SIGSTOP');
  await until('it sleeps', async () => first.isAsleep);
  // Asked while it sleeps, answered when it wakes.
  let isOver = false;
  const stale = client.ask({ group: GROUP, op: 'get', key: 'a' }).then((reply) => ({ ...reply, wasInTime: !isOver }));
  const second = await leader(others);
  await ask(cluster, { op: 'put', key: 'a', value: '5' }, [second]);
  isOver = true;
  first.signal('SIGCONT');
  const { result, answer, wasInTime } = await stale;
  assert.ok(result !== 'ok' || answer === '5' || wasInTime, `${result} ${answer}`);
  await until('it follows', async () => (await groupOn(first)).role === 'follower');
});

test('a leader that is killed is replaced, what was acknowledged is there', async () => {
  const first = await leader(cluster.nodes);
  const others = cluster.nodes.filter((node) => node !== first);
  await ask(cluster, { op: 'put', key: 'a', value: '6' });
  await first.kill('SIGKILL');
  const second = await leader(others);
  assert.is.not(second.id, first.id);
  assert.is((await ask(cluster, { op: 'get', key: 'a' }, others)).answer, '6');
  await until('the cluster is not well', async () => (await second.http('GET', '/health/cluster')).status === 503);
  await ask(cluster, { op: 'put', key: 'a', value: '3' }, others);
});

test.run();
