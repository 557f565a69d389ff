import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { ClusterOverview } from '../../src/actors/cluster/messages.ts';
import { groupId } from '../../src/actors/raft/group-id.ts';
import { votersOnly } from '../../src/actors/raft/membership.ts';
import type { GroupOverview } from '../../src/actors/raft/messages.ts';
import { replicaId } from '../../src/actors/raft/replica.ts';
import { clusterHealth, type HealthReport, liveness, type NodeFacts, readiness } from '../../src/nodes/health.ts';

const RUNNING: NodeFacts = {
  node: 3,
  phase: 'running',
  uptimeSeconds: 12.9,
  reactors: ['up', 'up'],
  listeners: { 'mqtt.tcp': '127.0.0.1:1883' },
};

const test = suite('health');

test('a running node is ready, and says what it listens on', () => {
  const report = readiness(RUNNING);
  assert.is(report.status, 'ok');
  assert.equal(
    report.checks.find(({ name }) => name === 'reactors'),
    { name: 'reactors', ok: true, detail: '2 up' },
  );
  assert.equal(report.checks.find(({ name }) => name === 'listeners')?.detail, 'mqtt.tcp 127.0.0.1:1883');
});

test('a node that starts, drains or has lost a reactor is alive but not ready', () => {
  const table: [Partial<NodeFacts>, string, RegExp][] = [
    [{ phase: 'starting' }, 'phase', /starting/],
    [{ phase: 'draining' }, 'phase', /draining/],
    [{ reactors: ['up', 'down'] }, 'reactors', /down: 2 of 2/],
    [{ reactors: [] }, 'reactors', /0 up/],
  ];
  for (const [change, failing, detail] of table) {
    const facts = { ...RUNNING, ...change };
    const report = readiness(facts);
    assert.is(report.status, 'failing');
    const check = report.checks.find(({ name }) => name === failing);
    assert.is(check?.ok, false);
    assert.match(check?.detail ?? '', detail);
    assert.is(liveness(facts).status, 'ok');
    assert.is(clusterHealth(facts).status, 'failing');
  }
  assert.is(clusterHealth(RUNNING).status, 'ok');
});

test('a cluster is well when its members are reachable and each group has a leader among them', () => {
  const [A, B] = [replicaId(3, 1), replicaId(4, 1)];
  const group = (id: number, lead: number): GroupOverview => ({
    group: id,
    role: 'follower',
    term: 2,
    lead,
    commit: 1,
    applied: 1,
    lastIndex: 1,
    membership: votersOnly([A, B]),
  });
  const overview = (isUp: boolean, lead: number): ClusterOverview => ({
    node: 3,
    waitsFor: '',
    members: [
      { node: 3, replica: A, thread: 3, isUp: true },
      { node: 4, replica: B, thread: 3, isUp },
    ],
    groups: [group(groupId('metadata', 0), A), group(groupId('data', 1), lead)],
  });
  const detailOf = (report: HealthReport, name: string): string => report.checks.find((check) => check.name === name)!.detail;
  assert.is(clusterHealth(RUNNING, overview(true, B)).status, 'ok');
  const lost = clusterHealth(RUNNING, overview(false, B));
  assert.is(lost.status, 'failing');
  assert.is(detailOf(lost, 'members'), '1 of 2');
  assert.is(detailOf(lost, 'node 4'), 'not reachable');
  assert.is(detailOf(lost, 'groups'), '1 of 2 led; without a leader: data/1');
  assert.is(clusterHealth(RUNNING, overview(true, 0)).status, 'failing');
  assert.is(
    detailOf(clusterHealth(RUNNING, { ...overview(true, B), groups: [], waitsFor: 'for node 4' }), 'groups'),
    'waits for node 4',
  );
  assert.is(clusterHealth(RUNNING, null).status, 'failing', 'groups that do not answer');
});

test.run();
