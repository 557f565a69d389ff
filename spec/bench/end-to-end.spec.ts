/** Tiny runs of every load against a broker that nobody here wrote, and against the relay. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Progress, runOnce } from '../../bench/run.ts';
import { type Params, scenarioNamed } from '../../bench/scenario.ts';
import { runSuite } from '../../bench/suite.ts';

const SHORT = { seconds: 0.3, warmupSeconds: 0.1 };

const test = suite('bench end to end');

function run(name: string, target: string, changes: Partial<Params> = {}, onProgress?: (progress: Progress) => void) {
  const scenario = scenarioNamed(name);
  const params = { ...scenario.params, ...SHORT, ...changes };
  return runOnce({ scenario, params, target, targetOptions: {}, ...(onProgress === undefined ? {} : { onProgress }) });
}

for (const name of ['fanin-q0', 'fanout-q0', 'fanin-q1', 'fanin-q2']) {
  test(`${name}: everything that was sent arrives`, async () => {
    const result = await run(name, 'aedes', {
      blockBytes: 8192,
      payloadBytes: 8000,
      window: 20,
      publishers: Math.min(2, scenarioNamed(name).params.publishers),
    });
    // Not the window's figures: a busy machine may let nothing happen in it.
    assert.is(result.lost, 0);
    assert.ok(result.delivered > 0);
    assert.is(Number.isFinite(result.rate), true);
    assert.is(result.clients?.count, name === 'fanout-q0' ? 8 : 2);
  });
}

test('shared: the members get each message once between them', async () => {
  const result = await run('shared-q1', 'sluice', { publishers: 2, window: 20 });
  assert.is(result.lost, 0);
  assert.ok(result.delivered > 0);
  assert.is(result.clients?.count, 4);
});

for (const name of ['sparse-q0', 'sparse-q1', 'latency']) {
  test(`${name}: the rate is the one asked for and everything arrives`, async () => {
    const result = await run(name, 'aedes', { publishers: 5, rate: 1000, seconds: 0.5 });
    assert.is(result.lost, 0);
    assert.ok(result.delivered >= 100 && result.latencyMs !== null && result.sendLagMs !== null);
  });
}

test('durable: everything that was sent is acknowledged', async () => {
  const result = await run('durable', 'aedes', { publishers: 2, window: 8 });
  assert.is(result.lost, 0);
  assert.ok(result.delivered > 0);
});

test('connect: all connections are made and stay until the end', async () => {
  const result = await run('connect', 'aedes', { connections: 80, concurrency: 8 });
  assert.is(result.msgs, 60);
  assert.ok(result.latencyMs !== null && result.latencyMs.max > 0);
});

test('MQTT 5.0 and a large payload go through the relay, which acknowledges QoS 1', async () => {
  const progress: Progress[] = [];
  const result = await run('fanin-q1', 'ceiling', { level: 5, payloadBytes: 3000, window: 8 }, (update) => progress.push(update));
  assert.is(result.lost, 0);
  assert.ok(result.delivered > 0);
  assert.ok(progress.length > 0 && progress.every(({ fraction }) => fraction >= 0 && fraction <= 1));
});

test('a peer takes the same load in turns and is compared', async () => {
  const scenario = scenarioNamed('fanout-q0');
  const started: string[] = [];
  const results: string[] = [];
  const comparisons: string[] = [];
  await runSuite(
    { scenarios: [scenario], changes: SHORT, target: 'ceiling', targetOptions: {}, peer: 'aedes', rounds: 2 },
    {
      onStart: (_, target) => void started.push(target),
      onProgress: () => undefined,
      onResult: (result) => void results.push(result.target),
      onComparison: ({ comparison }) => void comparisons.push(`${comparison.target} / ${comparison.peer.split(' ')[0]}`),
    },
  );
  assert.equal(started, ['ceiling', 'aedes', 'ceiling', 'aedes']);
  assert.equal(results, started);
  assert.equal(comparisons, ['raw relay / aedes']);
});

test('a target that cannot be reached or does not exist ends the run with its kind of error', async () => {
  for (const [target, kind] of [
    ['127.0.0.1:1', 'unreachable'],
    ['nobody', 'usage'],
  ] as const) {
    try {
      await run('fanin-q0', target);
      assert.unreachable();
    } catch (error) {
      assert.is((error as { kind?: string }).kind, kind);
    }
  }
});

test.run();
