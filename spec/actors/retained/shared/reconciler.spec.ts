// Two or three nodes, each with two reactors that publish, over one log of what was committed: whatever the order of things, own messages are seen, nothing goes back, and all end with the log's last word.
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { RetainedPacket } from '../../../../src/actors/retained/messages.ts';
import { Reconciler, type Retained } from '../../../../src/actors/retained/shared/reconciler.ts';

const test = suite('retained reconciler');

const TOPICS = ['a', 'b', 'a/b'];
const THREADS = [1, 2];
const groupOf = (name: string): number => (name === 'b' ? 2 : 1);

let stamp = 0;
/** Each is another one, told apart by its expiry. */
function message(): RetainedPacket {
  return { dialect: 0, expiresAt: ++stamp, packet: Uint8Array.of(1) };
}

interface Commit {
  readonly name: string;
  readonly message: Retained;
  readonly revision: number;
}

interface Write {
  readonly seq: number;
  readonly name: string;
  readonly message: Retained;
}

/** The metadata: a log per group, and what each node has of it. */
class World {
  readonly logs = new Map<number, Commit[]>([
    [1, []],
    [2, []],
  ]);
  readonly nodes: Node[];

  constructor(nodes: number) {
    this.nodes = Array.from({ length: nodes }, () => new Node(this));
  }

  commit(name: string, value: Retained): number {
    const log = this.logs.get(groupOf(name))!;
    log.push({ name, message: value, revision: log.length + 1 });
    return log.length;
  }

  at(name: string, revision: number): Retained {
    const log = this.logs.get(groupOf(name))!.slice(0, revision);
    return log.findLast((commit) => commit.name === name)?.message ?? null;
  }
}

class Node {
  readonly #world: World;
  readonly shown = new Map<string, RetainedPacket>();
  readonly reconciler: Reconciler;
  /** Per reactor: what is under way to the metadata, at most one write of a topic and its successors behind it, in order. */
  readonly writes = new Map<number, Write[]>(THREADS.map((thread) => [thread, []]));
  readonly through = new Map<number, number>([
    [1, 0],
    [2, 0],
  ]);
  /** Revision that a topic was seen at, when an own message was settled. */
  readonly seen = new Map<string, number>();
  #seq = 0;

  constructor(world: World) {
    this.#world = world;
    this.reconciler = new Reconciler(
      {
        get: (name) => this.shown.get(name),
        show: (name, value) => {
          if (value === null) this.shown.delete(name);
          else this.shown.set(name, value);
        },
        names: () => [...this.shown.keys()],
      },
      groupOf,
    );
  }

  publish(thread: number, name: string, isDeletion: boolean): void {
    const value = isDeletion ? null : message();
    const seq = ++this.#seq;
    this.reconciler.ahead(thread, seq, name, value);
    const queue = this.writes.get(thread)!;
    // The last one of a topic alone is written.
    const before = queue.findIndex((write) => write.name === name);
    if (before >= 0) queue.splice(before, 1);
    queue.push({ seq, name, message: value });
    assert.is(this.shown.get(name) ?? null, value, 'who publishes sees it');
  }

  settle(thread: number, isRefused: boolean): void {
    const write = this.writes.get(thread)!.shift();
    if (write === undefined) return;
    const revision = isRefused ? 0 : this.#world.commit(write.name, write.message);
    this.reconciler.settled(thread, write.seq, revision);
    if (!isRefused) this.seen.set(write.name, revision);
    this.#check(write.name);
  }

  watch(group: number): void {
    const log = this.#world.logs.get(group)!;
    const next = log[this.through.get(group)!];
    if (next === undefined) return;
    this.reconciler.watched(next.name, next.message);
    this.reconciler.reached(group, next.revision);
    this.through.set(group, next.revision);
    for (const name of TOPICS) this.#check(name);
  }

  /** All of it anew, some of it in several pages between which things happen. */
  readAgain(group: number): void {
    const revision = this.#world.logs.get(group)!.length;
    const names = new Set<string>();
    for (const name of TOPICS) {
      const value = groupOf(name) === group ? this.#world.at(name, revision) : null;
      if (value === null) continue;
      names.add(name);
      this.reconciler.watched(name, value);
    }
    this.reconciler.readWhole(group, revision, names);
    this.through.set(group, revision);
    for (const name of TOPICS) this.#check(name);
  }

  lose(thread: number): void {
    this.writes.set(thread, []);
    this.reconciler.lost(thread);
  }

