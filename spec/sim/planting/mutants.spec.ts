/** The mutants themselves: `npm run sim -- --mutants` and `npm run sim:meta -- --mutants` hunt all of them; here a few are, and all must still have their place in the code. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { META_MUTANTS } from '../meta/mutants.ts';
import { RAFT_MUTANTS } from '../raft/mutants.ts';

const test = suite('mutants');
const dist = fileURLToPath(new URL('../../../', import.meta.url));
const all = [...RAFT_MUTANTS, ...META_MUTANTS];

function hunt(simulator: string, seeds: number, names: readonly string[]): void {
  const args = [`${dist}spec/sim/${simulator}/main.js`, '--mutants', '--seeds', String(seeds), ...names];
  assert.match(execFileSync(process.execPath, args, { encoding: 'utf8' }), `${names.length} of ${names.length} mutants killed`);
}

test('every mutant changes what it means to, once', () => {
  for (const { name, edits } of all) {
    for (const { file, find, replace } of edits) {
      assert.is(readFileSync(`${dist}${file}`, 'utf8').split(find).length, 2, `${name}, ${file}: ${find}`);
      assert.is.not(find, replace);
    }
  }
  assert.is(new Set(all.map(({ name }) => name)).size, all.length);
});

test('planted bugs of Raft are found', () => hunt('raft', 60, ['vote-not-persisted', 'no-entry-at-election']));

test('planted bugs of the metadata service are found', () =>
  hunt('meta', 20, ['reads-are-not-confirmed', 'claims-ignore-the-revision']));

test.run();
