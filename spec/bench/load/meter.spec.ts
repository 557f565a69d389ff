import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { between, drain, measure } from '../../../bench/load/meter.ts';
import { StampSpan } from '../../../bench/load/stamp-span.ts';

const test = suite('meter');

test('the window is the difference of its edges; CPU is absent when one edge has none', () => {
  const open = { at: 1000, sent: 10, received: 5, perClient: [2, 3], brokerCpu: 100, loadCpu: 7 };
  const close = { at: 3500, sent: 110, received: 95, perClient: [40, 55], brokerCpu: 350, loadCpu: 17 };
  const figures = { seconds: 2.5, sent: 100, received: 90, perClient: [38, 52], loadCpuMicros: 10 };
  assert.equal(between(open, close), { ...figures, brokerCpuMicros: 250 });
  assert.equal(between({ ...open, brokerCpu: undefined }, close), figures);
});

test('warm-up is outside: counters are read and the span is open from its end on', async () => {
  let messages = 0;
  let clock = 0;
  const span = new StampSpan();
  const phases = new Set<string>();
  const figures = await measure({
    warmupSeconds: 0.001,
    seconds: 0.002,
    // Every look at the clock is a millisecond and ten messages.
    now: () => {
      messages += 10;
      return clock++;
    },
    span,
    counters: () => ({ sent: messages, received: messages, perClient: [messages] }),
    progress: (_, phase) => phases.add(phase),
  });
  assert.equal([...phases], ['warm-up', 'measure']);
  assert.ok(figures.received > 0 && figures.received < messages);
  assert.is(figures.seconds * 10_000, figures.received);
  assert.is(span.holds(0), false);
  assert.is(span.opened, true);
  assert.is(span.holds(clock), false);
});

test('drain returns what is missing once nothing comes any more', async () => {
  let received = 0;
  assert.is(await drain(3, () => Math.min(3, ++received)), 0);
  assert.is(await drain(10, () => 7, 50), 3);
  assert.is(await drain(0, () => 0), 0);
});

test.run();
