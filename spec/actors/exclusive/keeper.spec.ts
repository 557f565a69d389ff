// Keepers of several nodes over one group of the metadata that answers when the spec says so.
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ExclusiveKeeper } from '../../../src/actors/exclusive/keeper.ts';
import {
  EXCLUSIVE_PREFIX,
  KEEPER_PREFIX,
  type KeeperAnswer,
  type KeeperMessage,
} from '../../../src/actors/exclusive/keeper-messages.ts';
import type { ExclusiveMessage } from '../../../src/actors/exclusive/messages.ts';
import type { MetaClient } from '../../../src/actors/meta/client/client.ts';
import { failed } from '../../../src/actors/meta/client/outcome.ts';
import type { WatchListener } from '../../../src/actors/meta/client/watch.ts';
import type { MetaCommand } from '../../../src/actors/meta/command.ts';
import type { MetaRecord } from '../../../src/actors/meta/state/record.ts';
import type { ActorContext } from '../../../src/runtime/actor.ts';
import type { ActorSystem } from '../../../src/runtime/system.ts';

const test = suite('keeper of exclusive subscriptions');

/** What the group holds. Calls and what watches see are under way until `step`. */
class Group {
  readonly records = new Map<string, MetaRecord>();
  revision = 0;
  isSilent = false;
  underWay: (() => void)[] = [];
  readonly #listeners: WatchListener[] = [];

  put(key: string, value: object): void {
    this.#change(key, Buffer.from(JSON.stringify(value)));
  }

  delete(key: string): void {
    this.#change(key, undefined);
  }

  /** Lets one of what is under way happen. */
  step(pick: number): boolean {
    const [next] = this.underWay.splice(pick % Math.max(1, this.underWay.length), 1);
    next?.();
    return next !== undefined;
  }

  settle(): void {
    while (this.step(0));
  }

  get client(): MetaClient {
    return {
      get: (_group: number, keys: readonly string[], _isStale: boolean, then: (outcome: unknown) => void) =>
        this.underWay.push(() =>
          then(
            this.isSilent
              ? failed('unavailable')
              : { isOk: true, value: { revision: this.revision, records: keys.map((key) => this.records.get(key)) } },
          ),
        ),
      command: (_group: number, command: MetaCommand, then: (outcome: unknown) => void) =>
        this.underWay.push(() => {
          if (this.isSilent) return then(failed('unavailable'));
          assert.is(command.type, 'claim');
          const { key, expected, value } = (command as Extract<MetaCommand, { type: 'claim' }>).claims[0]!;
          const isDone = (this.records.get(key)?.modified ?? 0) === expected;
          if (isDone) this.#change(key, value);
          const modified = this.records.get(key)?.modified ?? 0;
          then({
            isOk: true,
            value: { type: 'claimed', revision: this.revision, results: [{ isDone, modified, before: undefined }] },
          });
        }),
      watch: (_request: unknown, listener: WatchListener) => {
        this.#listeners.push(listener);
        return { stop: () => {} };
      },
    } as unknown as MetaClient;
  }

  #change(key: string, value: Uint8Array | undefined): void {
    const modified = ++this.revision;
    if (value === undefined) this.records.delete(key);
    else this.records.set(key, { key, value, valueBytes: value.length, created: modified, modified, version: 1, lease: 0 });
    const record = this.records.get(key);
    if (!key.startsWith(EXCLUSIVE_PREFIX)) return;
    for (const listener of this.#listeners)
      this.underWay.push(() => listener.changed([{ revision: modified, changes: [{ key, record }] }], modified));
  }
}

class Node {
  readonly keeper: ExclusiveKeeper;
  readonly lost: string[] = [];
  readonly #timers: number[] = [];
  readonly #ctx: ActorContext<KeeperMessage>;
  #then: ((answer: KeeperAnswer) => void) | undefined;

  constructor(group: Group, id: number, replica = '1') {
    group.put(`${KEEPER_PREFIX}${id}`, { node: id, replica });
    this.keeper = new ExclusiveKeeper({ node: id, reactors: 2 } as ActorSystem, group.client);
    this.#ctx = {
      replyTo: () => this.#then,
      respond: (to: (answer: KeeperAnswer) => void, answer: KeeperAnswer) => to(answer),
      io: (_event: number, work: () => void) => work(),
      startTimer: (_ms: number, key: number) => this.#timers.push(key),
      tell: (_to: unknown, message: ExclusiveMessage) => this.lost.push((message as { filter: string }).filter),
    } as unknown as ActorContext<KeeperMessage>;
    this.keeper.started(this.#ctx);
  }

