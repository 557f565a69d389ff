/** Tiny runs of the scenarios about what is kept: against a node of this tree, and against a bare log. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { BenchResult } from '../../bench/result.ts';
import { runOnce } from '../../bench/run.ts';
import { type Params, scenarioNamed } from '../../bench/scenario.ts';

const test = suite('durable scenarios');

function run(name: string, target: string, changes: Partial<Params> = {}): Promise<BenchResult> {
  const scenario = scenarioNamed(name);
  const params = { ...scenario.params, seconds: 0.3, warmupSeconds: 0.1, ...changes };
  return runOnce({ scenario, params, target, targetOptions: {} });
}

test('durable: a node of this tree syncs before it acknowledges', async () => {
  const result = await run('durable-w1', 'sluice');
  assert.is(result.lost, 0);
  assert.ok(result.delivered > 0);
});

test('append and shards measure a log and the disk under it', async () => {
  const append = await run('append', 'sluice', { seconds: 0.6, batch: 64 });
  assert.ok(append.msgs > 0 && append.facts!.logMegabytesPerSecond! > 0 && append.facts!.diskMegabytesPerSecond! > 0);
  const shards = await run('shards', 'sluice', { shards: 50, messages: 500, batch: 250 });
  assert.equal([shards.facts!.manyShards, shards.msgs], [5000, 500]);
  assert.ok(shards.facts!.ratioToOneShard! > 0 && shards.facts!.reopenSeconds! > 0);
});

test('recovery: a node is ready on a log that was left open', async () => {
  const result = await run('recovery', 'sluice', { gigabytes: 0.02 });
  assert.ok(result.msgs > 10_000 && result.facts!.readySeconds! > 0 && result.facts!.emptyReadySeconds! > 0);
});

test.run();
