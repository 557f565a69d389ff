/**
 * `npm run sim -- --seeds N [--seed S] [--knobs JSON]`: runs N simulated clusters, or one and tells what happened in it; knobs of swarm.ts take the place of what seeds draw. `--mutants [NAME…]`:
 * plants one bug after the other and demands that each is found within N seeds (300).
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { huntAll } from '../planting/hunt.ts';
import { RAFT_MUTANTS } from './mutants.ts';
import { report, summary } from './report.ts';
import type { Swarm } from './swarm.ts';
import { type Outcome, World } from './world.ts';

const MUTANT_SEEDS = 300;
const FAILURES_TOLD = 5;

const { values, positionals } = parseArgs({
  options: {
    seeds: { type: 'string' },
    seed: { type: 'string' },
    knobs: { type: 'string' },
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
  console.error('usage: npm run sim -- [--seeds N] [--seed S] [--knobs JSON] [--mutants [NAME…]]');
  process.exit(2);
}

const knobs = JSON.parse(values.knobs ?? '{}') as Partial<Swarm>;

function tellOne(seed: number): void {
  const outcome = new World({ seed, knobs, verbose: true }).run();
  console.log(report(outcome, 4000));
  process.exitCode = outcome.violation === undefined ? 0 : 1;
}

function runMany(first: number, count: number): void {
  const total: Total = { seeds: 0, failed: 0, events: 0, operations: 0, committed: 0, elections: 0, crashes: 0, changes: 0 };
  const points = new Set<string>();
  for (let seed = first; seed < first + count; seed++) {
    const outcome = new World({ seed, knobs }).run();
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
  return `${report(new World({ seed, knobs, verbose: true }).run())}\nreplay: npm run sim -- --seed ${seed}${values.knobs === undefined ? '' : ` --knobs '${values.knobs}'`}`;
}

async function runMutants(names: readonly string[], seeds: number): Promise<void> {
  const mutants = RAFT_MUTANTS.filter(({ name }) => names.length === 0 || names.includes(name));
  if (!(await huntAll({ main: fileURLToPath(import.meta.url), mutants, seeds }))) process.exitCode = 1;
}

const seed = integer(values.seed, 1);
if (values.mutants === true) await runMutants(positionals, integer(values.seeds, MUTANT_SEEDS));
else if (values.seed !== undefined && values.seeds === undefined) tellOne(seed);
else runMany(seed, integer(values.seeds, 1000));
