/** Many seeds of the scenario: `node dist/spec/actors/homes/sweep.js FAULTS FROM COUNT`. Prints each that fails, and how many. */
import { FAULTS, type Faults, run } from './scenario.ts';

const [faults = 'cuts', from = '0', count = '20'] = process.argv.slice(2);
if (!FAULTS.includes(faults as Faults)) throw new Error(`no such faults: ${faults}; there are ${FAULTS.join(', ')}`);
let failed = 0;
for (let seed = Number(from); seed < Number(from) + Number(count); seed++) {
  try {
    run(seed, faults as Faults);
  } catch (error) {
    failed++;
    console.log(`seed ${seed}: ${(error as Error).message.slice(0, 300)}`);
  }
}
console.log(`${count} seeds of ${faults} from ${from}, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
