/** Clients that go from node to node under publishers everywhere while links are cut and nodes die, drawn from a seed; and what has to be true in the end. */
import * as assert from 'uvu/assert';
import { HOMES_PROBE } from '../../../src/actors/homes/probe.ts';
import { Prng } from '../../../src/base/prng.ts';
import type { NodeCodec } from '../../../src/runtime/sim/network.ts';
import { Hopper, Nodes } from './nodes.ts';
import { RaftMetadata } from './raft-metadata.ts';
import { NODES, type SimMetadata } from './sim-metadata.ts';
import { StubMetadata } from './stub-metadata.ts';

const STEPS = 100;
const STORM_STEPS = 150;
const { slot } = HOMES_PROBE;

/** `stops`: nodes end in order; `fickle`: the directory answers late, or not; `storm`: all of it but the stops at a time, for longer; `gale`: with the stops; `rot`: with disks that fail. */
export type Faults = 'none' | 'cuts' | 'deaths' | 'stops' | 'fickle' | 'storm' | 'gale' | 'rot';
export const FAULTS: readonly Faults[] = ['none', 'cuts', 'deaths', 'stops', 'fickle', 'storm', 'gale', 'rot'];
const STORMS: ReadonlySet<Faults> = new Set(['storm', 'gale', 'rot']);

export class Scenario {
  readonly nodes: Nodes;
  readonly hoppers: readonly Hopper[] = [new Hopper('h0', 't/#'), new Hopper('h1', 't/#')];
  readonly publishers: readonly Hopper[] = NODES.map((node) => new Hopper(`p${node}`));
  readonly #prng: Prng;
  #count = 0;
  /** Were acknowledged by a node that has died before it could pass them on. */
  readonly #lost = new Set<string>();
  /** By publisher: how many of those that were acknowledged are not that node's alone any more. */
  readonly #safe: number[] = NODES.map(() => 0);

  constructor(seed: number, metadata: SimMetadata, codec?: NodeCodec) {
    this.#prng = new Prng(seed);
    this.nodes = new Nodes(seed, metadata, codec);
  }

