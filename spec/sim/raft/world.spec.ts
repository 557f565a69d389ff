/** A cluster that nobody has seen before, and the same one twice. Fixed seeds are in seeds-*.spec.ts; `npm run sim -- --seed SEED` shows what happened in one. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { check } from './smoke.ts';
import { World } from './world.ts';

const test = suite('simulated raft cluster');
const main = fileURLToPath(new URL('./main.js', import.meta.url));

test('a cluster of a random seed keeps every promise', () => {
  const seed = Math.floor(Math.random() * 2 ** 32);
  console.log(`random seed ${seed}`);
  check(seed);
});

test('a seed is a run, in any process', () => {
  const print = (): string => execFileSync(process.execPath, [main, '--seed', '3'], { encoding: 'utf8', maxBuffer: 1 << 26 });
  const first = print();
  assert.ok(first.split('\n').length > 100, 'the table has a line for each event');
  assert.is(print(), first);
  assert.ok(first.includes(new World({ seed: 3 }).run().digest));
});

test.run();