  ask(filter: string, clientId: string): { answer: KeeperAnswer | undefined } {
    const asked: { answer: KeeperAnswer | undefined } = { answer: undefined };
    this.#then = (answer) => {
      asked.answer = answer;
    };
    this.keeper.receive({ type: 'keep', filter, clientId }, this.#ctx);
    this.#then = undefined;
    return asked;
  }

  tell(message: KeeperMessage): void {
    this.keeper.receive(message, this.#ctx);
  }

  retry(): void {
    for (const key of this.#timers.splice(0)) this.keeper.onTimer(key);
  }
}

function answers(group: Group, node: Node, filter: string, clientId: string): KeeperAnswer | undefined {
  const asked = node.ask(filter, clientId);
  group.settle();
  return asked.answer;
}

test('one node has it, until it gives it back or is not registered as what it was', () => {
  const group = new Group();
  const [one, two] = [new Node(group, 1), new Node(group, 2)];
  assert.is(answers(group, one, 'f', 'a'), 'granted');
  assert.is(answers(group, two, 'f', 'b'), 'taken');
  one.tell({ type: 'drop', filter: 'f' });
  assert.is(answers(group, two, 'f', 'b'), 'granted');
  assert.is(answers(group, one, 'f', 'a'), 'taken');
  group.put(`${KEEPER_PREFIX}2`, { node: 2, replica: 'another life' });
  assert.is(answers(group, one, 'f', 'a'), 'granted');
  assert.equal(two.lost, ['f'], 'who comes back late is told');
  group.delete(`${KEEPER_PREFIX}1`);
  assert.is(answers(group, two, 'f', 'b'), 'granted');
});

test('a client that has gone to another node takes it along, and what its former node gives back is not its any more', () => {
  const group = new Group();
  const [one, two] = [new Node(group, 1), new Node(group, 2)];
  assert.is(answers(group, one, 'f', 'a'), 'granted');
  assert.is(answers(group, two, 'f', 'a'), 'granted');
  one.tell({ type: 'drop', filter: 'f' });
  group.settle();
  assert.is(answers(group, one, 'f', 'b'), 'taken');
});

test('a session that has it already is asked about until the metadata answers; an ask is answered that nobody knows', () => {
  const group = new Group();
  const [one, two] = [new Node(group, 1), new Node(group, 2)];
  group.isSilent = true;
  one.tell({ type: 'keep', filter: 'f', clientId: 'a' });
  one.tell({ type: 'keep', filter: 'g', clientId: 'a' });
  assert.is(answers(group, two, 'f', 'b'), 'unknown');
  group.isSilent = false;
  assert.is(answers(group, two, 'f', 'b'), 'granted');
  one.retry();
  group.settle();
  assert.equal(one.lost, ['f']);
  assert.is(answers(group, two, 'g', 'b'), 'taken');
});

test('whatever is asked, given back and overtaken: never have two nodes that live what they were granted', () => {
  const act = fc.record({ node: fc.nat(2), what: fc.constantFrom('ask', 'drop', 'step', 'step', 'step'), pick: fc.nat(5) });
  fc.assert(
    fc.property(fc.array(act, { maxLength: 60 }), (acts) => {
      const group = new Group();
      const nodes = [1, 2, 3].map((id) => new Node(group, id));
      const asked: { node: number; answer: KeeperAnswer | undefined }[] = [];
      const wanting = new Set<number>();
      for (const { node, what, pick } of acts) {
        if (what === 'step') group.step(pick);
        else if (what === 'ask' && !wanting.has(node)) {
          wanting.add(node);
          asked.push(Object.assign(nodes[node]!.ask('f', `c${node}`), { node }));
        } else if (what === 'drop' && asked.some((each) => each.node === node && each.answer !== undefined)) {
          nodes[node]!.tell({ type: 'drop', filter: 'f' });
          for (let i = asked.length - 1; i >= 0; i--) if (asked[i]!.node === node) asked.splice(i, 1);
          wanting.delete(node);
        }
        assert.ok(asked.filter(({ answer }) => answer === 'granted').length <= 1);
      }
      group.settle();
      assert.ok(asked.every(({ answer }) => answer !== undefined));
      assert.equal(
        nodes.map(({ lost }) => lost),
        [[], [], []],
      );
    }),
    { numRuns: 300 },
  );
});

test.run();
