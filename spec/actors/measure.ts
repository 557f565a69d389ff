/**
 * What routing costs on this machine; nothing is asserted. Run it with nothing else running:
 *
 *     node --expose-gc dist/spec/actors/measure.js
 */
import { RetainedMachine } from '../../src/actors/retained/machine.ts';
import { Router } from '../../src/actors/router/router.ts';
import type { Sink } from '../../src/actors/router/sink.ts';
import { PROBE_SLOTS } from '../../src/base/probe.ts';

const collect: () => void = (globalThis as { gc?: () => void }).gc ?? (() => {});
const slots = new Float64Array(PROBE_SLOTS);
const newRouter = (topicsMax?: number): Router =>
  new Router({ thread: 1, reactors: 1, incarnation: 0, slots, seed: 12_345, ...(topicsMax && { topicsMax }) });

class NullSink implements Sink {
  deliver(): void {}
  deliveryFailed(): void {}
}

function heapBytes(): number {
  collect();
  collect();
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  return heapUsed + external + arrayBuffers;
}

function report(what: string, value: number, unit: string): void {
  console.log(`${what.padEnd(72)} ${value.toFixed(value < 100 ? 1 : 0).padStart(9)} ${unit}`);
}

/** Strings as they come from a decoder: flat and not shared. */
const fresh = (text: string): string => Buffer.from(text).toString();

function memoryOf(what: string, count: number, sinks: number, filterOf: (i: number) => string): void {
  const all = Array.from({ length: sinks }, () => new NullSink());
  const router = newRouter();
  const before = heapBytes();
  const start = process.hrtime.bigint();
  for (let i = 0; i < count; i++) router.subscribe(all[i % sinks]!, fresh(filterOf(i)), { qos: 1 });
  const ns = Number(process.hrtime.bigint() - start) / count;
  const bytes = (heapBytes() - before) / count;
  report(`${what}: memory`, bytes, 'B/subscription');
  report(`${what}: subscribe`, ns / 1000, 'µs');
  if (router.subscriptionCount(all[0]!) === 0) throw new Error('kept alive');
}

function nanosecondsOf(rounds: number, body: (i: number) => void): number {
  for (let i = 0; i < Math.min(rounds, 20_000); i++) body(i);
  const start = process.hrtime.bigint();
  for (let i = 0; i < rounds; i++) body(i);
  return Number(process.hrtime.bigint() - start) / rounds;
}

function quantiles(what: string, samples: Float64Array): void {
  samples.sort();
  for (const q of [0.5, 0.99, 0.999]) report(`${what}, p${q * 100}`, samples[Math.floor(samples.length * q)]! / 1000, 'µs');
}

function sampled(count: number, body: (i: number) => void): Float64Array {
  const samples = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const start = process.hrtime.bigint();
    body(i);
    samples[i] = Number(process.hrtime.bigint() - start);
  }
  return samples;
}

function measureMemory(): void {
  const million = 1_000_000;
  memoryOf('1 M plain filters, a sink each', million, million, (i) => `device/${i}/command`);
  memoryOf('1 M plain filters, 10 per sink', million, million / 10, (i) => `device/${i}/command`);
  memoryOf('1 M filters device/<n>/#, a sink each', million, million, (i) => `device/${i}/#`);
  memoryOf('1 M filters device/<n>/+/state, 10 per sink', million, million / 10, (i) => `device/${i}/+/state`);
  memoryOf('1 filter, 1 M sinks', million, million, () => 'news/all/#');
  memoryOf('1 M plain filters of one sink', million, 1, (i) => `device/${i}/command`);
}

function measureHotPath(): void {
  const router = newRouter();
  const buffer = Buffer.from('..site/berlin/line/7/machine/42/temperature..');
  const [start, end] = [2, buffer.length - 2];
  router.subscribe(new NullSink(), 'site/+/line/#', { qos: 0 });
  report(
    `intern, known topic of ${end - start} bytes`,
    nanosecondsOf(5e6, () => router.topics.intern(buffer, start, end)),
    'ns',
  );
  const long = Buffer.from(`site/${'x'.repeat(195)}`);
  report(
    `intern, known topic of ${long.length} bytes`,
    nanosecondsOf(2e6, () => router.topics.intern(long, 0, long.length)),
    'ns',
  );
  const many = Array.from({ length: 10_000 }, (_, i) => Buffer.from(`site/berlin/line/7/machine/${i}/temp`));
  for (const bytes of many) router.topics.intern(bytes, 0, bytes.length);
  const rotate = (i: number): void => {
    const bytes = many[i % many.length]!;
    router.topics.intern(bytes, 0, bytes.length);
  };
  report('intern, 10,000 known topics in turn', nanosecondsOf(3e6, rotate), 'ns');
  const topic = router.topics.intern(buffer, start, end)!;
  report(
    'route, cached',
    nanosecondsOf(2e7, () => router.route(topic)),
    'ns',
  );
}

