import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { InterestMachine } from '../../../src/actors/router/interest-machine.ts';
import type { InterestMessage } from '../../../src/actors/router/messages.ts';
import {
  INTEREST_BATCH_FILTERS_MAX,
  INTEREST_LOG_MAX,
  INTEREST_WAIT_RETRIES,
  INTEREST_WAITERS_MAX,
} from '../../../src/base/limits.ts';
import { Prng } from '../../../src/base/prng.ts';
import { naiveMatch } from './naive-match.ts';

const test = suite('interest-machine');

class Reactor {
  readonly thread: number;
  readonly filters = new Set<string>();
  readonly machine: InterestMachine;
  invalidations = 0;
  wakes = 0;

  constructor(thread: number, reactors: number, incarnation: number) {
    this.thread = thread;
    this.machine = new InterestMachine({
      thread,
      reactors,
      incarnation,
      local: { has: (filter) => this.filters.has(filter), filters: () => this.filters.keys() },
      changed: () => this.invalidations++,
      wake: () => this.wakes++,
    });
  }

  subscribe(filter: string): void {
    if (this.filters.has(filter)) return;
    this.filters.add(filter);
    this.machine.filterChanged(filter);
  }

  unsubscribe(filter: string): void {
    if (this.filters.delete(filter)) this.machine.filterChanged(filter);
  }
}

/** Reactors and the links between each two: in order, but whatever is on them may get lost. */
class Cluster {
  readonly reactors: (Reactor | undefined)[];
  readonly #links = new Map<string, InterestMessage[]>();
  /** Thread events that a reactor has not heard of yet. */
  #events: { to: number; thread: number; state: 'up' | 'down' }[] = [];
  #incarnation = 0;

  constructor(count: number) {
    this.reactors = Array.from({ length: count }, (_, i) => new Reactor(i + 1, count, 0));
    for (const reactor of this.reactors) reactor!.machine.start();
  }

  get alive(): Reactor[] {
    return this.reactors.filter((reactor) => reactor !== undefined);
  }

