import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { clusterHealth, liveness, type NodeFacts, readiness } from '../../src/nodes/health.ts';

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

test.run();
