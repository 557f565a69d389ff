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

test('a file that was cut off fails', () => {
  assert.is(judge('a', totals(2, 2), null, true).failed, 1);
});

test.run();