  kill(thread: number): void {
    this.reactors[thread - 1] = undefined;
    for (const [name, link] of this.#links) if (name.split('>').includes(String(thread))) link.length = 0;
    this.#events = this.#events.filter((event) => event.to !== thread);
    for (const other of this.alive) this.#events.push({ to: other.thread, thread, state: 'down' });
  }

  /** A death is heard of before anything that the next incarnation sends, its return possibly later. */
  revive(thread: number): void {
    while (this.#events.some((event) => event.thread === thread)) this.hear();
    const reactor = new Reactor(thread, this.reactors.length, ++this.#incarnation);
    this.reactors[thread - 1] = reactor;
    reactor.machine.start();
    for (const other of this.alive) {
      if (other !== reactor) this.#events.push({ to: other.thread, thread, state: 'up' });
    }
    this.reactors.forEach((other, i) => {
      if (other === undefined) this.#events.push({ to: thread, thread: i + 1, state: 'down' });
    });
  }

  isBusy(from: number, to: number): boolean {
    return (this.#links.get(`${from}>${to}`)?.length ?? 0) > 0;
  }

  flush(reactor: Reactor): void {
    reactor.machine.flush();
    this.#take(reactor);
  }

  tick(reactor: Reactor): void {
    reactor.machine.tick();
    this.#take(reactor);
  }

  /** Hands over what the `n`th busy link has first, or loses it. */
  move(n: number, lose: boolean): void {
    const busy = [...this.#links].filter(([, link]) => link.length > 0);
    const chosen = busy[n % Math.max(1, busy.length)];
    if (chosen === undefined) return;
    const message = chosen[1].shift()!;
    if (!lose) this.reactors[Number(chosen[0].split('>')[1]) - 1]?.machine.receive(message);
  }

  /** Lets a reactor hear of a thread's death or return, in order for each. */
  hear(): void {
    const event = this.#events.shift();
    if (event === undefined) return;
    const machine = this.reactors[event.to - 1]?.machine;
    if (event.state === 'up') machine?.peerUp(event.thread);
    else machine?.peerDown(event.thread);
  }

  /** Everything is delivered and nothing changes any more. */
  settle(): void {
    while (this.#events.length > 0) this.hear();
    for (let round = 0; round < 1000; round++) {
      for (const reactor of this.alive) {
        this.flush(reactor);
        if (round % 3 === 2) this.tick(reactor);
      }
      while ([...this.#links.values()].some((link) => link.length > 0)) this.move(0, false);
      if (this.alive.every(({ machine }) => !machine.busy && machine.outbox.length === 0)) return;
    }
    assert.unreachable('it never comes to rest');
  }

  #take(reactor: Reactor): void {
    for (const { to, message } of reactor.machine.outbox) {
      const name = `${reactor.thread}>${to}`;
      let link = this.#links.get(name);
      if (link === undefined) this.#links.set(name, (link = []));
      // As over a real link: a copy, made when it is sent.
      link.push(structuredClone(message));
    }
    reactor.machine.outbox.length = 0;
  }
}

const FILTERS = ['a', 'b', 'a/b', 'a/+', 'a/#', '+', '#', '+/b', 'c', '$x/#', 'a//b'];
const TOPICS = ['a', 'b', 'c', 'a/b', 'a/c', 'x/b', '$x/y', 'a//b', 'none/at/all'];

function assertTruth(cluster: Cluster): void {
  for (const { machine, thread } of cluster.alive) {
    for (const other of cluster.alive) {
      if (other.thread === thread) continue;
      const known = machine.filtersOf(other.thread);
      assert.ok(known, `${thread} is synced with ${other.thread}`);
      assert.equal([...known!].sort(), [...other.filters].sort(), `${thread} knows the filters of ${other.thread}`);
    }
    for (const topic of TOPICS) {
      let expected = 0;
      for (const other of cluster.alive) {
        if (other.thread !== thread && [...other.filters].some((filter) => naiveMatch(filter, topic)))
          expected |= 1 << (other.thread - 1);
      }
      assert.is(machine.interestIn(topic), expected, `${thread} on ${topic}`);
    }
  }
}

/** A reactor that is taken for dead gets nothing until its return is heard of; any other gets what it was promised. */
function assertNothingWithheld(cluster: Cluster, confirmed: ReadonlyMap<string, Reactor>, step: number): void {
  for (const { machine } of cluster.alive) {
    const { peers } = machine.inspect() as { peers: { thread: number; live: boolean }[] };
    const live = new Set(peers.filter((peer) => peer.live).map((peer) => peer.thread));
    for (const [topic, { thread }] of confirmed) {
      const wanted = live.has(thread) && cluster.reactors[thread - 1]?.filters.has(topic);
      if (wanted) assert.ok(machine.interestIn(topic) & (1 << (thread - 1)), `${topic} after step ${step}`);
    }
  }
}

test('after random changes, losses, deaths and returns everybody knows the truth', () => {
  const chance = new Prng(11);
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 4 }), fc.integer(), fc.integer({ min: 0, max: 3 }), (count, seed, lossy) => {
      const random = new Prng(seed);
      const cluster = new Cluster(count);
      for (let i = 0; i < 300; i++) {
        const thread = 1 + random.below(count);
        const reactor = cluster.reactors[thread - 1];
        const dice = random.below(100);
        if (dice < 25) reactor?.subscribe(FILTERS[random.below(FILTERS.length)]!);
        else if (dice < 45) reactor?.unsubscribe(FILTERS[random.below(FILTERS.length)]!);
        else if (dice < 60 && reactor !== undefined) cluster.flush(reactor);
        else if (dice < 88) cluster.move(random.below(99), random.below(10) < lossy);
        else if (dice < 92 && reactor !== undefined) cluster.tick(reactor);
        else if (dice < 96) cluster.hear();
        else if (reactor !== undefined && cluster.alive.length > 1) cluster.kill(thread);
        else if (reactor === undefined) cluster.revive(thread);
      }
      cluster.settle();
      assertTruth(cluster);
    }),
    { numRuns: 1500, seed: chance.nextU32() | 0 },
  );
});

test('at no time is a publish withheld from a reactor whose subscription was confirmed', () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 3 }), fc.integer(), (count, seed) => {
      const random = new Prng(seed);
      const cluster = new Cluster(count);
      const confirmed = new Map<string, Reactor>();
      for (let i = 0; i < 200; i++) {
        const thread = 1 + random.below(count);
        const reactor = cluster.reactors[thread - 1];
        const dice = random.below(100);
        if (dice < 25 && reactor !== undefined) {
          const topic = `t/${i}`;
          reactor.subscribe(topic);
          reactor.machine.whenApplied(() => confirmed.set(topic, reactor));
        } else if (dice < 45 && reactor !== undefined) cluster.flush(reactor);
        else if (dice < 92) cluster.move(random.below(99), random.below(10) < 1);
        else if (dice < 96) cluster.hear();
        else if (reactor !== undefined && cluster.alive.length > 1) cluster.kill(thread);
        else if (reactor === undefined) cluster.revive(thread);
        assertNothingWithheld(cluster, confirmed, i);
      }
    }),
    { numRuns: 500 },
  );
});

test('until it is synced a reactor takes the others to want everything', () => {
  const cluster = new Cluster(3);
  const [one] = cluster.reactors as [Reactor];
  assert.is(one.machine.interestIn('any/thing'), 0b110);
  assert.not.ok(one.machine.synced);
  cluster.settle();
  assert.ok(one.machine.synced);
  assert.is(one.machine.interestIn('any/thing'), 0);
  cluster.kill(2);
  cluster.hear();
  assert.is(one.machine.interestIn('any/thing'), 0);
  cluster.revive(2);
  while (one.machine.synced) cluster.hear();
  assert.is(one.machine.interestIn('any/thing'), 0b010);
});

