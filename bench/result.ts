/** From the raw counters of a run to the JSON object that tools read. Names and meaning of its fields are a contract; see docs/bench.md. */
import { Histogram, type HistogramSnapshot } from '../src/base/histogram.ts';
import type { RawRun } from './load/job.ts';
import { isBare, isWire, type Params, type Scenario } from './scenario.ts';

export interface Percentiles {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly p9999: number;
  readonly max: number;
}

export interface BenchResult {
  readonly scenario: string;
  readonly target: string;
  readonly version: string;
  readonly params: Readonly<Record<string, number | string | boolean>>;
  /** Counted in the measured window: messages delivered (connections made for `connect`). */
  readonly msgs: number;
  readonly seconds: number;
  /** msgs / seconds. */
  readonly rate: number;
  /** Publisher to subscriber; null when no message carried a stamp. For `connect`: SYN to CONNACK. */
  readonly latencyMs: Percentiles | null;
  /** Publisher to last ack, QoS 1 and 2. */
  readonly ackLatencyMs: Percentiles | null;
  /** Broker CPU in the window per msg, all its threads; null for a broker elsewhere. */
  readonly cpuUsPerMsg: number | null;
  /** Broker and generator CPU in the window, in cores (1 = one core all the time). */
  readonly brokerCores: number | null;
  readonly loadCores: number;
  /** Messages sent in the window. */
  readonly sent: number;
  /** Deliveries over the whole run, warm-up and drain included, and those that never came. */
  readonly delivered: number;
  readonly lost: number;
  /** Payload bytes of msgs. */
  readonly megabytesPerSecond: number;
  readonly brokerRssBytes: number | null;
  readonly rssPerConnectionBytes: number | null;
  readonly sendLagMs: Percentiles | null;
  /** Whether the generator had no CPU time left in the window: the rate is then a lower bound. */
  readonly loadBound: boolean;
  /** Messages per second of the single clients; null for one client alone. */
  readonly clients: ClientSpread | null;
  /** Figures that only this scenario has, by name; see docs/bench.md. Absent when it has none. */
  readonly facts?: Readonly<Record<string, number>>;
}

export interface ClientSpread {
  readonly count: number;
  readonly min: number;
  readonly avg: number;
  readonly max: number;
  readonly stddev: number;
}

const round = (value: number, digits: number): number => Number(value.toFixed(digits));

const roundedAll = (facts: Readonly<Record<string, number>>): Record<string, number> =>
  Object.fromEntries(Object.entries(facts).map(([name, value]) => [name, Number(value.toPrecision(4))]));

/** Share of a core from which on the generator counts as the limit. */
const LOAD_BOUND_CORES = 0.95;

/** Microseconds in, milliseconds out; null for an empty histogram. */
export function percentilesMs(snapshot: HistogramSnapshot): Percentiles | null {
  if (snapshot.count === 0) return null;
  const histogram = new Histogram();
  histogram.merge(snapshot);
  const at = (percentile: number): number => histogram.quantile(percentile / 100) / 1000;
  return { p50: at(50), p90: at(90), p99: at(99), p999: at(99.9), p9999: at(99.99), max: histogram.max / 1000 };
}

/** Messages per client in `seconds` → their spread in messages per second. */
export function spreadOf(perClient: readonly number[], seconds: number): ClientSpread | null {
  if (perClient.length < 2) return null;
  const rates = perClient.map((messages) => messages / seconds);
  const avg = rates.reduce((sum, rate) => sum + rate, 0) / rates.length;
  const variance = rates.reduce((sum, rate) => sum + (rate - avg) ** 2, 0) / rates.length;
  const shown = (value: number): number => round(value, 1);
  const [min, max, stddev] = [Math.min(...rates), Math.max(...rates), Math.sqrt(variance)];
  return { count: rates.length, min: shown(min), avg: shown(avg), max: shown(max), stddev: shown(stddev) };
}

export interface RunLabel {
  readonly scenario: Scenario;
  readonly params: Params;
  readonly target: string;
  readonly version: string;
  readonly extra: Readonly<Record<string, number | string | boolean>>;
}

export function resultOf({ scenario, params, target, version, extra }: RunLabel, run: RawRun): BenchResult {
  const micros = run.seconds * 1e6;
  const broker = run.brokerCpuMicros;
  return {
    scenario: scenario.name,
    target,
    version,
    params: { ...Object.fromEntries(scenario.shown.map((key) => [key, params[key]])), ...extra },
    msgs: run.received,
    seconds: round(run.seconds, 3),
    rate: Math.round(run.received / run.seconds),
    latencyMs: percentilesMs(run.latency),
    ackLatencyMs: percentilesMs(run.ackLatency),
    cpuUsPerMsg: broker === undefined || run.received === 0 ? null : round(broker / run.received, 3),
    brokerCores: broker === undefined ? null : round(broker / micros, 3),
    loadCores: round(run.loadCpuMicros / micros, 3),
    sent: run.sent,
    delivered: run.delivered,
    lost: run.lost,
    megabytesPerSecond: scenario.kind === 'connect' ? 0 : round((run.received * params.payloadBytes) / run.seconds / 1e6, 2),
    brokerRssBytes: run.brokerRssBytes ?? null,
    rssPerConnectionBytes: run.rssPerConnectionBytes ?? null,
    sendLagMs: percentilesMs(run.sendLag),
    loadBound:
      scenario.kind !== 'paced' &&
      scenario.kind !== 'logins' &&
      !isBare(scenario) &&
      !isWire(scenario) &&
      run.loadCpuMicros / micros > LOAD_BOUND_CORES,
    clients: spreadOf(run.perClient, run.seconds),
    ...(run.facts === undefined ? {} : { facts: roundedAll(run.facts) }),
  };
}