  isAhead(name: string): boolean {
    return [...this.writes.values()].some((queue) => queue.some((write) => write.name === name));
  }

  /** What is shown is what the metadata has, or had since this node's own message; or what is published here and not there yet. */
  #check(name: string): void {
    if (this.isAhead(name)) return;
    const through = this.through.get(groupOf(name))!;
    const own = this.seen.get(name) ?? 0;
    const shown = this.shown.get(name) ?? null;
    if (through >= own) assert.is(shown, this.#world.at(name, through), `${name} at ${through}`);
  }
}

type Step =
  | {
      readonly what: 'publish';
      readonly node: number;
      readonly thread: number;
      readonly name: string;
      readonly isDeletion: boolean;
    }
  | { readonly what: 'settle'; readonly node: number; readonly thread: number; readonly isRefused: boolean }
  | { readonly what: 'watch'; readonly node: number; readonly group: number }
  | { readonly what: 'read'; readonly node: number; readonly group: number }
  | { readonly what: 'lose'; readonly node: number; readonly thread: number };

const node = fc.nat(2);
const thread = fc.constantFrom(...THREADS);
const group = fc.constantFrom(1, 2);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      what: fc.constant('publish' as const),
      node,
      thread,
      name: fc.constantFrom(...TOPICS),
      isDeletion: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ what: fc.constant('settle' as const), node, thread, isRefused: fc.nat(9).map((n) => n === 0) }),
  },
  { weight: 6, arbitrary: fc.record({ what: fc.constant('watch' as const), node, group }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('read' as const), node, group }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('lose' as const), node, thread }) },
);

function run(world: World, each: Step): void {
  const at = world.nodes[each.node % world.nodes.length]!;
  if (each.what === 'publish') at.publish(each.thread, each.name, each.isDeletion);
  else if (each.what === 'settle') at.settle(each.thread, each.isRefused);
  else if (each.what === 'watch') at.watch(each.group);
  else if (each.what === 'read') at.readAgain(each.group);
  else at.lose(each.thread);
}

test('own messages are seen at once, and in the end all have what the metadata has', () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 3 }), fc.array(step, { maxLength: 80 }), (nodes, steps) => {
      const world = new World(nodes);
      for (const each of steps) run(world, each);
      for (const at of world.nodes) for (const each of THREADS) while (at.writes.get(each)!.length > 0) at.settle(each, false);
      for (const at of world.nodes) {
        for (const each of [1, 2]) while (at.through.get(each)! < world.logs.get(each)!.length) at.watch(each);
        assert.is(at.reconciler.size, 0, 'nothing is ahead any more');
        for (const name of TOPICS) assert.is(at.shown.get(name) ?? null, world.at(name, 1e9), name);
      }
    }),
    { numRuns: 5000 },
  );
});

function single(): { readonly world: World; readonly at: Node } {
  const world = new World(1);
  return { world, at: world.nodes[0]! };
}

test('what another node has set before does not come back in the place of an own message', () => {
  const { world, at } = single();
  world.commit('a', message());
  at.publish(1, 'a', false);
  const own = at.shown.get('a');
  at.watch(1);
  assert.is(at.shown.get('a'), own, 'it is ahead');
  at.settle(1, false);
  assert.is(at.shown.get('a'), own, 'the watch has not come as far');
  at.watch(1);
  assert.is(at.shown.get('a'), own);
  assert.is(at.reconciler.size, 0);
  const theirs = message();
  world.commit('a', theirs);
  at.watch(1);
  assert.is(at.shown.get('a'), theirs);
});

test('what was refused gives way to what the metadata has', () => {
  const { world, at } = single();
  const theirs = message();
  world.commit('a', theirs);
  at.watch(1);
  at.publish(1, 'a', true);
  at.settle(1, true);
  assert.is(at.shown.get('a'), theirs);
});

test('reading all again takes away what is gone, and leaves alone what is ahead', () => {
  const { world, at } = single();
  for (const name of ['a', 'a/b', 'b']) world.commit(name, message());
  at.watch(1);
  at.watch(1);
  at.watch(2);
  at.publish(2, 'a/b', false);
  const own = at.shown.get('a/b');
  world.commit('a', null);
  world.commit('a/b', null);
  at.readAgain(1);
  assert.equal([...at.shown.keys()].sort(), ['a/b', 'b']);
  assert.is(at.shown.get('a/b'), own);
  at.lose(2);
  assert.equal([...at.shown.keys()], ['b'], 'nobody writes it any more');
});

test.run();
