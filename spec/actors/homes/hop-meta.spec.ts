// The same three nodes with the real metadata on them: groups that elect, leases, a controller; what happens to a node or a link happens to all of that too. More seeds: `node dist/spec/actors/homes/sweep.js FAULTS FROM COUNT --directory meta`.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Faults, run, type Scenario } from './scenario.ts';

const test = suite('sessions that hop over real metadata');

function sweep(faults: Faults, seeds: readonly number[]): Scenario[] {
  return seeds.map((seed) => {
    try {
      return run(seed, faults, { directory: 'meta' });
    } catch (error) {
      console.log(`seed ${seed}, ${faults}, over real metadata`);
      throw error;
    }
  });
}

function total(scenarios: readonly Scenario[], key: Parameters<Scenario['total']>[0]): number {
  return scenarios.reduce((sum, scenario) => sum + scenario.total(key), 0);
}

test('while all is well every message comes once, in order', () => {
  const scenarios = sweep('none', [0]);
  assert.ok(total(scenarios, 'moved') > 0);
  assert.is(total(scenarios, 'further'), 0, 'nothing comes afterwards');
});

test('links that are lost, whichever they are, cost nobody anything, though leaders are behind them', () => {
  assert.ok(total(sweep('cuts', [Math.floor(Math.random() * 2 ** 31)]), 'moved') > 0);
});

test('nor does metadata whose leaders hand over, whose replicas are alone, and whose disks are slow', () => {
  assert.ok(total(sweep('fickle', [0]), 'moved') > 0);
});

test('nor do nodes that die, with their replicas and leases', () => {
  assert.ok(total(sweep('deaths', [1]), 'adopted') > 0, 'somebody has gone on without a home that answers');
});

test('nor does all of that at a time', () => {
  const scenarios = sweep('storm', [0, 5]);
  assert.ok(total(scenarios, 'further') > 0, 'former homes have given on what came later');
});

test('what waits on disk for a node is not taken for what was under way to it, though another reactor has overtaken that', () => {
  sweep('gale', [42]);
});

test.run();
