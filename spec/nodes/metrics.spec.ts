import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { clearGauges, createMetrics, familiesOf, type MetricTable, type ThreadReading } from '../../src/nodes/metrics.ts';
import { ownMetrics } from '../../src/nodes/own-metrics.ts';
import { PER_THREAD_METRICS, PROBE_TABLES } from '../../src/nodes/probes.ts';

const TABLE: MetricTable = {
  slot: { in0: 0, in1: 1, open: 2, depth: 3 },
  metrics: {
    in0: { name: 'sluice_x_in_total', kind: 'counter', help: 'In.', labels: { qos: '0' } },
    in1: { name: 'sluice_x_in_total', kind: 'counter', help: 'In.', labels: { qos: '1' } },
    open: { name: 'sluice_x_open', kind: 'gauge', help: 'Open.' },
    depth: { name: 'sluice_x_depth', kind: 'gauge', help: 'Depth.' },
  },
};

function valuesOf(text: string): Map<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]));
}

const test = suite('metrics');

test('threads are summed, labels kept apart, and named families shown by thread', async () => {
  const readings: ThreadReading[] = [
    { thread: 1, slots: Float64Array.of(10, 1, 5, 3) },
    { thread: 2, slots: Float64Array.of(20, 2, 6, 4) },
  ];
  const metrics = createMetrics({
    tables: [TABLE],
    perThread: new Set(['sluice_x_depth']),
    own: [],
    readThreads: () => readings,
  });
  const expected = new Map([
    ['sluice_x_in_total{qos="0"}', 30],
    ['sluice_x_in_total{qos="1"}', 3],
    ['sluice_x_open', 11],
    ['sluice_x_depth{thread="1"}', 3],
    ['sluice_x_depth{thread="2"}', 4],
  ]);
  assert.equal(valuesOf(await metrics.render()), expected);
  assert.equal(valuesOf(await metrics.render()), expected, 'a second scrape counts nothing twice');
});

test('when a thread dies its counters stay and its gauges are cleared', async () => {
  const slots = Float64Array.of(10, 2, 5, 3);
  clearGauges([TABLE], slots);
  assert.equal([...slots], [10, 2, 0, 0]);
});

test('the node’s own metrics are there, with event-loop utilisation by thread', async () => {
  const vitals = [
    { thread: 0, up: true, utilization: 0.01, restarts: 0 },
    { thread: 1, up: true, utilization: 0.5, restarts: 2 },
    { thread: 2, up: false, utilization: 0, restarts: 1 },
  ];
  const own = ownMetrics(() => vitals, 7);
  const values = valuesOf(await createMetrics({ tables: [], perThread: new Set(), own, readThreads: () => [] }).render());
  assert.is(values.get('sluice_runtime_event_loop_utilization_ratio{thread="1"}'), 0.5);
  assert.is(values.get('sluice_runtime_reactors_up'), 1);
  assert.is(values.get('sluice_runtime_reactor_restarts_total'), 3);
  assert.ok((values.get('sluice_node_resident_memory_bytes') ?? 0) > 1e6);
  assert.ok((values.get('sluice_node_cpu_seconds_total{mode="user"}') ?? 0) > 0);
  assert.ok([...values.keys()].some((key) => key.startsWith('sluice_node_build_info{version=') && key.includes('node="7"')));
});

test('all probes of the system keep to the naming rules and share no slot', () => {
  const names = [...familiesOf(PROBE_TABLES)];
  const own = ownMetrics(() => [], 1).map((metric): [string, { spec: { kind: string; help: string } }] => [
    metric.name,
    { spec: metric },
  ]);
  for (const [name, { spec }] of [...names, ...own]) {
    assert.match(name, /^sluice_[a-z]+(_[a-z0-9]+)+$/);
    assert.is(name.endsWith('_total'), spec.kind === 'counter', `${name} is a ${spec.kind}`);
    assert.match(spec.help, /^[A-Z].*\.$/, name);
  }
  const slots = PROBE_TABLES.flatMap((table) => Object.values(table.slot));
  assert.is(new Set(slots).size, slots.length);
  for (const name of PER_THREAD_METRICS) assert.ok(familiesOf(PROBE_TABLES).has(name), name);
});

test.run();
