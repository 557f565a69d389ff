import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ROUTER_PROBE } from '../../../src/actors/router/probe.ts';
import { Router } from '../../../src/actors/router/router.ts';
import type { Delivery, Run, Sink, SubscribeOptions } from '../../../src/actors/router/sink.ts';
import { PROBE_SLOTS } from '../../../src/base/probe.ts';
import { topicFilter, topicName } from './arbitraries.ts';
import { naiveMatch } from './naive-match.ts';

const test = suite('router');

class TestSink implements Sink {
  readonly id: number;
  readonly got: Delivery[] = [];
  readonly errors: unknown[] = [];
  onDeliver: () => void = () => {};

  constructor(id = 0) {
    this.id = id;
  }

  deliver(_run: Run, delivery: Delivery): void {
    this.got.push(delivery);
    this.onDeliver();
  }

  deliveryFailed(error: unknown): void {
    this.errors.push(error);
  }
}

const slots = new Float64Array(PROBE_SLOTS);
const newRouter = (topicsMax = 100): Router => new Router({ thread: 1, reactors: 1, incarnation: 0, slots, seed: 1, topicsMax });

/** The router looks at the topic and the publisher only. */
function runOn(router: Router, name: string, publisher: Sink | null = null): Run {
  const run: Partial<Run> = { topic: router.topics.internName(name)!, publisher };
  return run as Run;
}

/** What a subscriber gets, by the rules, from its subscriptions that match. */
interface Expected {
  qos: number;
  noLocal: boolean;
  retainAsPublished: boolean;
  ids: number[];
}

class Model {
  readonly subscriptions = new Map<TestSink, Map<string, SubscribeOptions>>();

  of(sink: TestSink): Map<string, SubscribeOptions> {
    let mine = this.subscriptions.get(sink);
    if (mine === undefined) this.subscriptions.set(sink, (mine = new Map()));
    return mine;
  }

  route(topic: string): Map<number, Expected> {
    const out = new Map<number, Expected>();
    for (const [sink, mine] of this.subscriptions) {
      const matching = [...mine].filter(([filter]) => naiveMatch(filter, topic)).map(([, options]) => options);
      if (matching.length === 0) continue;
      out.set(sink.id, {
        qos: Math.max(...matching.map(({ qos }) => qos)),
        noLocal: matching.every(({ noLocal }) => noLocal),
        retainAsPublished: matching.some(({ retainAsPublished }) => retainAsPublished === true),
        ids: matching.flatMap(({ subscriptionId }) => (subscriptionId ? [subscriptionId] : [])).sort(),
      });
    }
    return out;
  }
}

function routed(deliveries: readonly Delivery[]): Map<number, Expected> {
  const out = new Map<number, Expected>();
  for (const { sink, qos, noLocal, retainAsPublished, subscriptionIds } of deliveries) {
    const { id } = sink as TestSink;
    assert.not.ok(out.has(id), 'one delivery for each sink');
    assert.ok(subscriptionIds === null || subscriptionIds.length > 0);
    out.set(id, { qos, noLocal, retainAsPublished, ids: [...(subscriptionIds ?? [])].sort() });
  }
  return new Map([...out].sort(([a], [b]) => a - b));
}

const byId = (routes: Map<number, Expected>): Map<number, Expected> => new Map([...routes].sort(([a], [b]) => a - b));

type Step =
  | { what: 'subscribe'; sink: number; filter: string; options: SubscribeOptions }
  | { what: 'unsubscribe'; sink: number; filter: string }
  | { what: 'unsubscribeAll'; sink: number }
  | { what: 'move'; sink: number }
  | { what: 'route'; topic: string };

