/** Some dozens of simulated clusters in one spec file. Several files share the seeds, so that they run at once. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { report } from './report.ts';
import { type Outcome, World } from './world.ts';

export function check(seed: number): Outcome {
  const outcome = new World({ seed }).run();
  if (outcome.violation !== undefined) {
    assert.unreachable(`${report(new World({ seed, verbose: true }).run())}\nreplay: npm run sim -- --seed ${seed}`);
  }
  return outcome;
}

export function smoke(firstSeed: number, seeds: number): void {
  const test = suite(`simulated raft clusters from ${firstSeed}`);
  test('keep every promise', () => {
    const total = { operations: 0, committed: 0, elections: 0, crashes: 0, changes: 0 };
    for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
      const outcome = check(seed);
      for (const key of ['operations', 'committed', 'elections', 'crashes', 'changes'] as const) total[key] += outcome[key];
    }
    console.log(JSON.stringify(total));
    assert.ok(total.operations > seeds * 10, 'clients were served');
    assert.ok(total.elections > seeds * 2, 'leaders have come and gone');
    assert.ok(total.crashes > seeds, 'and nodes');
    assert.ok(total.changes > seeds, 'and members');
  });
  test.run();
}