test('confirms a subscription when every reactor has acknowledged it', () => {
  const cluster = new Cluster(3);
  const [one] = cluster.reactors as [Reactor];
  cluster.settle();
  let confirmed = 0;
  one.machine.whenApplied(() => confirmed++);
  assert.is(confirmed, 1, 'nothing is outstanding');
  one.subscribe('a');
  one.machine.whenApplied(() => confirmed++);
  assert.is(confirmed, 1);
  cluster.flush(one);
  cluster.kill(3);
  assert.is(confirmed, 1);
  cluster.settle();
  assert.is(confirmed, 2, 'the dead do not count');
});

test('a reactor that never answers holds a confirmation up for a bounded time', () => {
  const cluster = new Cluster(2);
  const [one] = cluster.reactors as [Reactor];
  cluster.settle();
  one.subscribe('a');
  let confirmed = 0;
  one.machine.whenApplied(() => confirmed++);
  for (let i = 1; i < INTEREST_WAIT_RETRIES; i++) one.machine.tick();
  assert.is(confirmed, 0);
  one.machine.tick();
  assert.is(confirmed, 1);
  assert.is(one.machine.waitsGivenUp, 1);
  cluster.settle();
  assertTruth(cluster);
});

test('there is a bound to the confirmations that wait', () => {
  const cluster = new Cluster(2);
  const [one] = cluster.reactors as [Reactor];
  cluster.settle();
  one.subscribe('a');
  let confirmed = 0;
  for (let i = 0; i < INTEREST_WAITERS_MAX; i++) one.machine.whenApplied(() => confirmed++);
  assert.is(confirmed, 0);
  one.machine.whenApplied(() => confirmed++);
  assert.is(confirmed, 1);
});

test('the changes of a turn leave as one message per reactor and wake once', () => {
  const cluster = new Cluster(2);
  const [one, two] = cluster.reactors as [Reactor, Reactor];
  cluster.settle();
  one.machine.flush();
  const wakes = one.wakes;
  const invalidations = two.invalidations;
  for (let i = 0; i < 100; i++) one.subscribe(`t/${i}`);
  one.unsubscribe('t/7');
  assert.is(one.wakes, wakes + 1);
  one.machine.flush();
  assert.is(one.machine.outbox.length, 1);
  const { message } = one.machine.outbox[0]!;
  assert.is(message.type, 'InterestDelta');
  assert.is(message.type === 'InterestDelta' && message.added.length, 99);
  two.machine.receive(message);
  assert.is(two.invalidations, invalidations + 99, 'what was never known needs no invalidation');
});

test('many filters and long ones travel in bounded messages', () => {
  const cluster = new Cluster(2);
  const [one, two] = cluster.reactors as [Reactor, Reactor];
  for (let i = 0; i < 5 * INTEREST_BATCH_FILTERS_MAX; i++) one.filters.add(`t/${i}`);
  for (let i = 0; i < 20; i++) one.filters.add(`${i}/${'x'.repeat(60_000)}`);
  cluster.settle();
  assert.is([...two.machine.filtersOf(1)!].length, one.filters.size);
  assert.is(one.machine.fullSyncs, 1);
  for (let i = 0; i < 20; i++) one.unsubscribe(`${i}/${'x'.repeat(60_000)}`);
  one.machine.flush();
  assert.is(one.machine.outbox.length, 20, 'each of them fills a message');
  one.machine.outbox.length = 0;
  cluster.settle();
  assertTruth(cluster);
});

test('a part that is sent again leaves out what is gone', () => {
  const cluster = new Cluster(2);
  const [one, two] = cluster.reactors as [Reactor, Reactor];
  for (let i = 0; i < INTEREST_BATCH_FILTERS_MAX + 10; i++) one.filters.add(`t/${i}`);
  const last = `t/${INTEREST_BATCH_FILTERS_MAX + 5}`;
  cluster.flush(two);
  cluster.move(0, false);
  cluster.flush(one);
  cluster.move(0, false);
  cluster.move(0, false);
  cluster.flush(two);
  while (cluster.isBusy(2, 1)) cluster.move(0, false);
  one.machine.flush();
  const lost = one.machine.outbox.splice(0).filter(({ message }) => message.type === 'InterestSync');
  assert.is(lost.length, 1);
  assert.ok(lost[0]!.message.type === 'InterestSync' && lost[0]!.message.filters.includes(last));
  one.unsubscribe(last);
  cluster.settle();
  assertTruth(cluster);
});

test('a reactor that falls too far behind starts over', () => {
  const cluster = new Cluster(2);
  const [one] = cluster.reactors as [Reactor];
  cluster.settle();
  for (let i = 0; i <= INTEREST_LOG_MAX; i++) one.subscribe(`t/${i}`);
  const { logged } = one.machine.inspect() as { logged: number };
  assert.is(logged, 0);
  cluster.settle();
  assertTruth(cluster);
  assert.is(one.machine.fullSyncs, 2);
});

test('a restarted shell starts over without losing anything', () => {
  const cluster = new Cluster(3);
  for (const reactor of cluster.alive) reactor.subscribe(`mine/${reactor.thread}`);
  cluster.settle();
  cluster.alive[0]!.machine.start();
  cluster.alive[0]!.subscribe('more');
  cluster.settle();
  assertTruth(cluster);
});

test.run();