const sinkNumber = fc.nat(5);
const options: fc.Arbitrary<SubscribeOptions> = fc.record({
  qos: fc.constantFrom(0 as const, 1 as const, 2 as const),
  noLocal: fc.boolean(),
  retainAsPublished: fc.boolean(),
  subscriptionId: fc.nat(3),
});
// Few plain names beside the random ones: a plain filter must meet the topic that is cached, held or evicted under its name.
const plain = fc.constantFrom('a', 'b', 'a/b', 'c', 'd');
const anyFilter = fc.oneof(plain, topicFilter);
const anyTopic = fc.oneof(plain, topicName);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ what: fc.constant('subscribe' as const), sink: sinkNumber, filter: anyFilter, options }),
  },
  { weight: 3, arbitrary: fc.record({ what: fc.constant('unsubscribe' as const), sink: sinkNumber, filter: anyFilter }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('unsubscribeAll' as const), sink: sinkNumber }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('move' as const), sink: sinkNumber }) },
  { weight: 8, arbitrary: fc.record({ what: fc.constant('route' as const), topic: anyTopic }) },
);

test('a cached route is the recomputed one, whatever happened in between', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), fc.constantFrom(1, 3, 100), (steps, topicsMax) => {
      const router = newRouter(topicsMax);
      const model = new Model();
      const sinks = Array.from({ length: 6 }, (_, id) => new TestSink(id));
      // Held like a connection holds the topics it has used: they may be evicted meanwhile.
      const held = new Map<string, ReturnType<typeof router.topics.internName>>();
      let nextId = sinks.length;
      for (const each of steps) {
        if (each.what === 'route') {
          const topic = held.get(each.topic) ?? router.topics.internName(each.topic)!;
          held.set(each.topic, topic);
          assert.equal(routed(router.route(topic)), byId(model.route(each.topic)));
          continue;
        }
        const sink = sinks[each.sink]!;
        const mine = model.of(sink);
        if (each.what === 'subscribe') {
          const { isNew, subscription } = router.subscribe(sink, each.filter, each.options);
          assert.is(isNew, !mine.has(each.filter));
          assert.is(subscription.filter, each.filter);
          assert.is(subscription.subscriptionId, each.options.subscriptionId);
          mine.set(each.filter, each.options);
        } else if (each.what === 'unsubscribe') {
          assert.is(router.unsubscribe(sink, each.filter), mine.delete(each.filter));
        } else if (each.what === 'unsubscribeAll') {
          router.unsubscribeAll(sink);
          mine.clear();
        } else {
          const heir = new TestSink(nextId++);
          router.moveSink(sink, heir);
          sinks[each.sink] = heir;
          model.subscriptions.delete(sink);
          model.subscriptions.set(heir, mine);
        }
        const owner = sinks[each.sink]!;
        const filters = [...router.subscriptionsOf(owner)].map(({ filter }) => filter);
        assert.equal(filters.sort(), [...model.of(owner).keys()].sort());
        assert.is(router.subscriptionCount(owner), filters.length);
      }
      for (const [name, topic] of held) assert.equal(routed(router.route(topic!)), byId(model.route(name)));
    }),
    { numRuns: 1500 },
  );
});

test('a topic that was evicted and is still held learns of new subscriptions', () => {
  const router = newRouter(2);
  const held = router.topics.internName('held')!;
  assert.is(router.route(held).length, 0);
  for (let i = 0; held.live; i++) router.topics.internName(`other/${i}`);
  assert.is(router.route(held).length, 0);
  router.subscribe(new TestSink(), 'held', { qos: 0 });
  assert.is(router.route(held).length, 1);
  for (let i = 0; held.live; i++) router.topics.internName(`other/${i}`);
  router.topics.internName('held');
  assert.is(router.route(held).length, 1);
  router.subscribe(new TestSink(), 'held', { qos: 0 });
  assert.is(router.route(held).length, 2);
});

test('a repeated route is a cached one', () => {
  const router = newRouter();
  const misses = ROUTER_PROBE.slot.routeMisses;
  router.subscribe(new TestSink(), 'a/b', { qos: 0 });
  const topic = router.topics.internName('a/b')!;
  const before = slots[misses]!;
  const first = router.route(topic);
  assert.is(router.route(topic), first);
  assert.is(slots[misses]! - before, 1);
  router.subscribe(new TestSink(), 'unrelated/exact', { qos: 0 });
  assert.is(router.route(topic), first);
  assert.is(slots[misses]! - before, 1, 'a filter without wildcards touches its own topic only');
  router.subscribe(new TestSink(), 'c/+', { qos: 0 });
  router.route(topic);
  assert.is(slots[misses]! - before, 2);
});

