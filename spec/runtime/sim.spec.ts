import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { wellKnownRef } from '../../src/runtime/ref.ts';
import { SimCluster } from '../../src/runtime/sim/cluster.ts';
import { ProbeActor } from './fixtures/probe-actor.ts';
import { runScenario } from './fixtures/sim-scenario.ts';

const test = suite('simulation');

function inOtherProcess(seed: number): ReturnType<typeof runScenario> {
  const file = fileURLToPath(new URL('./fixtures/sim-scenario.js', import.meta.url));
  return JSON.parse(execFileSync(process.execPath, [file, 'print', String(seed)], { encoding: 'utf8' }));
}

test('a seed is a run: the same trace in two other processes and here', () => {
  for (const seed of [1, 77]) {
    const first = inOtherProcess(seed);
    assert.ok(first.entries > 1000, `only ${first.entries} entries`);
    assert.equal(inOtherProcess(seed), first);
    assert.equal(runScenario(seed), first);
  }
});

test('another seed is another run', () => {
  const digests = new Set(Array.from({ length: 10 }, (_, seed) => runScenario(seed).digest));
  assert.is(digests.size, 10);
});

test('links keep the order and push back when full', () => {
  const log: string[] = [];
  const cluster = new SimCluster({
    threads: 2,
    seed: 4,
    linkBytes: 512,
    boot: (system) => {
      if (system.thread === 1) system.spawn(() => new ProbeActor('r', log), { name: 'r', wellKnown: 20 });
    },
  });
  const system = cluster.system(0);
  const target = wellKnownRef<never>(1, 1, 20);
  let next = 0;
  const send = (): void => {
    for (; next < 100; next++) {
      if (!system.tellBytes(target, next, Uint8Array.of(next), 0, 1)) return system.whenWritable(1, send);
    }
  };
  send();
  assert.ok(next < 100, 'pushed back');
  cluster.run();
  assert.equal(
    log.slice(1),
    Array.from({ length: 100 }, (_, n) => `r bytes ${n} ${n}`),
  );
});

test('messages that wait for room keep what they say', () => {
  const log: string[] = [];
  const cluster = new SimCluster({
    threads: 2,
    seed: 5,
    linkBytes: 256,
    boot: (system) => {
      if (system.thread === 1) system.spawn(() => new ProbeActor('r', log), { name: 'r', wellKnown: 20 });
    },
  });
  for (let i = 0; i < 50; i++) cluster.system(0).tell(wellKnownRef<string>(1, 1, 20), `message ${i}`);
  cluster.run();
  assert.equal(
    log.slice(1),
    Array.from({ length: 50 }, (_, n) => `r got "message ${n}"`),
  );
});

test('an idle cluster has no events left', () => {
  const log: string[] = [];
  const cluster = new SimCluster({
    threads: 1,
    seed: 1,
    boot: (system) =>
      void system.spawn(() => new ProbeActor('a', log, (ctx) => void ctx.startTimer(86_400_000, 1)), { name: 'a' }),
  });
  cluster.run();
  assert.equal(log, ['a started', 'a timer 1']);
  assert.ok(cluster.nowMs >= 86_400_000 && cluster.nowMs < 86_400_100);
});

test.run();
