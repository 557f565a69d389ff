/** Runs a simulator with one planted bug after the other and tells which were found, by which seed and by what. */
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Mutant } from './mutant.ts';

export interface Hunt {
  /** The simulator: takes `--seeds N --quiet --first`, and tells a failure in a line `seed N…: what`. */
  readonly main: string;
  readonly mutants: readonly Mutant[];
  readonly seeds: number;
}

/** False: one has survived. */
export async function huntAll({ main, mutants, seeds }: Hunt): Promise<boolean> {
  const queue = [...mutants];
  let survived = 0;
  const worker = async (): Promise<void> => {
    for (let mutant = queue.shift(); mutant !== undefined; mutant = queue.shift()) {
      const found = await hunt(main, mutant.name, seeds);
      if (found === undefined) survived++;
      console.log(found === undefined ? `SURVIVED ${mutant.name}` : `killed   ${mutant.name.padEnd(40)} by seed ${found}`);
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, availableParallelism() >> 1) }, worker));
  console.log(`${mutants.length - survived} of ${mutants.length} mutants killed within ${seeds} seeds`);
  return survived === 0;
}

/** The first seed that finds the bug, and by what; undefined: none has. */
function hunt(main: string, name: string, seeds: number): Promise<string | undefined> {
  const plant = fileURLToPath(new URL('./plant.js', import.meta.url));
  const args = ['--import', plant, main, '--seeds', String(seeds), '--quiet', '--first'];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, {
      env: { ...process.env, SLUICE_MUTANT: name },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    let errors = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    child.on('close', (code) => {
      if (errors.includes('not exactly once') || (code !== 0 && code !== 1)) reject(new Error(errors));
      else resolve(code === 0 ? undefined : (foundIn(output) ?? errors.split('\n')[4]));
    });
  });
}

function foundIn(output: string): string | undefined {
  return /^seed (\d+)(?:,.*changes)?: (.{0,160})/m.exec(output)?.slice(1, 3).join(': ');
}
