/** The clients of the metadata on a node that is well: everything is asked, and everything is as it should be. What `npm run chaos -- --load meta` does in trouble. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { mixOf } from '../../../../bench/chaos/meta/batcher.ts';
import { differenceOf, META_SETTINGS, MetaLoad } from '../../../../bench/chaos/meta/meta-load.ts';
import { makeTightProgram } from '../../../../bench/chaos/meta/tight-program.ts';
import { tagOf, valueWith } from '../../../../bench/chaos/meta/value.ts';
import { LocalCluster } from '../../../../bench/cluster/local-cluster.ts';
import { until } from '../../../e2e/until.ts';

const test = suite('chaos metadata');
const ENOUGH = 150;

/** Answers, revisions, leases, renewals, changes. */
function countsOf(load: MetaLoad): number[] {
  const [answers, , ...others] = [...load.summary().matchAll(/\d+/g)].map(([number]) => Number(number));
  return [answers!, ...others.slice(0, 4)];
}

test('a node that is well is not convicted', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-meta-load-'));
  const entry = makeTightProgram(join(directory, 'program'));
  const cluster = await LocalCluster.make({ directory, nodes: 1, entry, settings: META_SETTINGS });
  const load = new MetaLoad(cluster, 8, 1);
  try {
    await cluster.start();
    await load.start();
    // However fast the node is: a lease is renewed when some of its time has passed.
    await until('calls have been answered', () => load.answered >= ENOUGH && countsOf(load).every((count) => count > 0));
    assert.equal(await load.finish(), []);
    for (const count of countsOf(load)) assert.ok(count > 0, load.summary());
  } finally {
    await load.stop();
    await cluster.end();
    rmSync(directory, { recursive: true, force: true });
  }
});

test('a value tells who wrote it, and whether it is whole', () => {
  for (const tag of ['c0.1', 'b3.4711', 'x']) {
    const value = valueWith(tag);
    assert.is(tagOf(value), tag);
    assert.is(tagOf(value.subarray(1)), undefined);
    assert.is(tagOf(Buffer.concat([value, Buffer.from('|')])), undefined);
  }
  assert.is(tagOf(new Uint8Array(0)), undefined);
});

test('a batch is whole or not there', () => {
  const seen = (tag: string, modified: number) => ({ tag, modified, created: 1, version: 1, lease: 0 });
  assert.is(mixOf([undefined, undefined]), undefined);
  assert.is(mixOf([seen('b.1', 4), seen('b.1', 4)]), undefined);
  assert.is(mixOf([seen('b.1', 4), undefined]), 'b.1 of revision 4, nothing of revision 0');
  assert.ok(mixOf([seen('b.1', 4), seen('b.2', 5)]) !== undefined);
  assert.ok(mixOf([seen('b.1', 4), seen('b.1', 5)]) !== undefined);
});

test('nodes hold the same, or the first key in which they differ is told', () => {
  const a = ['a', '1'] as const;
  assert.is(differenceOf([[a], [a], [a]]), undefined);
  assert.is(
    differenceOf([[a], [a, ['b', '2']], [a]]),
    'the nodes differ in b: node 1 has nothing; node 2 has 2; node 3 has nothing',
  );
  assert.is(differenceOf([[['a', '2']], [a]]), 'the nodes differ in a: node 1 has 2; node 2 has 1');
});

test.run();
