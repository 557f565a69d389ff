/** Raw runs and results for the specs of what is made from them. */
import type { RawRun } from '../../bench/load/job.ts';
import { type BenchResult, resultOf } from '../../bench/result.ts';
import { scenarioNamed } from '../../bench/scenario.ts';
import { Histogram } from '../../src/base/histogram.ts';

export function rawRun(changes: Partial<RawRun> = {}): RawRun {
  const latency = new Histogram();
  for (let micros = 1000; micros <= 100_000; micros += 1000) latency.record(micros);
  const empty = new Histogram().snapshot();
  return {
    seconds: 2,
    sent: 1100,
    received: 1000,
    delivered: 1500,
    lost: 3,
    latency: latency.snapshot(),
    ackLatency: empty,
    sendLag: empty,
    brokerCpuMicros: 500_000,
    loadCpuMicros: 300_000,
    brokerRssBytes: 2 ** 20,
    perClient: [400, 600],
    ...changes,
  };
}

export function result(name: string, changes: Partial<RawRun> = {}, target = 'sluice'): BenchResult {
  const scenario = scenarioNamed(name);
  return resultOf({ scenario, params: scenario.params, target, version: `${target} 1`, extra: {} }, rawRun(changes));
}
