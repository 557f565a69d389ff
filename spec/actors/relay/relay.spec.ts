// Nodes of two reactors each in one simulation: what is published anywhere reaches those who want it, whatever happens to links and nodes.
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type RelayActor, spawnRelay } from '../../../src/actors/relay/actor.ts';
import { RELAY_PROBE } from '../../../src/actors/relay/probe.ts';
import { spawnInterest, spawnRouter } from '../../../src/actors/router/actor.ts';
import { PressureGauge, PressureSource } from '../../../src/actors/router/pressure.ts';
import { Publisher } from '../../../src/actors/router/publisher.ts';
import { remoteRuns } from '../../../src/actors/router/remote-runs.ts';
import { Router } from '../../../src/actors/router/router.ts';
import type { Run, Sink } from '../../../src/actors/router/sink.ts';
import { SHARE_DEFAULTS } from '../../../src/actors/share/strategy.ts';
import { ShareTable } from '../../../src/actors/share/table.ts';
import { WELL_KNOWN } from '../../../src/actors/well-known.ts';
import { RELAY_QUEUE_BYTES_MAX } from '../../../src/base/limits.ts';
import { SimNetwork } from '../../../src/runtime/sim/network.ts';
import type { ActorSystem } from '../../../src/runtime/system.ts';
import { codecBetween } from '../schema-codec.ts';
import { decode, outgoing, payloads } from '../session/packets.ts';

const test = suite('relay');

const NODES = [1, 2, 3];
const REACTORS = [1, 2];

class Client implements Sink {
  readonly got: string[] = [];
  /** Whether it takes what comes now. */
  takes: () => boolean = () => true;
  /** Takes no more, and says so. */
  slow: PressureSource | undefined;
  readonly #gauge: PressureGauge;

  constructor(gauge: PressureGauge) {
    this.#gauge = gauge;
  }

  deliver(run: Run): void {
    if (this.takes()) this.got.push(...payloads(decode(run.dialect, run.buffer.subarray(run.start, run.end))));
    if (this.slow !== undefined) this.#gauge.meet(this.slow);
  }

  deliveryFailed(error: unknown): void {
    throw error;
  }
}

interface Reactor {
  readonly system: ActorSystem;
  readonly router: Router;
  readonly publisher: Publisher;
  readonly shares: ShareTable;
  readonly gauge: PressureGauge;
}

class Bed {
  readonly network: SimNetwork;
  readonly #reactors = new Map<string, Reactor>();
  #lives = 0;
  /** A node's first reactor is there again. */
  onReborn: (node: number) => void = () => {};
  onFence: (at: number, name: string, node: number) => void = () => {};
  readonly relays = new Map<number, RelayActor>();
  /** Until a node's sessions have been made again, in further lives. */
  relayDelayMs = 0;

  constructor(seed: number, overlap: 'merge' | 'separate' = 'merge', codec = codecBetween('this', 'this')) {
    this.network = new SimNetwork({
      nodes: NODES.length,
      threads: REACTORS.length + 1,
      seed,
      codec,
      boot: (system) => {
        if (system.thread > 0) this.#boot(system, overlap);
      },
    });
    this.pass(5000);
  }

