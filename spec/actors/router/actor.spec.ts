import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { spawnRouter } from '../../../src/actors/router/actor.ts';
import { ROUTER_BYTES } from '../../../src/actors/router/messages.ts';
import { ROUTER_PROBE } from '../../../src/actors/router/probe.ts';
import { Router } from '../../../src/actors/router/router.ts';
import type { Sink } from '../../../src/actors/router/sink.ts';
import { WELL_KNOWN } from '../../../src/actors/well-known.ts';
import { Prng } from '../../../src/base/prng.ts';
import { wellKnownRef } from '../../../src/runtime/ref.ts';
import { SimCluster } from '../../../src/runtime/sim/cluster.ts';
import type { ActorSystem } from '../../../src/runtime/system.ts';
import { naiveMatch } from './naive-match.ts';

const test = suite('router actor');

interface Node {
  readonly cluster: SimCluster;
  /** By thread. */
  readonly routers: Map<number, Router>;
  readonly remoteRuns: { thread: number; kind: number; text: string }[];
}

function newNode(reactors: number, seed: number): Node {
  const routers = new Map<number, Router>();
  const remoteRuns: Node['remoteRuns'] = [];
  const boot = (system: ActorSystem): void => {
    const { thread, incarnation, slots } = system;
    if (thread === 0) return;
    const router = new Router({ thread, reactors, incarnation, slots, seed: 1 });
    routers.set(thread, router);
    spawnRouter(system, router, (kind, bytes, start, end) => {
      remoteRuns.push({ thread, kind, text: Buffer.from(bytes.subarray(start, end)).toString() });
    });
  };
  return { cluster: new SimCluster({ threads: reactors + 1, seed, boot }), routers, remoteRuns };
}

const newSink = (): Sink => ({ deliver() {}, deliveryFailed() {} });

function interestOf(router: Router, topicName: string): number {
  const topic = router.topics.internName(topicName)!;
  router.route(topic);
  return topic.interest;
}

test('a confirmed subscription is known to every reactor', () => {
  const { cluster, routers } = newNode(3, 1);
  cluster.run();
  const [one, two, three] = [routers.get(1)!, routers.get(2)!, routers.get(3)!];
  assert.is(interestOf(two, 'a/b'), 0);
  one.subscribe(newSink(), 'a/+', { qos: 0 });
  let confirmed = false;
  one.whenInterestApplied(() => {
    confirmed = true;
    assert.is(interestOf(two, 'a/b'), 0b001);
    assert.is(interestOf(three, 'a/b'), 0b001);
  });
  assert.not.ok(confirmed);
  cluster.run();
  assert.ok(confirmed);
  const sent = cluster.system(1).slots[ROUTER_PROBE.slot.interestMessagesSent]!;
  one.subscribe(newSink(), 'a/+', { qos: 1 });
  cluster.run();
  assert.is(
    cluster.system(1).slots[ROUTER_PROBE.slot.interestMessagesSent],
    sent,
    'a second subscriber is nobody else’s business',
  );
});

test('a run of publishes reaches the callback as it was sent', () => {
  const { cluster, remoteRuns } = newNode(2, 2);
  cluster.run();
  const bytes = Buffer.from('--a run--');
  const target = wellKnownRef(1, 2, WELL_KNOWN.router);
  assert.ok(cluster.system(1).tellBytes(target, ROUTER_BYTES.publishRun, bytes, 2, 7));
  cluster.system(1).requestTurn();
  cluster.run();
  assert.equal(remoteRuns, [{ thread: 2, kind: ROUTER_BYTES.publishRun, text: 'a run' }]);
  assert.is(cluster.system(2).slots[ROUTER_PROBE.slot.remoteRuns], 1);
});

test('deaths and returns of reactors leave everybody with the truth', () => {
  const filters = ['a', 'b', 'a/b', 'a/#', '+', '#', '$x/+'];
  const topics = ['a', 'b', 'a/b', 'a/c', '$x/y', 'none/of/them'];
  for (let seed = 1; seed <= 15; seed++) {
    const random = new Prng(seed);
    const reactors = 3;
    const { cluster, routers } = newNode(reactors, seed);
    const sinks = new Map<Router, Sink>();
    let unconfirmed = 0;
    for (let i = 0; i < 150; i++) {
      cluster.at(i * 0.4, () => {
        const thread = 1 + random.below(reactors);
        if (!cluster.isAlive(thread)) return;
        const router = routers.get(thread)!;
        const sink = sinks.get(router) ?? newSink();
        sinks.set(router, sink);
        const filter = filters[random.below(filters.length)]!;
        if (random.chance(0.03)) {
          cluster.kill(thread, 5);
        } else if (random.chance(0.5)) {
          router.unsubscribe(sink, filter);
        } else {
          router.subscribe(sink, filter, { qos: 0 });
          unconfirmed++;
          router.whenInterestApplied(() => unconfirmed--);
        }
      });
    }
    cluster.run();
    assert.equal(cluster.failures, []);
    for (let thread = 1; thread <= reactors; thread++) {
      for (const topic of topics) {
        let expected = 0;
        for (let other = 1; other <= reactors; other++) {
          if (other === thread) continue;
          const router = routers.get(other)!;
          const sink = sinks.get(router);
          const theirs = sink === undefined ? [] : [...router.subscriptionsOf(sink)];
          if (theirs.some(({ filter }) => naiveMatch(filter, topic))) expected |= 1 << (other - 1);
        }
        assert.is(interestOf(routers.get(thread)!, topic), expected, `seed ${seed}, thread ${thread}, ${topic}`);
      }
    }
  }
});

test('operators see the router and its interest', () => {
  const { cluster, routers } = newNode(2, 5);
  routers.get(1)!.subscribe(newSink(), 'a', { qos: 0 });
  cluster.run();
  const picture = routers.get(1)!.inspect() as { subscriptions: number; interest: { peers: { synced: boolean; lag: number }[] } };
  assert.is(picture.subscriptions, 1);
  assert.equal(
    picture.interest.peers.map(({ synced, lag }) => [synced, lag]),
    [[true, 0]],
  );
  assert.ok(JSON.stringify(picture).length > 0);
  assert.is(cluster.system(2).slots[ROUTER_PROBE.slot.interestFilters], 1);
});

test.run();
