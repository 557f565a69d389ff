// A session moves while another node publishes, and one of its two homes dies behind something that either of them has put on disk meanwhile: it has one home in the end, and nothing is missing.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Hopper, Nodes } from './nodes.ts';
import { StubMetadata } from './stub-metadata.ts';

const test = suite('a home that dies in a move');
const [FORMER, NEW, PUBLISHERS] = [1, 2, 3] as const;
const WAITING = 30;
const STRIDE = 7;

class Move {
  readonly nodes = new Nodes(5, new StubMetadata(5));
  readonly client = new Hopper('h', 't/#');
  readonly publisher = new Hopper('p');
  #count = 0;

  constructor() {
    this.client.connect(this.nodes, FORMER, 1);
    this.publisher.connect(this.nodes, PUBLISHERS, 1);
    this.until('both are there', () => this.client.isSubscribed && this.publisher.isOnline);
    this.nodes.pass(2000);
    for (let i = 0; i < WAITING; i++) this.publish();
    this.pass(5);
    // Some are with the client and not acknowledged, some released, some on their way.
    this.client.pump(10);
    this.client.leave();
    for (let i = 0; i < WAITING; i++) this.publish();
    this.pass(50);
  }

  /** From here on `onStep` is called behind each step, with its number. */
  watch(onStep: (step: number) => void): void {
    let steps = 0;
    const step = (): void => {
      const number = ++steps;
      const { network } = this.nodes;
      network.at(network.world.nowMs, () => onStep(number));
    };
    for (const node of [FORMER, NEW]) {
      const { metadata, disk } = this.nodes.stores.get(node)!;
      const [set, remove, sync] = [metadata.set.bind(metadata), metadata.delete.bind(metadata), disk.sync.bind(disk)];
      metadata.set = (key, value) => {
        step();
        return set(key, value);
      };
      metadata.delete = (key) => {
        step();
        return remove(key);
      };
      disk.sync = (file) => {
        sync(file);
        step();
      };
    }
  }

  publish(): void {
    const qos = this.#count % 2 === 0 ? 1 : 2;
    this.publisher.publish(`t/${qos}`, String(this.#count++), qos);
  }

  pass(ms: number): void {
    this.nodes.pass(ms);
    this.publisher.pump(Number.MAX_SAFE_INTEGER);
  }

  /** The client comes to the new home, and again when that is not there. */
  go(): void {
    const { client, nodes } = this;
    const all = (): string[] => [...client.got.values()].flat();
    let quiet = 0;
    client.connect(nodes, NEW, 2);
    for (let i = 0; quiet < 40; i++) {
      assert.ok(i < 4000, `${all().length} of ${this.#count} have come, ${client.isOnline ? '' : 'not '}online`);
      if (i < 60) this.publish();
      this.pass(i < 200 ? 2 : 50);
      client.pump(Number.MAX_SAFE_INTEGER);
      if (!nodes.network.isAlive(client.node)) client.forget();
      if (!client.isConnected && nodes.isOpen(NEW)) client.connect(nodes, NEW, 2);
      quiet = i > 300 && client.isOnline && new Set(all()).size >= this.publisher.acknowledged.length ? quiet + 1 : 0;
    }
  }

  judge(what: string): void {
    const got = new Set([...this.client.got.values()].flat());
    const missing = this.publisher.acknowledged.filter(({ text }) => !got.has(text));
    assert.is(missing.length, 0, `${what}: ${missing.length} are missing`);
    assert.ok(this.client.hadSession, what);
    assert.equal(this.nodes.homesOf('h'), [NEW], what);
    assert.equal(
      this.nodes.failures.map((error) => error.stack),
      [],
      what,
    );
  }

  until(what: string, isSo: () => boolean): void {
    for (let i = 0; i < 1000 && !isSo(); i++) {
      this.pass(20);
      this.client.pump(Number.MAX_SAFE_INTEGER);
    }
    assert.ok(isSo(), what);
  }
}

function crash(victim: number, step: number): void {
  const move = new Move();
  move.watch((number) => {
    if (number === step) move.nodes.kill(victim, 700);
  });
  move.go();
  move.judge(`node ${victim} dies behind step ${step}`);
}

/** Steps of a move in which nobody dies. */
function stepsOf(): number {
  const move = new Move();
  let isThere = false;
  let steps = 0;
  move.watch((number) => {
    if (!isThere) steps = number;
    if (move.client.isOnline) isThere = true;
  });
  move.go();
  move.judge('nobody dies');
  return steps;
}

const steps = stepsOf();

test('a move puts something on disk', () => assert.ok(steps > 5, `${steps} steps`));

for (const [who, victim] of [
  ['former', FORMER],
  ['new', NEW],
] as const) {
  // Each run has every seventh step, from another one on: all of them in some runs.
  const first = 1 + Math.floor(Math.random() * STRIDE);
  test(`the ${who} home, behind steps of either`, () => {
    for (let step = first; step <= steps; step += STRIDE) crash(victim, step);
  });
}

test.run();
