import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { PressureGauge, PressureSource } from '../../../src/actors/router/pressure.ts';

const test = suite('pressure');

function waiterOf(log: string[], name: string): { relieved(): void } {
  return { relieved: () => log.push(name) };
}

test('relieves everybody who waits, once and in order', () => {
  const source = new PressureSource();
  const log: string[] = [];
  source.wait(waiterOf(log, 'a'));
  source.wait(waiterOf(log, 'b'));
  source.relieve();
  source.relieve();
  assert.equal(log, ['a', 'b']);
});

test('who waits again while it is relieved waits for the next time', () => {
  const source = new PressureSource();
  let relieved = 0;
  const again = { relieved: () => ++relieved < 10 && source.wait(again) };
  source.wait(again);
  source.relieve();
  assert.is(relieved, 1);
  source.relieve();
  assert.is(relieved, 2);
});

test('the gauge shows the last source met, once', () => {
  const gauge = new PressureGauge();
  const [one, two] = [new PressureSource(), new PressureSource()];
  assert.is(gauge.take(), null);
  gauge.meet(one);
  gauge.meet(two);
  assert.is(gauge.take(), two);
  assert.is(gauge.take(), null);
});

test('a source that is at ease again holds nobody: there is nobody to relieve them', () => {
  const gauge = new PressureGauge();
  const source = new PressureSource();
  gauge.meet(source);
  source.relieve();
  assert.is(gauge.take(), null);
  gauge.meet(source);
  assert.is(gauge.take(), source);
});

test.run();
