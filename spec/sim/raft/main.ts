/**
 * `npm run sim -- --seeds N [--seed S]`: runs N simulated clusters, or one and tells what happened in it. `--mutants [NAME…]`: plants one bug after the other and demands that
 * each is found within N seeds (300).
 */
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { MUTANTS } from './mutants.ts';
import { report, summary } from './report.ts';
import { type Outcome, World } from './world.ts';

const MUTANT_SEEDS = 300;
const FAILURES_TOLD = 5;

const { values, positionals } = parseArgs({
  options: {
    seeds: { type: 'string' },
    seed: { type: 'string' },
    mutants: { type: 'boolean' },
    quiet: { type: 'boolean' },
    /** Ends with the first failure. */
    first: { type: 'boolean' },
  },
  allowPositionals: true,
});

function integer(text: string | undefined, otherwise: number): number {
  const value = text === undefined ? otherwise : Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  console.error('usage: npm run sim -- [--seeds N] [--seed S] [--mutants [NAME…]]');
  process.exit(2);
}

function tellOne(seed: number): void {
  const outcome = new World({ seed, verbose: true }).run();
  console.log(report(outcome, 4000));
  process.exitCode = outcome.violation === undefined ? 0 : 1;
}

function runMany(first: number, count: number): void {
  const total: Total = { seeds: 0, failed: 0, events: 0, operations: 0, committed: 0, elections: 0, crashes: 0, changes: 0 };
  const points = new Set<string>();
  for (let seed = first; seed < first + count; seed++) {
    const outcome = new World({ seed }).run();
    add(total, outcome);
    for (const point of outcome.points) points.add(point);
    if (outcome.violation === undefined) continue;
    console.log(
      values.quiet === true || total.failed > FAILURES_TOLD
        ? `${summary(outcome)}: ${outcome.violation.split('\n')[0]}`
        : again(seed),
    );
    process.exitCode = 1;
    if (values.first === true) break;
  }
  console.log(JSON.stringify({ ...total, crashPoints: [...points].sort() }));
}

type Counted = 'events' | 'operations' | 'committed' | 'elections' | 'crashes' | 'changes';
type Total = Record<Counted | 'seeds' | 'failed', number>;

function add(total: Total, outcome: Outcome): void {
  total.seeds++;
  if (outcome.violation !== undefined) total.failed++;
  for (const key of ['events', 'operations', 'committed', 'elections', 'crashes', 'changes'] as const) total[key] += outcome[key];
}

/** A seed is a run: once more, with a table. */
function again(seed: number): string {
  return `${report(new World({ seed, verbose: true }).run())}\nreplay: npm run sim -- --seed ${seed}`;
}

/** The first seed that finds the bug, and by what; undefined: none has. */
function hunt(name: string, seeds: number): Promise<string | undefined> {
  const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));
  const args = ['--import', here('./plant.js'), here('./main.js'), '--seeds', String(seeds), '--quiet', '--first'];
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
      else
        resolve(
          code === 0
            ? undefined
            : (/^seed (\d+),.*changes: (.*)$/m.exec(output)?.slice(1, 3).join(': ') ?? errors.split('\n')[4]),
        );
    });
  });
}

async function runMutants(names: readonly string[], seeds: number): Promise<void> {
  const queue = MUTANTS.map(({ name }) => name).filter((name) => names.length === 0 || names.includes(name));
  const total = queue.length;
  let survived = 0;
  const worker = async (): Promise<void> => {
    for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
      const found = await hunt(name, seeds);
      if (found === undefined) survived++;
      console.log(found === undefined ? `SURVIVED ${name}` : `killed   ${name.padEnd(40)} by seed ${found}`);
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, availableParallelism() >> 1) }, worker));
  console.log(`${total - survived} of ${total} mutants killed within ${seeds} seeds`);
  if (survived > 0) process.exitCode = 1;
}

const seed = integer(values.seed, 1);
if (values.mutants === true) await runMutants(positionals, integer(values.seeds, MUTANT_SEEDS));
else if (values.seed !== undefined && values.seeds === undefined) tellOne(seed);
else runMany(seed, integer(values.seeds, 1000));
