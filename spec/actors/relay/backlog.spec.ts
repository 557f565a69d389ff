// What waits for a node that is away is on the disk of the node that it waits on, and survives it: three simulated nodes with stores, one publisher, one lasting session elsewhere.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RELAY_PROBE } from '../../../src/actors/relay/probe.ts';
import { Prng } from '../../../src/base/prng.ts';
import { Hopper, Nodes } from '../homes/nodes.ts';
import { StubMetadata } from '../homes/stub-metadata.ts';

const test = suite('relay backlog');
const HERE = 1;
const THERE = 3;
const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, Math.floor(Math.random() * 2 ** 31)];
const { slot } = RELAY_PROBE;

class Scenario {
  readonly nodes: Nodes;
  readonly publisher = new Hopper('p');
  readonly session = new Hopper('s', 't/#');
  #count = 0;
  #isCut = false;

  constructor(seed: number) {
    this.nodes = new Nodes(seed, new StubMetadata(seed));
    this.publisher.connect(this.nodes, HERE, 2);
    this.session.connect(this.nodes, THERE, 1);
    this.until('both are there', () => this.publisher.isOnline && this.session.isSubscribed);
    this.pass(2000); // every node knows what is wanted
  }

  pass(ms: number): void {
    this.nodes.pass(ms);
    this.publisher.pump(Number.MAX_SAFE_INTEGER);
    this.session.pump(Number.MAX_SAFE_INTEGER);
  }

  until(what: string, holds: () => boolean): void {
    for (let waited = 0; !holds(); waited += 50) {
      assert.ok(waited < 60_000, `never: ${what}`);
      this.pass(50);
    }
  }

  publish(count: number, bytes = 0): void {
    for (let i = 0; i < count; i++) {
      const qos = this.#count % 3 === 0 ? 2 : 1;
      this.publisher.publish(`t/${qos}`, `${++this.#count} ${'.'.repeat(bytes)}`, qos);
      if (i % 5 === 4) this.pass(5);
    }
    this.pass(50);
  }

  cut(isCut: boolean): void {
    this.#isCut = isCut;
    for (const [from, to] of [
      [HERE, THERE],
      [THERE, HERE],
    ] as const) {
      if (isCut) this.nodes.network.cut(from, to);
      else this.nodes.network.heal(from, to);
    }
  }

  /** The node dies, and is back `afterMs` later. What it has acknowledged while the other one was in reach may be on its way for a moment. */
  die(node: number, afterMs: number): void {
    const client = node === HERE ? this.publisher : this.session;
    if (node === HERE && !this.#isCut && this.nodes.network.isAlive(THERE)) this.pass(1500);
    this.nodes.kill(node, afterMs);
    client.forget();
  }

  /** Both are connected again, wherever they can be. */
  back(): void {
    for (const [client, node] of [
      [this.publisher, HERE],
      [this.session, THERE],
    ] as const) {
      if (!client.isConnected && this.nodes.network.isAlive(node)) client.connect(this.nodes, node, 1);
    }
    this.pass(300);
  }

  get missing(): string[] {
    const got = new Set([...this.session.got.values()].flat());
    return this.publisher.acknowledged.map(({ text }) => text).filter((text) => !got.has(text));
  }

  /** All is well: everything that was acknowledged comes, in order. */
  judge(what: string): void {
    this.cut(false);
    this.until(`${what}: both are back`, () => {
      this.back();
      return this.publisher.isOnline && this.session.isOnline;
    });
    this.until(
      `${what}: ${this.missing.length} of ${this.publisher.acknowledged.length} messages come`,
      () => this.missing.length === 0,
    );
    this.until(`${what}: nothing is kept any more`, () => this.nodes.counter(HERE, slot.backlog) === 0);
    for (const [topic, texts] of this.session.got) {
      const acknowledged = this.publisher.acknowledged.filter((each) => each.topic === topic).map(({ text }) => text);
      const first = [...new Set(texts)].filter((text) => acknowledged.includes(text));
      assert.equal(first, acknowledged, `${what}: ${topic}, in order`);
    }
    assert.equal(
      this.nodes.failures.map((error) => error.stack),
      [],
    );
  }
}

test('what waits for a node that is away outlives the node that it waits on', () => {
  const scenario = new Scenario(1);
  scenario.die(THERE, 12_000);
  scenario.pass(500);
  scenario.publish(40);
  assert.is(scenario.publisher.acknowledged.length, 40);
  assert.ok(scenario.nodes.counter(HERE, slot.backlog) >= 40, 'on disk');
  scenario.die(HERE, 500);
  scenario.pass(3000);
  scenario.until('the publisher is back', () => {
    scenario.back();
    return scenario.publisher.isOnline;
  });
  scenario.publish(10);
  scenario.judge('both were away');
});

test('what was under way when a link was lost outlives the node as well', () => {
  const scenario = new Scenario(2);
  for (let i = 0; i < 20; i++) scenario.publisher.publish('t/1', `under way ${i}`, 1);
  scenario.cut(true);
  scenario.pass(200);
  assert.is(scenario.publisher.acknowledged.length, 20);
  scenario.die(HERE, 500);
  scenario.pass(3000);
  scenario.judge('under way');
});

test('what comes while the backlog is read goes behind it, and what was not acknowledged stays', () => {
  for (const afterMs of [0, 4, 8, 12, 16, 20, 30, 50]) {
    const scenario = new Scenario(3);
    scenario.cut(true);
    scenario.pass(100);
    // Several reads.
    scenario.publish(250, 4000);
    scenario.cut(false);
    scenario.pass(afterMs);
    for (let i = 0; i < 30; i++) {
      scenario.publisher.publish('t/1', `meanwhile ${i}`, 1);
      scenario.pass(1);
    }
    scenario.cut(true);
    scenario.pass(100);
    scenario.die(HERE, 500);
    scenario.pass(2000);
    scenario.judge(`cut again after ${afterMs} ms`);
  }
});

test('what the other node has not acknowledged is kept, though more of it is under way', () => {
  const scenario = new Scenario(4);
  scenario.cut(true);
  scenario.pass(100);
  scenario.publish(16, 60_000); // several batches
  const kept = (): number => scenario.nodes.counter(HERE, slot.backlog);
  const before = kept();
  scenario.cut(false);
  for (let waited = 0; kept() === before && waited < 2000; waited++) scenario.nodes.pass(0.2);
  assert.ok(kept() > 0 && kept() < before, 'some of it is acknowledged');
  scenario.cut(true);
  scenario.pass(100);
  scenario.die(HERE, 500);
  scenario.pass(2000);
  scenario.judge('cut at the first acknowledgement');
});

test('whatever dies and is cut off, what was acknowledged comes, in order', () => {
  for (const seed of SEEDS) {
    const prng = new Prng(seed);
    const scenario = new Scenario(seed);
    for (let step = 0; step < 25; step++) {
      const die = prng.next();
      if (die < 0.12) scenario.cut(true);
      else if (die < 0.3) scenario.cut(false);
      else if (die < 0.37 && scenario.nodes.network.isAlive(THERE)) scenario.die(THERE, 200 + prng.below(6000));
      else if (die < 0.44 && scenario.nodes.network.isAlive(HERE)) scenario.die(HERE, 200 + prng.below(3000));
      else scenario.publish(1 + prng.below(30));
      if (prng.chance(0.6)) scenario.pass(prng.next() * (prng.chance(0.2) ? 4000 : 100));
      scenario.back();
    }
    scenario.judge(`seed ${seed}`);
  }
});

test.run();
