import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Fences } from '../../../src/actors/router/fences.ts';
import { ROUTER_BYTES } from '../../../src/actors/router/messages.ts';
import { PressureGauge } from '../../../src/actors/router/pressure.ts';
import { Publisher } from '../../../src/actors/router/publisher.ts';
import { Router } from '../../../src/actors/router/router.ts';
import { WELL_KNOWN } from '../../../src/actors/well-known.ts';
import type { Actor } from '../../../src/runtime/actor.ts';
import { wellKnownRef } from '../../../src/runtime/ref.ts';
import { SimCluster } from '../../../src/runtime/sim/cluster.ts';

const test = suite('fences');

const REACTORS = 4;
const FORMER = 1;
const HEIR = 2;
const TAKEOVER = 4711;

/** Reactors that send numbered records to all others, as runs travel, and note in which order records and fences come. */
function newCluster(seed: number, linkBytes = 2048) {
  const seen: string[][] = Array.from({ length: REACTORS + 1 }, () => []);
  const fences: Fences[] = [];
  const publishers: Publisher[] = [];
  const cluster = new SimCluster({
    threads: REACTORS + 1,
    seed,
    linkBytes,
    boot: (system) => {
      const { thread, reactors, incarnation, slots } = system;
      if (thread === 0) return;
      const router = new Router({ thread, reactors, incarnation, slots, seed: 1 });
      const publisher = new Publisher(system, router, new PressureGauge());
      const mine = new Fences(system, publisher);
      fences[thread] = mine;
      publishers[thread] = publisher;
      const actor: Actor<never> = {
        receive: () => {},
        receiveBytes: (kind, bytes, start) => {
          if (kind === ROUTER_BYTES.publishRun) seen[thread]!.push(`${bytes[start]}:${bytes[start + 1]}`);
          else mine.receive(kind, bytes, start);
        },
      };
      system.spawn(() => actor, { name: 'router', wellKnown: WELL_KNOWN.router });
    },
  });
  cluster.run(5);
  const awaitAt = (thread: number) => (from: number, missing: number) => {
    seen[thread]!.push(`fence ${from}`);
    if (missing === 0) seen[thread]!.push('all');
  };
  let number = 0;
  const publish = (thread: number): void => {
    number = (number + 1) % 256;
    for (const to of [FORMER, HEIR]) {
      if (to === thread) seen[to]!.push(`${thread}:${number}`);
      else publishers[thread]!.send(to, ROUTER_BYTES.publishRun, Uint8Array.of(thread, number));
    }
  };
  return { cluster, seen, fences, publish, awaitAt };
}

/** What `thread` published before or after its fence, in the order in which it came. */
function side(seen: readonly string[], thread: number, before: boolean): string[] {
  const at = seen.indexOf(`fence ${thread}`);
  assert.ok(at >= 0, `the fence of ${thread} has come`);
  const part = before ? seen.slice(0, at) : seen.slice(at + 1);
  return part.filter((entry) => entry.startsWith(`${thread}:`));
}

test('every fence lies at the same place of both streams, however full the rings are', () => {
  for (let seed = 1; seed <= 30; seed++) {
    const { cluster, seen, fences, publish, awaitAt } = newCluster(seed);
    for (let i = 0; i < 200; i++) {
      cluster.at(5 + i * 0.02, () => {
        for (let thread = 1; thread <= REACTORS; thread++) publish(thread);
      });
    }
    cluster.at(6, () => fences[FORMER]!.expect(TAKEOVER, awaitAt(FORMER)));
    cluster.at(7, () => fences[HEIR]!.request(TAKEOVER, FORMER, awaitAt(HEIR)));
    cluster.run();
    for (let thread = 1; thread <= REACTORS; thread++) {
      const before = side(seen[FORMER]!, thread, true);
      const after = side(seen[HEIR]!, thread, false);
      assert.ok(before.length > 0 && after.length > 0, 'the fence lies within the stream');
      assert.is(before.length + after.length, 200, 'each is on one side');
      assert.equal(
        [...before, ...after],
        seen[HEIR]!.filter((entry) => entry.startsWith(`${thread}:`)),
      );
    }
    for (const at of [FORMER, HEIR]) assert.is(seen[at]!.filter((entry) => entry === 'all').length, 1);
    assert.is(fences[FORMER]!.size + fences[HEIR]!.size, 0);
  }
});

test('a reactor that is dead is asked when it comes back; who has given up hears nothing', () => {
  const { cluster, seen, fences, awaitAt } = newCluster(5);
  cluster.kill(3, 50);
  cluster.run(cluster.nowMs + 5);
  fences[FORMER]!.expect(TAKEOVER, awaitAt(FORMER));
  fences[HEIR]!.request(TAKEOVER, FORMER, awaitAt(HEIR));
  fences[HEIR]!.request(TAKEOVER + 1, FORMER, awaitAt(4));
  fences[HEIR]!.forget(TAKEOVER + 1);
  cluster.run(cluster.nowMs + 20);
  assert.equal([...seen[HEIR]!].sort(), ['fence 1', 'fence 2', 'fence 4']);
  cluster.run();
  for (const at of [FORMER, HEIR]) assert.equal(seen[at]!.slice(-2), ['fence 3', 'all']);
  assert.equal(
    seen[4]!.filter((entry) => entry.startsWith('fence')).filter((entry) => entry !== 'fence 2'),
    [],
  );
});

test('a record that names nobody is no harm', () => {
  const { cluster, seen, fences } = newCluster(6);
  const system = cluster.system(3);
  system.tellBytes(wellKnownRef<never>(1, FORMER, WELL_KNOWN.router), ROUTER_BYTES.fence, new Uint8Array(16), 0, 16);
  cluster.run();
  assert.equal(seen[FORMER], []);
  assert.is(fences[FORMER]!.size, 0);
});

test.run();
