/**
 * `npm run sim:meta -- [--seeds N] [--seed S]`: runs N simulated clusters that serve metadata, from seed S on. `--mutants [NAME…]`: plants one bug after the other and demands
 * that each is found within N seeds (100).
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { huntAll } from '../planting/hunt.ts';
import { META_MUTANTS } from './mutants.ts';
import { World } from './world.ts';

const MUTANT_SEEDS = 100;
const COUNTED = ['operations', 'revisions', 'watched', 'compactions', 'lists', 'renewals', 'ended', 'kills'] as const;

const { values, positionals } = parseArgs({
  options: {
    seeds: { type: 'string' },
    seed: { type: 'string' },
    mutants: { type: 'boolean' },
    /** Ends with the first failure. */
    first: { type: 'boolean' },
    quiet: { type: 'boolean' },
  },
  allowPositionals: true,
});

function runMany(first: number, count: number): void {
  const total = { seeds: 0, failed: 0, ...Object.fromEntries(COUNTED.map((key) => [key, 0])) } as Record<
    'seeds' | 'failed' | (typeof COUNTED)[number],
    number
  >;
  for (let seed = first; seed < first + count; seed++) {
    const outcome = new World(seed).run();
    total.seeds++;
    for (const key of COUNTED) total[key] += outcome[key];
    if (outcome.violation === undefined) continue;
    total.failed++;
    process.exitCode = 1;
    console.log(`seed ${seed}: ${outcome.violation}`);
    if (values.quiet !== true) console.log(`replay: npm run sim:meta -- --seed ${seed}`);
    if (values.first === true) break;
  }
  console.log(JSON.stringify(total));
}

const first = Number(values.seed ?? 1);
const count = Number(values.seeds ?? (values.mutants === true ? MUTANT_SEEDS : 1));
if (!Number.isSafeInteger(first) || !Number.isSafeInteger(count) || first < 0 || count < 1) {
  console.error('usage: npm run sim:meta -- [--seeds N] [--seed S] [--mutants [NAME…]]');
  process.exit(2);
}
if (values.mutants === true) {
  const mutants = META_MUTANTS.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
  if (!(await huntAll({ main: fileURLToPath(import.meta.url), mutants, seeds: count }))) process.exitCode = 1;
} else {
  runMany(first, count);
}
