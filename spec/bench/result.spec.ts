import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { percentilesMs, spreadOf } from '../../bench/result.ts';
import { Histogram } from '../../src/base/histogram.ts';
import { rawRun, result } from './results.ts';

const test = suite('result');

test('the JSON object keeps its contract', () => {
  const { scenario, target, params, msgs, seconds, rate, latencyMs, cpuUsPerMsg } = JSON.parse(
    JSON.stringify(result('fanin-q1')),
  );
  assert.equal(
    { scenario, target, msgs, seconds, rate, cpuUsPerMsg },
    { scenario: 'fanin-q1', target: 'sluice', msgs: 1000, seconds: 2, rate: 500, cpuUsPerMsg: 500 },
  );
  assert.equal([params.publishers, params.subscribers, params.qos, params.payloadBytes, params.window], [8, 1, 1, 64, 256]);
  assert.equal(Object.keys(latencyMs), ['p50', 'p90', 'p99', 'p999', 'p9999', 'max']);
  assert.ok(Math.abs(latencyMs.p50 - 50) < 0.5 && Math.abs(latencyMs.p99 - 99) < 1);
  assert.is(latencyMs.max, 100);
});

test('what was not measured is null, not 0', () => {
  const { brokerCpuMicros: _, brokerRssBytes: __, ...remote } = rawRun({ latency: new Histogram().snapshot() });
  const { cpuUsPerMsg, brokerCores, latencyMs, ackLatencyMs, brokerRssBytes, rssPerConnectionBytes } = result('fanin-q0', {
    ...remote,
    received: 0,
  });
  assert.equal([cpuUsPerMsg, latencyMs, ackLatencyMs, rssPerConnectionBytes], [null, null, null, null]);
  assert.ok(brokerCores !== undefined && brokerRssBytes !== undefined);
  assert.is(percentilesMs(new Histogram().snapshot()), null);
});

test('a generator without spare CPU is told, but not where it spins on purpose', () => {
  assert.is(result('fanin-q0', { loadCpuMicros: 1_990_000 }).loadBound, true);
  assert.is(result('fanin-q0', { loadCpuMicros: 1_000_000 }).loadBound, false);
  assert.is(result('latency', { loadCpuMicros: 1_990_000 }).loadBound, false);
});

test('the spread of the clients is in messages per second', () => {
  assert.equal(spreadOf([400, 600], 2), { count: 2, min: 200, avg: 250, max: 300, stddev: 50 });
  assert.is(spreadOf([400], 2), null);
});

test.run();
