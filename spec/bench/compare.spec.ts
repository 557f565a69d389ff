import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compare, median } from '../../bench/compare.ts';
import { comparisonLines, count, resultLines } from '../../bench/report.ts';
import { result } from './results.ts';

const test = suite('compare');

test('a median has as many values below as above', () => {
  assert.is(median([]), 0);
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer(), { minLength: 1, maxLength: 15 }), (values) => {
      const middle = median(values);
      assert.is(values.filter((value) => value < middle).length, values.filter((value) => value > middle).length);
    }),
  );
});

test('ratios are target over peer, of medians, null where a side has no figure', () => {
  const ours = [1000, 9000, 2000].map((received) => result('fanin-q0', { received }));
  const theirs = [100, 400, 500].map((received) => result('fanin-q0', { received }, 'mosquitto'));
  const { comparison, medians, ratios } = compare(ours, theirs);
  assert.equal(comparison, { target: 'sluice 1', peer: 'mosquitto 1', rounds: 3 });
  assert.equal([medians.target.rate, medians.peer.rate, ratios.rate], [1000, 200, 5]);
  assert.is(ratios.cpuUsPerMsg, 0.2);
  assert.is(ratios.p50Ms, 1);
  assert.is(ratios.rssPerConnectionBytes, null);
});

test('the report names rate, percentiles, CPU, losses and the generator', () => {
  const lines = resultLines(result('fanin-q0', { loadCpuMicros: 2_000_000 }), { unit: 'msgs', each: 'message' }).join('\n');
  for (const part of [
    '500 msgs/s',
    'p99.9 ',
    '500.000 µs',
    '3 deliveries never came',
    'at its own limit',
    'min 200 | avg 250 | max 300',
  ]) {
    assert.ok(lines.includes(part), `${part} in\n${lines}`);
  }
  const side = [result('connect', { rssPerConnectionBytes: 2048 })];
  assert.ok(comparisonLines(compare(side, side)).join('\n').includes('RSS per connection 1 ×'));
  assert.is(count(1_234_567.8), '1,234,568');
});

test.run();
