import { spawnSync } from 'node:child_process';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { judge } from './run-judge.ts';

const test = suite('run-judge');
const totals = (total: number, passed: number, skipped = 0): string =>
  `\n  Total:     ${total}\n  Passed:    ${passed}\n  Skipped:   ${skipped}\n  Duration:  1ms\n`;

test('counts a file in which everything passed', () => {
  const result = judge('a', totals(3, 3), 0, false);
  assert.is(result.passed, 3);
  assert.is(result.failed, 0);
});

test('a file that ran nothing fails, whatever its exit code', () => {
  assert.is(judge('a', '', 0, false).failed, 1);
  assert.is(judge('a', totals(0, 0), 0, false).failed, 1);
});

test('a file with a failing exit code fails even if its totals look well', () => {
  assert.is(judge('a', totals(2, 2), 1, false).failed, 1);
});

test('a file that passed less than it ran fails by as many', () => {
  assert.is(judge('a', totals(5, 3), 0, false).failed, 2);
});

test('a skip needs a reason on a line of its own', () => {
  assert.is(judge('a', totals(2, 1, 1), 0, false).failed, 1);
  const skipped = judge('a', 'skipped: no peer\n', 0, false);
  assert.is(skipped.failed, 0);
  assert.is(skipped.skipped, 1);
  assert.is(skipped.skipReason, 'no peer');
});

test('a file whose tests are missing without a word is to be heard once more', () => {
  assert.ok(judge('a', totals(5, 0), 0, false).isSilent);
  assert.not(judge('a', totals(5, 3), 1, false).isSilent);
  assert.not(judge('a', totals(5, 5), 0, false).isSilent);
  assert.not(judge('a', 'skipped: no peer\n', 0, false).isSilent);
});

test('a hook that fails says so when it is heard', () => {
  const [loud, uvu] = [new URL('loud-hooks.js', import.meta.url).href, import.meta.resolve('uvu')];
  const hear = (hook: string): string => {
    const spec = `import { suite } from ${JSON.stringify(uvu)};
const test = suite('s');
test.${hook}(() => { throw new Error('there is no peer'); });
test('t', () => {});
test.run();`;
    const args = ['--import', loud, '--input-type=module', '--eval', spec];
    return spawnSync(process.execPath, args, { encoding: 'utf8', env: { ...process.env, FORCE_COLOR: '0' } }).stdout;
  };
  assert.match(hear('before'), /a hook before all tests"\s+there is no peer/);
  assert.match(hear('after.each'), /a hook after t"\s+there is no peer/);
});

test('a file that was cut off fails', () => {
  assert.is(judge('a', totals(2, 2), null, true).failed, 1);
});

test.run();