  begin(): void {
    for (const [i, publisher] of this.publishers.entries()) publisher.connect(this.nodes, NODES[i]!, 1 + (i % 2));
    for (const hopper of this.hoppers) hopper.connect(this.nodes, this.#node(), this.#thread());
    this.#until('all are there', () => [...this.publishers, ...this.hoppers].every(({ isOnline }) => isOnline));
    this.#until('they have subscribed', () => this.hoppers.every(({ isSubscribed }) => isSubscribed));
    this.pass(2000); // every node knows of it
  }

  step(faults: Faults): void {
    if (STORMS.has(faults)) return this.#stormStep(faults);
    this.nodes.metadata.isFickle = faults === 'fickle';
    const die = this.#prng.next();
    if (die < 0.06) this.#hop(this.hoppers[this.#prng.below(2)]!);
    else if (die < 0.1 && faults === 'cuts') this.#cut();
    else if (die < 0.11 && faults === 'deaths') this.#die();
    else if (die < 0.12 && faults === 'stops') this.#stop();
    else this.#publish();
    this.#pump(this.#prng.below(6));
    if (this.#prng.chance(0.5)) this.pass(this.#prng.next() * (this.#prng.chance(0.1) ? 300 : 3));
  }

  /** Everything is well again, and all that is on its way arrives. */
  calm(): void {
    for (const from of NODES) for (const to of NODES) this.nodes.network.heal(from, to);
    this.nodes.metadata.isFickle = false;
    this.nodes.metadata.away.clear();
    this.nodes.mendDisks();
    this.#until('all nodes are there', () => NODES.every((node) => this.nodes.isOpen(node)));
    for (const hopper of this.hoppers) hopper.connect(this.nodes, this.#node(), this.#thread());
    let quiet = 0;
    for (let round = 0; round < 600 && quiet < 60; round++) {
      for (const hopper of this.hoppers) if (!hopper.isConnected) hopper.connect(this.nodes, this.#node(), this.#thread());
      const before = this.#heard();
      this.pass(200);
      this.#pump(Number.MAX_SAFE_INTEGER);
      quiet = this.#heard() === before && this.hoppers.every(({ isOnline }) => isOnline) ? quiet + 1 : 0;
    }
    assert.is(quiet, 60, 'they come to rest');
  }

  judge(isExact: boolean): void {
    const { nodes, hoppers, publishers } = this;
    assert.equal(
      nodes.failures.map((error) => error.stack),
      [],
    );
    assert.equal(nodes.network.failures, [], 'no thread has ended by itself');
    assert.equal(nodes.metadata.violations, [], 'one history of each entry');
    for (const hopper of hoppers) {
      assert.equal(nodes.homesOf(hopper.id), [hopper.node], 'one home');
      assert.equal(nodes.metadata.homesOf(hopper.id), [hopper.node], 'the same for the metadata');
      assert.ok(hopper.hadSession);
      const expected = new Map<string, string[]>();
      for (const { acknowledged } of publishers)
        for (const { topic, text } of acknowledged) expected.set(topic, [...(expected.get(topic) ?? []), text]);
      for (const [topic, texts] of expected) {
        const got = hopper.got.get(topic) ?? [];
        const missing = texts.filter((text) => !got.includes(text) && !this.#lost.has(text));
        assert.equal(missing, [], `${hopper.id} misses of ${topic}`);
        if (!isExact) continue;
        const first = topic.endsWith('/2') ? got : [...new Set(got)];
        assert.equal(
          first.filter((text) => texts.includes(text)),
          texts,
          `${hopper.id}: ${topic}, in order, and QoS 2 once`,
        );
      }
    }
  }

  total(key: 'moved' | 'adopted' | 'further'): number {
    return NODES.reduce((sum, node) => sum + this.nodes.counter(node, slot[key]), 0);
  }

  pass(ms: number): void {
    this.nodes.pass(ms);
    this.#pump(0);
  }

  #hop(hopper: Hopper): void {
    if (this.#prng.chance(0.5)) hopper.leave();
    const node = this.#node();
    if (this.nodes.network.isAlive(node)) hopper.connect(this.nodes, node, this.#thread());
  }

  /** Each node is asked for the session before another one has it: their claims meet. */
  #rush(hopper: Hopper): void {
    const first = this.#prng.below(NODES.length);
    for (let i = 0; i < NODES.length; i++) {
      const node = NODES[(first + i) % NODES.length]!;
      if (!this.nodes.network.isAlive(node)) continue;
      hopper.connect(this.nodes, node, this.#thread());
      this.nodes.pass(this.#prng.next() * 20);
    }
  }

  #publish(): void {
    const publisher = this.publishers[this.#prng.below(this.publishers.length)]!;
    const qos = this.#prng.chance(0.5) ? 1 : 2;
    publisher.publish(`t/${publisher.id}/${qos}`, `${++this.#count}`, qos);
  }

  #cut(): void {
    const { network } = this.nodes;
    const [from, to] = [this.#node(), this.#node()];
    if (from === to) return;
    network.cut(from, to);
    network.at(network.world.nowMs + 20 + this.#prng.next() * 3000, () => network.heal(from, to));
  }

  /** Clients hop, links are cut in one direction or another, and nodes die while they are, and come back. */
  #stormStep(faults: Faults): void {
    const { metadata, network } = this.nodes;
    const die = this.#prng.next();
    metadata.isFickle = true;
    this.nodes.isSlow = faults === 'rot';
    if (die < 0.03 && metadata.isReal) this.#rush(this.hoppers[this.#prng.below(2)]!);
    else if (die < 0.12) this.#hop(this.hoppers[this.#prng.below(2)]!);
    else if (die < 0.2) this.#cut();
    else if (die < 0.23) {
      const node = this.#node();
      metadata.away.add(node);
      network.at(network.world.nowMs + this.#prng.next() * 5000, () => metadata.away.delete(node));
    } else if (die < 0.25) this.#dieAtOnce();
    else if (die < 0.27 && faults === 'gale') this.#stopAtOnce();
    else if (die < 0.29 && faults === 'rot') this.#breakDisk();
    else this.#publish();
    this.#pump(this.#prng.below(6));
    for (const [i, publisher] of this.publishers.entries())
      if (!publisher.isConnected && this.nodes.isOpen(NODES[i]!)) publisher.connect(this.nodes, NODES[i]!, 1 + (i % 2));
    const pause = this.#prng.next();
    if (pause < 0.5) this.pass(this.#prng.next() * (pause < 0.05 ? 4000 : 5));
    this.#noteSafe();
  }

  #noteSafe(): void {
    for (const [i, node] of NODES.entries())
      if (this.nodes.hasPassedAll(node)) this.#safe[i] = this.publishers[i]!.acknowledged.length;
  }

  #dieAtOnce(): void {
    const node = this.#node();
    // One is there to count the leases of the others.
    if (NODES.some((each) => !this.nodes.network.isAlive(each)) || this.nodes.hasBadDisk) return;
    this.#noteSafe();
    this.#dies(node);
    this.nodes.kill(node, 200 + this.#prng.next() * 2000);
  }

  /** What it has acknowledged, and nobody else has, is lost. */
  #dies(node: number): void {
    const i = NODES.indexOf(node);
    const publisher = this.publishers[i]!;
    for (const { text } of publisher.acknowledged.slice(this.#safe[i])) this.#lost.add(text);
    this.#safe[i] = publisher.acknowledged.length;
    for (const client of [...this.hoppers, ...this.publishers]) if (client.node === node) client.forget();
  }

  #breakDisk(): void {
    const node = this.#node();
    if (NODES.some((each) => !this.nodes.isOpen(each)) || this.nodes.hasBadDisk) return;
    // While a session comes, mostly.
    for (const hopper of this.hoppers) if (this.#prng.chance(0.5)) hopper.connect(this.nodes, node, this.#thread());
    this.nodes.pass(this.#prng.next() * 30);
    this.#noteSafe();
    this.nodes.breakDisk(node, this.#prng.next() * 300, 200 + this.#prng.next() * 2000, () => this.#dies(node));
  }

  #stopAtOnce(): void {
    const node = this.#node();
    if (NODES.some((each) => !this.nodes.isOpen(each))) return;
    this.nodes.stop(node, 200 + this.#prng.next() * 2000);
  }

  /** What the node has acknowledged has reached the others by then; else it is lost with it, as for any subscriber elsewhere. */
  #die(): void {
    this.pass(1500);
    const node = this.#node();
    this.nodes.kill(node, 200 + this.#prng.next() * 2000);
    for (const client of [...this.hoppers, ...this.publishers]) if (client.node === node) client.forget();
    const publisher = this.publishers[NODES.indexOf(node)]!;
    for (const hopper of this.hoppers) if (!hopper.isConnected) this.#reconnectElsewhere(hopper, node);
    for (let i = 0; i < 20; i++) {
      this.#publish();
      this.pass(20);
    }
    this.pass(4000);
    publisher.connect(this.nodes, node, 1);
    this.pass(500);
  }

  /** Nothing of what a node has acknowledged is lost when it ends in order, however late that was. */
  #stop(): void {
    const node = this.#node();
    const publisher = this.publishers[NODES.indexOf(node)]!;
    for (let i = 0; i < 5; i++) this.#publish();
    this.nodes.stop(node, 200 + this.#prng.next() * 2000);
    for (let i = 0; i < 60; i++) {
      this.#publish();
      publisher.publish(`t/${publisher.id}/1`, `${++this.#count}`, 1);
      this.pass(this.#prng.next() * 2);
    }
    this.pass(400);
    for (const client of [...this.hoppers, ...this.publishers]) if (client.node === node) client.forget();
    for (const hopper of this.hoppers) if (!hopper.isConnected && this.#prng.chance(0.7)) this.#reconnectElsewhere(hopper, node);
    for (let i = 0; i < 20; i++) {
      this.#publish();
      this.pass(20);
    }
    this.#until('it is back', () => this.nodes.isOpen(node));
    publisher.connect(this.nodes, node, 1);
    this.pass(500);
  }

  #reconnectElsewhere(hopper: Hopper, dead: number): void {
    const living = NODES.filter((node) => node !== dead);
    hopper.connect(this.nodes, living[this.#prng.below(2)]!, this.#thread());
  }

  #pump(answers: number): void {
    for (const hopper of this.hoppers) hopper.pump(answers);
    for (const publisher of this.publishers) publisher.pump(Number.MAX_SAFE_INTEGER);
  }

  #heard(): number {
    return this.hoppers.reduce((sum, { got }) => sum + [...got.values()].reduce((all, texts) => all + texts.length, 0), 0);
  }

  #until(what: string, isSo: () => boolean): void {
    for (let i = 0; i < 500 && !isSo(); i++) this.pass(20);
    assert.ok(isSo(), what);
  }

  #node(): number {
    return NODES[this.#prng.below(NODES.length)]!;
  }

  #thread(): number {
    return 1 + this.#prng.below(2);
  }
}

/** Where the entries of the sessions are: in the stub, or in groups that the nodes themselves replicate. */
export type DirectoryKind = 'stub' | 'meta';
export const DIRECTORIES: readonly DirectoryKind[] = ['stub', 'meta'];

export interface RunOptions {
  readonly directory?: DirectoryKind;
  readonly codec?: NodeCodec | undefined;
}

export function run(seed: number, faults: Faults, { directory = 'stub', codec }: RunOptions = {}): Scenario {
  const scenario = new Scenario(seed, directory === 'meta' ? new RaftMetadata(seed) : new StubMetadata(seed), codec);
  scenario.begin();
  for (let step = 0; step < (STORMS.has(faults) ? STORM_STEPS : STEPS); step++) scenario.step(faults);
  scenario.calm();
  scenario.judge(faults === 'none');
  return scenario;
}
