/**
 * `node dist/spec/sim/replay.js SEED [SEED_MAX]`: runs one simulated world and prints what happened, or all worlds from SEED to SEED_MAX and prints a line
 * for each that breaks an invariant.
 */
import { report } from './report.ts';
import { World } from './world.ts';

const [first, last] = process.argv.slice(2).map(Number);
if (first === undefined || !Number.isSafeInteger(first)) {
  console.error('usage: node dist/spec/sim/replay.js SEED [SEED_MAX]');
  process.exitCode = 2;
} else if (last === undefined) {
  const outcome = new World({ seed: first, verbose: true }).run();
  console.log(report(outcome, 'all'));
  process.exitCode = outcome.violations.length > 0 ? 1 : 0;
} else {
  for (let seed = first; seed <= last; seed++) {
    const { violations, reactors, kills } = new World({ seed }).run();
    if (violations.length === 0) continue;
    console.log(
      `${seed}: ${reactors} reactors, ${kills} kills, ${violations.length} × ${violations[0]!.who}: ${violations[0]!.what}`,
    );
    process.exitCode = 1;
  }
}
