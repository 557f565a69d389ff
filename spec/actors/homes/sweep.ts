/** Many seeds of the scenario: `node dist/spec/actors/homes/sweep.js FAULTS FROM COUNT [--directory stub|meta]`. Prints each that fails, and how many. */
import { parseArgs } from 'node:util';
import { DIRECTORIES, type DirectoryKind, FAULTS, type Faults, run } from './scenario.ts';

const { values, positionals } = parseArgs({
  options: { directory: { type: 'string', default: 'stub' } },
  allowPositionals: true,
});
const [faults = 'cuts', from = '0', count = '20'] = positionals;
const { directory } = values;
if (!FAULTS.includes(faults as Faults)) throw new Error(`no such faults: ${faults}; there are ${FAULTS.join(', ')}`);
if (!DIRECTORIES.includes(directory as DirectoryKind))
  throw new Error(`no such directory: ${directory}; there are ${DIRECTORIES.join(', ')}`);
let failed = 0;
for (let seed = Number(from); seed < Number(from) + Number(count); seed++) {
  try {
    run(seed, faults as Faults, { directory: directory as DirectoryKind });
  } catch (error) {
    failed++;
    console.log(`seed ${seed}: ${(error as Error).message.slice(0, 300)}`);
  }
}
console.log(`${count} seeds of ${faults} from ${from} over the directory ${directory}, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