  #boot(system: ActorSystem, overlap: 'merge' | 'separate'): void {
    const { thread, reactors, incarnation, slots } = system;
    const router = new Router({ node: system.node, thread, reactors, incarnation, slots, seed: 1, overlap });
    const gauge = new PressureGauge();
    const publisher = new Publisher(system, router, gauge);
    const shares = new ShareTable(system, router, publisher, SHARE_DEFAULTS);
    spawnRouter(system, router, remoteRuns(system, router, gauge, shares, publisher, null));
    spawnInterest(system, shares, 'share-interest', WELL_KNOWN.shareInterest);
    this.#reactors.set(`${system.node}/${thread}`, { system, router, publisher, shares, gauge });
    if (thread !== 1) return;
    const start = (): void => {
      const onFence = (name: string, node: number): void => this.onFence(system.node, name, node);
      const relay = spawnRelay(system, { nodes: NODES, life: ++this.#lives, publisher, shares, gauge, onFence });
      relay.begin();
      this.relays.set(system.node, relay);
      this.onReborn(system.node);
    };
    if (this.relayDelayMs === 0) start();
    else this.network.at(this.network.world.nowMs + this.relayDelayMs, start);
  }

  at(node: number, thread: number): Reactor {
    return this.#reactors.get(`${node}/${thread}`)!;
  }

  /** Lets that many milliseconds go by. */
  pass(ms: number): void {
    this.network.run(this.network.world.nowMs + ms);
  }

  subscribe(node: number, thread: number, ...filters: string[]): Client {
    const { router, system, gauge } = this.at(node, thread);
    const client = new Client(gauge);
    for (const filter of filters) router.subscribe(client, filter, { qos: 2 });
    system.requestTurn();
    return client;
  }

  join(node: number, thread: number, name: string, filter: string): Client {
    const { shares, system, gauge } = this.at(node, thread);
    const client = new Client(gauge);
    shares.join(client, name, filter, { qos: 2 }, true);
    system.requestTurn();
    return client;
  }

  publish(node: number, thread: number, topic: string, text: string, qos: 0 | 1 = 1): number {
    const { publisher, router, system } = this.at(node, thread);
    const { subscriptionIds: _, ...packets } = outgoing([text], { qos, topic });
    const delivered = publisher.publish({
      topic: router.topics.internName(topic)!,
      publisher: null,
      ...packets,
    } as unknown as Run);
    system.requestTurn();
    return delivered;
  }

  counter(node: number, key: keyof typeof RELAY_PROBE.slot): number {
    return this.at(node, 1).system.slots[RELAY_PROBE.slot[key]]!;
  }
}

test('a message reaches every node that wants it, once for each client, from and to any reactor', () => {
  for (const overlap of ['merge', 'separate'] as const) {
    const bed = new Bed(1, overlap);
    const clients = NODES.flatMap((node) => REACTORS.map((thread) => bed.subscribe(node, thread, 'a/+')));
    const twice = bed.subscribe(3, 2, 'a/#', '+/b');
    bed.pass(5000);
    for (const node of NODES) for (const thread of REACTORS) bed.publish(node, thread, 'a/b', `${node}/${thread}`);
    bed.pass(5000);
    const expected = NODES.flatMap((node) => REACTORS.map((thread) => `${node}/${thread}`));
    for (const { got } of clients) assert.equal([...got].sort(), expected, overlap);
    assert.is(twice.got.length, overlap === 'merge' ? 6 : 12);
    for (const node of NODES) {
      assert.is(bed.counter(node, 'sent'), 4, 'one for each of two nodes and two publishers');
      assert.is(bed.counter(node, 'waitingBytes'), 0);
    }
  }
});

test('what nobody elsewhere wants stays; what nobody wants any more too', () => {
  const bed = new Bed(2);
  assert.is(bed.publish(1, 2, 'a/b', 'x'), 0);
  const there = bed.subscribe(2, 2, 'a/b');
  const here = bed.subscribe(1, 1, 'a/b');
  bed.pass(5000);
  assert.ok(bed.publish(1, 2, 'a/b', 'both') > 0);
  bed.publish(1, 2, 'a/c', 'nobody');
  bed.pass(5000);
  assert.equal(there.got, ['both']);
  bed.at(2, 2).router.unsubscribeAll(there);
  bed.at(2, 2).system.requestTurn();
  bed.pass(5000);
  bed.publish(1, 2, 'a/b', 'here');
  bed.pass(5000);
  assert.equal(here.got, ['both', 'here']);
  assert.equal(there.got, ['both']);
  assert.is(bed.counter(1, 'sent'), 1);
});

test('topics of the server itself are not asked for', () => {
  const bed = new Bed(3);
  const there = bed.subscribe(2, 1, '$SYS/#', '$events/#', '#');
  bed.pass(5000);
  assert.is(bed.counter(2, 'filters'), 1);
  bed.publish(1, 1, '$SYS/broker/uptime', 'x');
  bed.pass(5000);
  assert.equal(there.got, []);
});

test('of a shared subscription one member in the cluster gets a message: here if there is one, else elsewhere in turn', () => {
  const bed = new Bed(4);
  const all = bed.subscribe(3, 1, 'jobs/#');
  const second = bed.join(2, 2, 'g', 'jobs/#');
  const third = bed.join(3, 2, 'g', 'jobs/#');
  bed.pass(5000);
  for (let i = 0; i < 10; i++) {
    bed.publish(1, 2, 'jobs/a', `from 1: ${i}`);
    bed.pass(10);
  }
  bed.pass(5000);
  assert.is(all.got.length, 10);
  assert.equal([second.got.length, third.got.length], [5, 5], 'each node in turn');
  assert.is(new Set([...second.got, ...third.got]).size, 10);
  bed.publish(3, 1, 'jobs/a', 'near');
  bed.pass(5000);
  assert.is(third.got.at(-1), 'near');
  assert.is(second.got.length, 5);
  const first = bed.join(1, 2, 'g', 'jobs/#');
  bed.pass(5000);
  bed.publish(1, 1, 'jobs/a', 'here now');
  bed.pass(5000);
  assert.equal(first.got, ['here now']);
  bed.at(1, 2).shares.partAll(first);
  bed.at(3, 2).shares.partAll(third);
  bed.at(1, 2).system.requestTurn();
  bed.at(3, 2).system.requestTurn();
  bed.pass(5000);
  bed.publish(1, 1, 'jobs/a', 'the last one left');
  bed.publish(3, 1, 'jobs/a', 'from there as well');
  bed.pass(5000);
  assert.equal(second.got.slice(5).sort(), ['from there as well', 'the last one left']);
  assert.equal([first.got.length, third.got.length], [1, 6]);
  assert.is(all.got.length, 14, 'who subscribes on its own gets all of it');
});

test('nodes of two releases that follow each other are one broker', () => {
  for (const [writing, reading] of [
    ['next', 'this'],
    ['this', 'next'],
  ] as const) {
    const bed = new Bed(5, 'merge', codecBetween(writing, reading));
    const passed: string[] = [];
    bed.onFence = (at, name, node) => passed.push(`${name} ${node}>${at}`);
    const clients = NODES.map((node) => bed.subscribe(node, 2, 'a/#'));
    const member = bed.join(3, 1, 'g', 'jobs');
    bed.pass(5000);
    for (const node of NODES) bed.publish(node, 1, 'a/b', `from ${node}`);
    bed.publish(1, 1, 'jobs', 'work');
    bed.relays.get(2)!.fence('parted', [1], ['a/#'], NODES);
    bed.pass(5000);
    for (const { got } of clients) assert.equal([...got].sort(), ['from 1', 'from 2', 'from 3']);
    assert.equal(member.got, ['work']);
    assert.equal(passed.sort(), ['parted 1>1', 'parted 2>1', 'parted 3>1']);
    for (const node of NODES) assert.equal([bed.counter(node, 'waitingBytes'), bed.counter(node, 'malformed')], [0, 0]);
  }
});

test('a link that is lost loses nothing of QoS 1, and nothing comes twice', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1 << 30 }),
      fc.array(
        fc.oneof(
          {
            weight: 6,
            arbitrary: fc.record({
              op: fc.constant('publish' as const),
              node: fc.constantFrom(...NODES),
              thread: fc.constantFrom(...REACTORS),
            }),
          },
          {
            weight: 1,
            arbitrary: fc.record({
              op: fc.constant('cut' as const),
              node: fc.constantFrom(...NODES),
              to: fc.constantFrom(...NODES),
            }),
          },
          { weight: 2, arbitrary: fc.record({ op: fc.constant('pass' as const), ms: fc.constantFrom(1, 3, 700) }) },
        ),
        { maxLength: 60 },
      ),
      (seed, steps) => {
        const bed = new Bed(seed);
        const clients = NODES.flatMap((node) => REACTORS.map((thread) => bed.subscribe(node, thread, 'a/#')));
        bed.pass(5000);
        let count = 0;
        const bySource = new Map<string, string[]>();
        for (const step of steps) {
          if (step.op === 'pass') bed.pass(step.ms);
          else if (step.op === 'cut' && step.node !== step.to) {
            const { node, to } = step;
            bed.network.cut(node, to);
            bed.network.at(bed.network.world.nowMs + 50, () => bed.network.heal(node, to));
          } else if (step.op === 'publish') {
            const source = `${step.node}/${step.thread}`;
            const text = `${source}:${++count}`;
            bySource.set(source, [...(bySource.get(source) ?? []), text]);
            bed.publish(step.node, step.thread, 'a/b', text);
          }
        }
        bed.pass(10_000);
        for (const { got } of clients) {
          for (const [source, texts] of bySource) {
            assert.equal(
              got.filter((text) => text.startsWith(`${source}:`)),
              texts,
              `order of ${source}`,
            );
          }
          assert.is(got.length, count);
        }
        for (const node of NODES) assert.is(bed.counter(node, 'waitingBytes'), 0);
      },
    ),
    { numRuns: 25 },
  );
});

