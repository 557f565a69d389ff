/** Simulated clusters that serve metadata, and one of a seed that nobody has chosen. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Outcome, World } from './world.ts';

const test = suite('simulated metadata');
/** With the last two histories are too short for the watchers now and then. */
const SEEDS: readonly number[] = [1, 2, 3, 5, 8, 13, 14, 16];

function check(seed: number): Outcome {
  const outcome = new World(seed).run();
  assert.is(outcome.violation, undefined, `seed ${seed}: ${outcome.violation}`);
  return outcome;
}

test('keeps every promise', () => {
  const total = { operations: 0, revisions: 0, watched: 0, compactions: 0, lists: 0, renewals: 0, ended: 0, kills: 0 };
  for (const seed of SEEDS) {
    const outcome = check(seed);
    for (const key of Object.keys(total) as (keyof typeof total)[]) total[key] += outcome[key];
  }
  console.log(JSON.stringify(total));
  assert.ok(total.operations > 100 * SEEDS.length, 'clients were served');
  assert.ok(total.watched > 100 * SEEDS.length, 'watchers were told');
  assert.ok(total.lists > 5 * SEEDS.length, 'all keys were listed');
  assert.ok(total.renewals > 2 * SEEDS.length && total.ended > SEEDS.length, 'leases were renewed, and have ended');
  assert.ok(total.kills > SEEDS.length, 'nodes have died');
  assert.ok(total.compactions > 0, 'histories were too short');
});

test('whatever the seed', () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  console.log(`random seed ${seed}`);
  check(seed);
});

test('a seed is a run', () => {
  assert.equal(new World(7).run(), new World(7).run());
});

test.run();
