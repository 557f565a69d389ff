/** A tiny run of the scenario about logins, against a node of this tree. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { runOnce } from '../../bench/run.ts';
import { scenarioNamed } from '../../bench/scenario.ts';

const test = suite('logins scenario');

for (const [name, username] of [
  ['logins', 'bench'],
  ['logins', ''],
  ['logins-cold', 'bench'],
] as const) {
  test(`${name} of ${username === '' ? 'nobody' : 'a user'}: all are answered, and nothing else is lost`, async () => {
    const scenario = scenarioNamed(name);
    const params = { ...scenario.params, username, seconds: 0.5, warmupSeconds: 0.1, publishers: 2, rate: 100, connectRate: 60 };
    const { lost, facts, delivered } = await runOnce({ scenario, params, target: 'sluice', targetOptions: {} });
    assert.is(lost, 0);
    assert.ok(delivered > 0);
    const { accepted, refused, unanswered } = facts!;
    assert.ok(accepted! + refused! > 0);
    assert.is(unanswered, 0);
    assert.is(name === 'logins' ? refused : accepted, 0);
  });
}

test.run();
