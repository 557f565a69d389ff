/** A tiny run of the scenario about retained messages, against a node of this tree. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { runOnce } from '../../bench/run.ts';
import { scenarioNamed } from '../../bench/scenario.ts';

const test = suite('retained scenario');

for (const level of [4, 5] as const) {
  test(`subscribers of MQTT ${level === 4 ? '3.1.1' : '5.0'} get whole sets`, async () => {
    const scenario = scenarioNamed('retained');
    const params = { ...scenario.params, level, seconds: 0.4, warmupSeconds: 0.1, topics: 7, subscribers: 20 };
    const { msgs, latencyMs, clients } = await runOnce({ scenario, params, target: 'sluice', targetOptions: {} });
    assert.ok(msgs > 7 * 20, `${msgs} messages`);
    assert.ok(latencyMs !== null && latencyMs.max > 0);
    assert.is(clients!.count, 20);
    assert.ok(clients!.min > 0, 'nobody is left out');
  });
}

test.run();
