/** The mutants themselves: `npm run sim -- --mutants` hunts all of them; here a few are, and all must still have their place in the code. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MUTANTS } from './mutants.ts';

const test = suite('raft mutants');
const dist = fileURLToPath(new URL('../../../', import.meta.url));

test('every mutant changes what it means to, once', () => {
  for (const { name, edits } of MUTANTS) {
    for (const { file, find, replace } of edits) {
      assert.is(readFileSync(`${dist}${file}`, 'utf8').split(find).length, 2, `${name}, ${file}: ${find}`);
      assert.is.not(find, replace);
    }
  }
  assert.is(new Set(MUTANTS.map(({ name }) => name)).size, MUTANTS.length);
});

test('the planted bugs are found', () => {
  const names = ['vote-not-persisted', 'no-entry-at-election'];
  const output = execFileSync(process.execPath, [`${dist}spec/sim/raft/main.js`, '--mutants', '--seeds', '60', ...names], {
    encoding: 'utf8',
  });
  assert.match(output, `${names.length} of ${names.length} mutants killed`);
});

test.run();
