/**
 * `/metrics`: the counters of all threads (src/base/probe.ts) and the node's own, in Prometheus' text format.
 *
 * Nothing is counted here. Each scrape reads the threads' shared slots, adds them up, and keeps them apart by thread only where
 * the difference is the point (PER_THREAD_METRICS in probes.ts). All incarnations of a thread write to the same slots, so a counter
 * never goes back; gauges are cleared when a thread dies.
 */
import { Counter, Gauge, Registry } from 'prom-client';
import { assert } from '../base/assert.ts';
import type { MetricSpec } from '../base/probe.ts';

/** A probe's table without its key type. */
export interface MetricTable {
  readonly slot: Readonly<Record<string, number>>;
  readonly metrics: Readonly<Record<string, MetricSpec>>;
}

export interface ThreadReading {
  readonly thread: number;
  readonly slots: Float64Array;
}

/** A metric that main knows itself. One value, or one for each label value. */
export interface OwnMetric {
  readonly name: string;
  readonly kind: 'counter' | 'gauge';
  readonly help: string;
  readonly labelNames?: readonly string[];
  readonly read: () => readonly { readonly labels?: Readonly<Record<string, string>>; readonly value: number }[];
}

interface Series {
  readonly index: number;
  readonly labels: Readonly<Record<string, string>>;
}

interface Family {
  readonly spec: MetricSpec;
  readonly series: Series[];
}

/** Metric name → all its series, over all tables. */
export function familiesOf(tables: readonly MetricTable[]): ReadonlyMap<string, Family> {
  const families = new Map<string, Family>();
  for (const table of tables) {
    for (const [key, spec] of Object.entries(table.metrics)) {
      const index = table.slot[key];
      assert(index !== undefined, `metric ${spec.name} has a slot`);
      const family = families.get(spec.name) ?? { spec, series: [] };
      assert(family.spec.kind === spec.kind, `metric ${spec.name} is of one kind`);
      family.series.push({ index, labels: spec.labels ?? {} });
      families.set(spec.name, family);
    }
  }
  return families;
}

/** A thread died: what it counted stays, what it had is gone. Call it between the death and the next incarnation, when nobody writes. */
export function clearGauges(tables: readonly MetricTable[], slots: Float64Array): void {
  for (const { spec, series } of familiesOf(tables).values()) {
    if (spec.kind === 'gauge') for (const { index } of series) slots[index] = 0;
  }
}

export interface MetricsOptions {
  readonly tables: readonly MetricTable[];
  /** Names of families that get a `thread` label instead of being summed. */
  readonly perThread: ReadonlySet<string>;
  readonly own: readonly OwnMetric[];
  readonly readThreads: () => readonly ThreadReading[];
}

export interface Metrics {
  readonly contentType: string;
  render(): Promise<string>;
}

export function createMetrics(options: MetricsOptions): Metrics {
  const registry = new Registry();
  let readings: readonly ThreadReading[] = [];

  for (const [name, family] of familiesOf(options.tables)) {
    const perThread = options.perThread.has(name);
    const labelNames = [
      ...new Set(family.series.flatMap((series) => Object.keys(series.labels))),
      ...(perThread ? ['thread'] : []),
    ];
    registerFamily(registry, name, family.spec, labelNames, () => {
      const values: { labels: Record<string, string>; value: number }[] = [];
      for (const series of family.series) {
        const one = (reading: ThreadReading): number => reading.slots[series.index] ?? 0;
        if (perThread) {
          for (const reading of readings)
            values.push({ labels: { ...series.labels, thread: String(reading.thread) }, value: one(reading) });
        } else {
          values.push({ labels: { ...series.labels }, value: readings.reduce((sum, reading) => sum + one(reading), 0) });
        }
      }
      return values;
    });
  }
  for (const metric of options.own) {
    registerFamily(registry, metric.name, metric, metric.labelNames ?? [], () =>
      metric.read().map(({ labels, value }) => ({ labels: { ...labels }, value })),
    );
  }
  return {
    contentType: registry.contentType,
    render: () => {
      readings = options.readThreads();
      return registry.metrics();
    },
  };
}

/** prom-client's metrics keep their own values; they are set anew by every scrape. */
function registerFamily(
  registry: Registry,
  name: string,
  about: { readonly kind: 'counter' | 'gauge'; readonly help: string },
  labelNames: readonly string[],
  read: () => { labels: Record<string, string>; value: number }[],
): void {
  const base = { name, help: about.help, labelNames: [...labelNames], registers: [registry] };
  if (about.kind === 'gauge') {
    const gauge: Gauge = new Gauge({
      ...base,
      collect: () => {
        gauge.reset();
        for (const { labels, value } of read()) gauge.inc(labels, value);
      },
    });
    return;
  }
  const counter: Counter = new Counter({
    ...base,
    collect: () => {
      counter.reset();
      for (const { labels, value } of read()) counter.inc(labels, value);
    },
  });
}
