/** `npm run sim:meta -- [--seeds N] [--seed S]`: runs N simulated clusters that serve metadata, from seed S on. */
import { parseArgs } from 'node:util';
import { World } from './world.ts';

const { values } = parseArgs({ options: { seeds: { type: 'string' }, seed: { type: 'string' } } });
const first = Number(values.seed ?? 1);
const count = Number(values.seeds ?? 1);
if (!Number.isSafeInteger(first) || !Number.isSafeInteger(count) || first < 0 || count < 1) {
  console.error('usage: npm run sim:meta -- [--seeds N] [--seed S]');
  process.exit(2);
}
const total = { seeds: 0, failed: 0, operations: 0, revisions: 0, watched: 0, compactions: 0, renewals: 0, ended: 0, kills: 0 };
for (let seed = first; seed < first + count; seed++) {
  const outcome = new World(seed).run();
  total.seeds++;
  for (const key of ['operations', 'revisions', 'watched', 'compactions', 'renewals', 'ended', 'kills'] as const)
    total[key] += outcome[key];
  if (outcome.violation === undefined) continue;
  total.failed++;
  process.exitCode = 1;
  console.log(`seed ${seed}: ${outcome.violation}\nreplay: npm run sim:meta -- --seed ${seed}`);
}
console.log(JSON.stringify(total));