test('a fence parts the streams of every node at one message, whatever is published and lost meanwhile', () => {
  const step = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        op: fc.constant('publish' as const),
        node: fc.constantFrom(...NODES),
        thread: fc.constantFrom(...REACTORS),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ op: fc.constant('cut' as const), node: fc.constantFrom(...NODES), to: fc.constantFrom(...NODES) }),
    },
    { weight: 2, arbitrary: fc.record({ op: fc.constant('pass' as const), ms: fc.constantFrom(1, 2, 300) }) },
  );
  const phase = fc.array(step, { maxLength: 30 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1 << 30 }), phase, phase, fc.boolean(), (seed, before, during, subscribesLate) => {
      const bed = new Bed(seed);
      const former = bed.subscribe(1, 1, 'a/#');
      const next = subscribesLate ? undefined : bed.subscribe(2, 1, 'a/#');
      bed.pass(5000);
      const closed = new Set<number>();
      const open = new Set<number>();
      former.takes = () => !closed.has(bed.at(1, 1).router.origin);
      if (next !== undefined) next.takes = () => open.has(bed.at(2, 1).router.origin);
      bed.onFence = (at, _name, node) => void (at === 1 ? closed : open).add(node);
      const bySource = new Map<string, string[]>();
      let count = 0;
      const run = (steps: typeof before): void => {
        for (const each of steps) {
          if (each.op === 'pass') bed.pass(each.ms);
          else if (each.op === 'cut' && each.node !== each.to) {
            bed.network.cut(each.node, each.to);
            bed.network.at(bed.network.world.nowMs + 50, () => bed.network.heal(each.node, each.to));
          } else if (each.op === 'publish') {
            const source = `${each.node}/${each.thread}`;
            const text = `${source}:${++count}`;
            bySource.set(source, [...(bySource.get(source) ?? []), text]);
            bed.publish(each.node, each.thread, 'a/b', text);
          }
        }
      };
      run(before);
      const heir = next ?? bed.subscribe(2, 1, 'a/#');
      heir.takes = () => open.has(bed.at(2, 1).router.origin);
      if (subscribesLate) bed.pass(1); // its own reactors know of it; other nodes do not
      const ask = (): void => {
        const missing = NODES.filter((node) => !closed.has(node) || !open.has(node));
        if (missing.length > 0) bed.relays.get(2)!.fence('move', [1, 2], ['a/#'], missing);
      };
      ask();
      run(during);
      for (let i = 0; i < 20; i++) {
        ask();
        bed.pass(1000);
      }
      assert.equal([closed.size, open.size], [3, 3], 'all fences have come');
      for (const [source, texts] of bySource) {
        const of = (client: Client): string[] => client.got.filter((text) => text.startsWith(`${source}:`));
        assert.equal([...of(former), ...of(heir)], texts, `all of ${source}, once and in order`);
      }
    }),
    { numRuns: 25 },
  );
});

