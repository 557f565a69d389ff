/** A tiny run of the scenario about messages for a client that is away, against a node of this tree. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { runOnce } from '../../bench/run.ts';
import { scenarioNamed } from '../../bench/scenario.ts';

const test = suite('offline scenario');

test('what a session has missed comes when its client is back', async () => {
  const scenario = scenarioNamed('offline');
  const params = { ...scenario.params, seconds: 0.3, warmupSeconds: 0.1, publishers: 2, window: 32 };
  const result = await runOnce({ scenario, params, target: 'sluice', targetOptions: {} });
  assert.is(result.lost, 0);
  assert.ok(result.facts!.backlog! > 0 && result.facts!.outPerSecond! > 0);
  // Facts are rounded, as they are printed.
  assert.is(Number(result.delivered.toPrecision(4)), result.facts!.backlog);
});

test.run();