function measureMatching(): void {
  const router = newRouter(300_000);
  const kinds = ['temp', 'state', 'alarm', 'power', 'battery'];
  for (let i = 0; i < 200_000; i++)
    router.subscribe(new NullSink(), `site/${i % 50}/device/${i}/${i % 3 === 0 ? '#' : '+'}`, { qos: 0 });
  for (let i = 0; i < 100; i++) router.subscribe(new NullSink(), `+/${i % 50}/+/+/${kinds[i % kinds.length]}`, { qos: 0 });
  for (let i = 0; i < 10; i++) router.subscribe(new NullSink(), 'site/#', { qos: 0 });
  const topics = Array.from(
    { length: 100_000 },
    (_, i) => router.topics.internName(`site/${i % 50}/device/${i}/${kinds[i % 5]}`)!,
  );
  quantiles(
    'route, uncached, 200 k wildcard filters',
    sampled(topics.length, (i) => router.route(topics[i]!)),
  );
}

/** The size that a large node has: 10,000 clients with 100 subscriptions each, most of them plain, a fifth with wildcards. */
function measureMillion(): void {
  const [clients, each] = [10_000, 100];
  const sinks = Array.from({ length: clients }, () => new NullSink());
  const router = newRouter(2_000_000);
  const before = heapBytes();
  for (let i = 0; i < clients * each; i++) {
    const [client, n] = [i % clients, Math.floor(i / clients)];
    const filter =
      n % 5 === 0 ? `site/${client % 100}/device/${client}/+/kind${n}` : `site/${client % 100}/device/${client}/sensor/${n}`;
    router.subscribe(sinks[client]!, fresh(filter), { qos: 1 });
  }
  report('1 M subscriptions of 10 k clients: memory', (heapBytes() - before) / (clients * each), 'B/subscription');
  // Each of them new: 20 sensors of each device, half of them such that a wildcard matches.
  const topics = Array.from({ length: 20 * clients }, (_, i) => {
    const [client, n] = [(i * 7919) % clients, Math.floor(i / clients) * 5];
    const last = n % 2 === 0 ? `kind${n}` : n;
    return router.topics.internName(`site/${client % 100}/device/${client}/sensor/${last}`)!;
  });
  const uncached = (i: number): void => void router.route(topics[i]!);
  quantiles('1 M subscriptions: route, uncached', sampled(topics.length, uncached));
  quantiles('1 M subscriptions: route, cached', sampled(topics.length, uncached));
}

function measureLargeGroup(): void {
  const router = newRouter();
  const sinks = Array.from({ length: 100_000 }, () => new NullSink());
  for (const sink of sinks) router.subscribe(sink, 'news/#', { qos: 0 });
  const one = new NullSink();
  const change = (): void => {
    router.subscribe(one, 'news/#', { qos: 0 });
    router.unsubscribe(one, 'news/#');
  };
  report('subscribe + unsubscribe, filter with 100 k sinks', nanosecondsOf(200_000, change) / 1000, 'µs');
  const topic = router.topics.internName('news/x')!;
  const changeAndRoute = (): void => {
    change();
    router.route(topic);
  };
  report('the same with a publish after each', nanosecondsOf(300, changeAndRoute) / 1000, 'µs');
}

function measureRetained(): void {
  const count = 200_000;
  const machine = new RetainedMachine();
  const names = Array.from({ length: count }, (_, i) => fresh(`site/${i % 100}/device/${i}/state`));
  const before = heapBytes();
  const start = process.hrtime.bigint();
  for (const name of names) machine.store(name, 0, 0, new Uint8Array(60));
  report('retained, store a new topic', Number(process.hrtime.bigint() - start) / count / 1000, 'µs');
  report('retained, memory beside a packet of 60 bytes and the name', (heapBytes() - before) / count - 60, 'B/message');
  for (const filter of ['#', 'site/+/device/+/nothing', '+/7/#', 'site/+/+/+/+/x', 'other/#']) {
    const steps: number[] = [];
    let cursor: string | undefined;
    do {
      const at = process.hrtime.bigint();
      cursor = machine.match(filter, cursor, 128 * 1024, 0).cursor;
      steps.push(Number(process.hrtime.bigint() - at));
    } while (cursor !== undefined);
    const total = steps.reduce((sum, step) => sum + step, 0);
    console.log(
      `${`retained, lookup ${filter} over ${count}`.padEnd(72)} ${(total / 1e6).toFixed(1).padStart(9)} ms in ${steps.length} steps, longest ${(Math.max(...steps) / 1e6).toFixed(2)} ms`,
    );
  }
}

const parts: Record<string, () => void> = {
  measureHotPath,
  measureMatching,
  measureMillion,
  measureLargeGroup,
  measureRetained,
  measureMemory,
};
for (const [name, part] of Object.entries(parts)) if (process.argv.length < 3 || process.argv.includes(name)) part();