test('a delivery in progress is not disturbed by what its sinks subscribe and unsubscribe', () => {
  for (const filter of ['news', 'news/#']) {
    const router = newRouter();
    const sinks = Array.from({ length: 50 }, (_, id) => new TestSink(id));
    for (const sink of sinks) router.subscribe(sink, filter, { qos: 0 });
    for (const sink of sinks) {
      sink.onDeliver = () => {
        router.unsubscribeAll(sink);
        router.subscribe(new TestSink(), filter, { qos: 0 });
      };
    }
    assert.is(router.deliverLocal(runOn(router, 'news')), 50);
    assert.ok(sinks.every((sink) => sink.got.length === 1));
    assert.is(router.deliverLocal(runOn(router, 'news')), 50);
    assert.ok(sinks.every((sink) => sink.got.length === 1));
  }
});

test('a publisher does not get its own message from a no-local subscription', () => {
  const router = newRouter();
  const [own, other] = [new TestSink(1), new TestSink(2)];
  router.subscribe(own, 'a', { qos: 0, noLocal: true });
  router.subscribe(other, 'a', { qos: 0, noLocal: true });
  assert.is(router.deliverLocal(runOn(router, 'a', own)), 1);
  assert.is(own.got.length, 0);
  assert.is(other.got.length, 1);
});

test('a sink that fails keeps nobody else from the message', () => {
  const router = newRouter();
  const sinks = [new TestSink(1), new TestSink(2), new TestSink(3)];
  for (const sink of sinks) router.subscribe(sink, 'a', { qos: 0 });
  sinks[1]!.onDeliver = () => {
    throw new Error('broken');
  };
  router.deliverLocal(runOn(router, 'a'));
  assert.ok(sinks.every((sink) => sink.got.length === 1));
  assert.is(sinks[1]!.errors.length, 1);
});

test('moving a sink moves merged deliveries as well', () => {
  const router = newRouter();
  const [from, to] = [new TestSink(1), new TestSink(2)];
  router.subscribe(from, 'a/b', { qos: 1, subscriptionId: 7 });
  router.subscribe(from, 'a/+', { qos: 0, subscriptionId: 8 });
  router.deliverLocal(runOn(router, 'a/b'));
  router.moveSink(from, to);
  router.deliverLocal(runOn(router, 'a/b'));
  assert.is(from.got.length, 1);
  assert.is(to.got.length, 1);
  assert.is(to.got[0]!.qos, 1);
  assert.equal([...to.got[0]!.subscriptionIds!].sort(), [7, 8]);
  assert.throws(() => {
    router.subscribe(from, 'x', { qos: 0 });
    router.moveSink(to, from);
  }, /without subscriptions/);
});

test('one sink with thousands of filters, one filter with thousands of sinks', () => {
  const router = newRouter();
  const one = new TestSink(0);
  const many = Array.from({ length: 3000 }, (_, i) => new TestSink(i + 1));
  for (let i = 0; i < 3000; i++) router.subscribe(one, `f/${i}`, { qos: 0 });
  for (const sink of many) router.subscribe(sink, 'all/#', { qos: 0 });
  assert.is(router.subscriptionCount(one), 3000);
  assert.is(router.route(router.topics.internName('all/x')!).length, 3000);
  for (let i = 0; i < 3000; i += 2) {
    assert.ok(router.unsubscribe(one, `f/${i}`));
    assert.ok(router.unsubscribe(many[i]!, 'all/#'));
  }
  assert.is(router.subscriptionCount(one), 1500);
  const left = router.route(router.topics.internName('all/x')!).map((delivery) => (delivery.sink as TestSink).id);
  assert.equal(
    left.sort((a, b) => a - b),
    many.filter((_, i) => i % 2 === 1).map((sink) => sink.id),
  );
});

test('without other reactors a subscription is in effect at once', () => {
  const router = newRouter();
  router.subscribe(new TestSink(), 'a', { qos: 0 });
  let applied = 0;
  router.whenInterestApplied(() => applied++);
  assert.is(applied, 1);
  const topic = router.topics.internName('a')!;
  router.route(topic);
  assert.is(topic.interest, 0);
});

test.run();
