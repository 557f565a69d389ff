// Replicated groups of a node by itself: one voter each, which kill -9 costs nothing.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LocalCluster } from '../../bench/cluster/local-cluster.ts';
import { ask, readOn, view } from './groups.ts';

const test = suite('groups of a node alone');
const folder = mkdtempSync(join(tmpdir(), 'sluice-groups-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));

test('it founds its groups, leads them, and has after kill -9 what it has acknowledged', async () => {
  const cluster = await LocalCluster.make({ directory: folder, nodes: 1 });
  const node = cluster.node(1);
  try {
    await node.start();
    const { groups } = await view(node);
    assert.ok(groups.length === 3 && groups.every(({ leader, voters }) => leader === 1 && voters.length === 1));
    for (let i = 1; i <= 20; i++) await ask(cluster, { op: 'put', key: 'a', value: String(i) });
    assert.is((await ask(cluster, { op: 'cas', key: 'a', expected: '20', value: 'last' })).answer, 'yes');
    await node.kill('SIGKILL');
    await node.start();
    assert.is(await readOn(node, 'a'), 'last');
    assert.is(await node.kill('SIGTERM'), 0);
  } finally {
    await cluster.end();
  }
});

test.run();
