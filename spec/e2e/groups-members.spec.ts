// Members of replicated groups in real node processes: removed, added, and wiped.
import { rmSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { LocalCluster, LocalNode } from '../../bench/cluster/local-cluster.ts';
import { ask, groupOn, leader, readOn, view } from './groups.ts';
import { cliEnds } from './in-process-cli.ts';
import { ThreeNodes } from './three-nodes.ts';
import { until } from './until.ts';

const test = suite('members of replicated groups');
let three: ThreeNodes;
let cluster: LocalCluster;
test.before(async () => {
  three = await ThreeNodes.make('groups-members', {}, 'registers');
  ({ cluster } = three);
  await cluster.start();
});
test.after(() => three.end());

test('a member is removed and added again while the group serves', async () => {
  const lead = await leader(cluster.nodes, 'data/0');
  const [other] = cluster.nodes.filter((node) => node !== lead) as [LocalNode];
  const change = { group: 'data/0', node: other.id };
  const votersOf = async (): Promise<string[]> => [...(await groupOn(lead, 'data/0')).voters];
  assert.is((await lead.http('POST', '/api/v1/raft/members', { change: 'remove', ...change })).status, 204);
  await until('it votes no more', async () => (await votersOf()).length === 2);
  assert.is((await lead.http('POST', '/api/v1/raft/members', { change: 'add', ...change })).status, 204);
  await until('it votes again', async () => (await votersOf()).length === 3);
  assert.is((await lead.http('POST', '/api/v1/raft/members', { change: 'add', group: 'data/0', node: 77 })).status, 409);
});

test('what makes no sense is refused with a code, on any node, and changes nothing', async () => {
  const lead = await leader(cluster.nodes, 'data/0');
  const before = await groupOn(lead, 'data/0');
  const group = 'data/0';
  const refusals = [
    ['members', { change: 'remove', group, node: 9 }, 404, 'SLUICE_RAFT_NO_MEMBER'],
    ['members', { change: 'add', group, node: lead.id }, 409, 'SLUICE_RAFT_MEMBER'],
    ['members', { change: 'remove', group: 'data/77', node: 1 }, 404, 'SLUICE_RAFT_NO_GROUP'],
    ['transfer', { group, node: 9 }, 404, 'SLUICE_RAFT_NO_MEMBER'],
    ['transfer', { group: 'nonsense', node: 1 }, 404, 'SLUICE_RAFT_NO_GROUP'],
  ] as const;
  for (const node of cluster.nodes) {
    for (const [path, body, status, code] of refusals) {
      const answer = await node.http('POST', `/api/v1/raft/${path}`, body);
      assert.equal([answer.status, (answer.body as { code: string }).code], [status, code], `${path} ${JSON.stringify(body)}`);
    }
  }
  assert.equal((await groupOn(lead, 'data/0')).voters, before.voters);
});

test('the commands say so, once for all groups, and end with 1', async () => {
  const address = cluster.nodes[0]!.ready!.http!;
  for (const [args, told] of [
    [['raft', 'remove', '9'], /^sluice: SLUICE_RAFT_NO_MEMBER: node 9 is a member of no group$/m],
    [['raft', 'add', '1'], /^sluice: SLUICE_RAFT_MEMBER: node 1 votes in all groups already$/m],
    [['raft', 'remove', '9', '--group', 'data/0'], /^sluice: SLUICE_RAFT_NO_MEMBER: node 9 is no member of the group$/m],
    [['raft', 'transfer', 'data/0', '9'], /^sluice: SLUICE_RAFT_NO_MEMBER: node 9 is no member of the group$/m],
  ] as const) {
    const { code, out, err } = await cliEnds(address, ...args);
    assert.equal([code, out], [1, ''], args.join(' '));
    assert.match(err, told);
  }
});

test('a node that comes back without its disk is another replica, and is taken in for the one it was', async () => {
  await ask(cluster, { op: 'put', key: 'a', value: '5' });
  const lead = await leader(cluster.nodes);
  const [wiped] = cluster.nodes.filter((node) => node !== lead) as [LocalNode];
  const before = (await groupOn(lead)).voters.find((voter) => voter.startsWith(`${wiped.id}.`))!;
  await wiped.kill('SIGKILL');
  rmSync(wiped.data, { recursive: true });
  await wiped.start();
  await until('the new replica votes in the place of the old one', async () => {
    for (const { voters, learners } of (await view(await leader(cluster.nodes))).groups) {
      if (learners.length > 0 || voters.includes(before) || voters.length !== 3) return false;
    }
    return true;
  });
  assert.is(await readOn(wiped, 'a'), '5');
});

test('a leader that is told to stop hands over first', async () => {
  const lead = await leader(cluster.nodes);
  const others = cluster.nodes.filter((node) => node !== lead);
  assert.is(await lead.kill('SIGTERM'), 0);
  await leader(others);
  assert.is((await ask(cluster, { op: 'get', key: 'a' }, others)).answer, '5');
});

test.run();
