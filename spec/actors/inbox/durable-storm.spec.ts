/** Random traffic, takeovers and power cuts over reactors with a store: nothing that was acknowledged is missing, nothing of QoS 2 comes twice. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { runStorm } from './storm.ts';

const SEEDS = 8;

const test = suite('a storm over persistent sessions');

test(`${SEEDS} seeds and one more`, () => {
  let acknowledged = 0;
  let powerCuts = 0;
  const extra = Math.floor(Math.random() * 2 ** 31);
  console.log(`random seed ${extra}`);
  for (const seed of [...Array(SEEDS).keys(), extra]) {
    const report = runStorm(seed);
    assert.equal(report.faults, [], `seed ${seed}`);
    acknowledged += report.acknowledged;
    powerCuts += report.powerCuts;
  }
  assert.ok(acknowledged > SEEDS * 50 && powerCuts > SEEDS, `${acknowledged} messages, ${powerCuts} power cuts`);
});

test('the same seed is the same run', () => {
  assert.is(runStorm(7).hash, runStorm(7).hash);
});

test.run();