test('a node that dies gets what it has missed of QoS 1 when it is back, and nothing of QoS 0', () => {
  for (const relayDelayMs of [0, 300]) missed(relayDelayMs);
});

function missed(relayDelayMs: number): void {
  const bed = new Bed(5);
  bed.relayDelayMs = relayDelayMs;
  bed.subscribe(2, 2, 'a/#');
  bed.pass(5000);
  // Its next life has its lasting sessions before it has heard of anybody.
  const back: Client[] = [];
  bed.onReborn = (node) => {
    back.push(bed.subscribe(node, 1, 'a/#'));
  };
  bed.network.kill(2, 500);
  bed.pass(100);
  bed.publish(1, 2, 'a/b', 'missed');
  bed.publish(1, 2, 'a/b', 'gone', 0);
  bed.pass(50);
  assert.is(bed.counter(1, 'dropped'), 1);
  assert.ok(bed.counter(1, 'waitingBytes') > 0);
  // The process is there, its sessions are not.
  bed.pass(500);
  bed.publish(1, 2, 'a/b', 'missed too');
  bed.pass(10_000);
  assert.equal(back[0]!.got, ['missed', 'missed too'], `after ${relayDelayMs} ms`);
  assert.is(bed.counter(1, 'waitingBytes'), 0);
  bed.publish(3, 1, 'a/b', 'on');
  bed.pass(5000);
  assert.equal(back[0]!.got, ['missed', 'missed too', 'on']);
}

test('a node that begins anew and does not reach another one keeps for it what it is told, and passes on what that one wants', () => {
  const bed = new Bed(12);
  const wants = bed.subscribe(2, 2, 'a/+');
  const wantsMore = bed.subscribe(2, 1, '#');
  bed.at(2, 1).router.unsubscribe(wantsMore, '#');
  bed.pass(5000);
  const others = [2, 3];
  for (const other of others) {
    bed.network.cut(1, other);
    bed.network.cut(other, 1);
  }
  bed.network.kill(1, 100);
  bed.pass(3000);
  bed.publish(1, 1, 'a/b', 'of one');
  bed.publish(1, 2, 'a/b', 'of the other');
  bed.publish(1, 2, 'c', 'for nobody');
  bed.publish(1, 1, 'a/b', 'not kept', 0);
  bed.pass(3000);
  assert.equal(wants.got, []);
  for (const other of others) {
    bed.network.heal(1, other);
    bed.network.heal(other, 1);
  }
  bed.pass(5000);
  assert.equal([...wants.got].sort(), ['of one', 'of the other']);
  assert.equal(wantsMore.got, []);
  const sent = bed.counter(1, 'sent');
  bed.publish(1, 2, 'c', 'for nobody');
  bed.publish(1, 2, 'a/b', 'later');
  bed.pass(5000);
  assert.is(bed.counter(1, 'sent'), sent + 1, 'what another node wants is known again');
  assert.is(wants.got.at(-1), 'later');
});

test('a node that takes no more fills the queue of the other, whose publishers then wait', () => {
  const bed = new Bed(6);
  const there = bed.subscribe(2, 1, 'a/#');
  bed.pass(5000);
  there.slow = new PressureSource();
  const text = 'x'.repeat(1 << 20);
  const publisher = bed.at(1, 1);
  let published = 0;
  let met: PressureSource | null = null;
  while (met === null && published < 200) {
    bed.publish(1, 1, 'a/b', text);
    published++;
    bed.pass(5);
    met = publisher.gauge.take();
  }
  assert.ok(met !== null, 'the publisher is told');
  assert.ok(bed.counter(1, 'waitingBytes') <= RELAY_QUEUE_BYTES_MAX);
  assert.ok(there.got.length < published / 2, 'what is not acknowledged is bounded');
  let isRelieved = false;
  met!.wait({ relieved: () => (isRelieved = true) });
  const source = there.slow;
  there.slow = undefined;
  source.relieve();
  bed.pass(5000);
  assert.ok(isRelieved);
  assert.is(there.got.length, published);
  assert.is(bed.counter(1, 'waitingBytes'), 0);
});

test.run();
