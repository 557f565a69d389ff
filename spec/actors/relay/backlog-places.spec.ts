// What goes to a node that comes and goes, over a log that orders what reactors write, answers late and loses: in the order of giving, fences between what was given before and after, once, and nothing goes from the disk too early.
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { emptyInboxState } from '../../../src/actors/inbox/machine.ts';
import { Backlog } from '../../../src/actors/relay/backlog.ts';
import { BacklogPlaces, Place } from '../../../src/actors/relay/backlog-places.ts';
import { forEachRun, readBatchHeader } from '../../../src/actors/relay/batch-codec.ts';
import { Outgoing } from '../../../src/actors/relay/outgoing.ts';
import { PressureGauge } from '../../../src/actors/router/pressure.ts';
import { decodeRun, emptyRun } from '../../../src/actors/router/run-codec.ts';
import type { Run } from '../../../src/actors/router/sink.ts';
import { TopicTable } from '../../../src/actors/router/topic-table.ts';
import { decode, outgoing as messages, payloads } from '../session/packets.ts';
import { FakeLog, SHARD } from './fake-log.ts';

const test = suite('places of a backlog');
const REACTORS = 3;
const KEY = Buffer.from('group/t');
const NO_KEY = new Uint8Array(0);

class Scenario {
  readonly log = new FakeLog(REACTORS);
  readonly backlog: Backlog;
  readonly #topics = new TopicTable(1, 1);
  readonly #lent = emptyRun(this.#topics.internName('-')!);
  readonly #outgoing: Outgoing;
  #later: (() => void)[] = [];
  /** In the order of giving, fences among them. */
  readonly #given: string[] = [];
  readonly #reactorOf = new Map<string, number>();
  /** Given to the queue in memory, which loses nothing. */
  readonly #live = new Set<string>();
  /** On their way to the other node. */
  #wire: Uint8Array[] = [];
  /** What the other node has taken, by batch. */
  readonly #taken: string[][] = [];
  #acknowledged = 0;
  /** On the disk, and nobody was told: they may come, whenever, also twice. */
  readonly #stray = new Set<string>();
  /** Not on the disk. */
  readonly #gone = new Set<string>();

  /** `left`: so many messages are there from a former life, of which the other node has all but the last `waiting`. */
  constructor(left: number, waiting: number) {
    const { inboxes } = this.log;
    const topics = this.#topics;
    const later = (then: () => void): void => void this.#later.push(then);
    const former = new Backlog({ inboxes, topics, later, onWritten: () => {} }, emptyInboxState(SHARD));
    for (let i = 0; i < left; i++) former.add(this.#runOf([`left ${i}`]), NO_KEY);
    this.log.endTurn();
    while (this.log.write(0)) this.log.answer(0);
    this.log.start = left - waiting;
    for (let i = left - waiting; i < left; i++) this.#given.push(`left ${i}`);
    this.#outgoing = new Outgoing({
      thread: 1,
      life: 1,
      slots: new Float64Array(64),
      gauge: new PressureGauge(),
      isOwn: () => true,
      send: (bytes) => this.#wire.push(bytes.slice()) > 0,
      whenWritable: () => {},
      decode: (bytes, start, end) => this.#decode(bytes, start, end),
    });
    const onWritten = (): void => later(() => this.#outgoing.goOn());
    const state = { ...emptyInboxState(SHARD), ackedTo: left - waiting, end: left };
    this.backlog = new Backlog({ inboxes, topics, later, onWritten }, state);
    this.#outgoing.attach(this.backlog);
    this.log.onTrimmed = (texts) => {
      const there = new Set(this.#taken.slice(0, this.#acknowledged).flat());
      for (const text of texts) assert.ok(there.has(text), `${text} goes from the disk and was not acknowledged`);
    };
  }

  /** What a step has led to. */
  settle(): void {
    const later = this.#later;
    this.#later = [];
    for (const then of later) then();
    this.#outgoing.endTurn();
    this.log.endTurn();
  }

  give(reactor: number, count: number, isShared: boolean): void {
    const texts = Array.from({ length: count }, (_, i) => `${this.#given.length + i}`);
    this.#given.push(...texts);
    for (const text of texts) this.#reactorOf.set(text, reactor);
    if (this.#outgoing.isUp && this.backlog.isRead) for (const text of texts) this.#live.add(text);
    const { fanOuts } = this.log;
    const run = this.#runOf(texts);
    fanOuts.begin();
    fanOuts.origin = reactor;
    this.#outgoing.pass(run, isShared ? KEY : NO_KEY);
    fanOuts.end(run);
    fanOuts.origin = 0;
  }

  fence(): void {
    const name = `fence ${this.#given.length}`;
    this.#given.push(name);
    this.#outgoing.fence(Buffer.from(name));
  }

  fail(reactor: number, written: number): void {
    const { there, gone } = this.log.fail(reactor, written);
    for (const text of there) this.#stray.add(text);
    for (const text of gone) this.#gone.add(text);
  }

  damage(choice: number): void {
    for (const text of this.log.damage(choice)) this.#gone.add(text);
  }

  link(isUp: boolean): void {
    if (isUp) return this.#outgoing.up();
    this.#wire = [];
    this.#outgoing.down();
  }

  tick(): void {
    this.#outgoing.tick();
  }

  /** As arrivals.ts does. */
  receive(): void {
    const bytes = this.#wire.shift();
    if (bytes === undefined) return;
    const { seq } = readBatchHeader(bytes, 0, bytes.length)!;
    if (seq !== this.#taken.length + 1) return;
    const batch: string[] = [];
    const visit = (start: number, end: number): void => {
      const run = this.#decode(bytes, start, end);
      batch.push(...payloads(decode(run.dialect, run.buffer.subarray(run.start, run.end))));
    };
    forEachRun(bytes, 0, bytes.length, visit, (name) => batch.push(name));
    this.#taken.push(batch);
  }

  acknowledge(): void {
    if (!this.#outgoing.isUp) return;
    this.#acknowledged = this.#taken.length;
    this.#outgoing.acknowledged(this.#acknowledged);
  }

  /** Everything has time, though some reactors are `slow`; the link is there. */
  end(slow: number): void {
    this.settle();
    this.link(true);
    const isDone = (): boolean => this.backlog.isRead && this.#outgoing.bytes === 0 && this.backlog.messages === 0;
    for (let round = 0; round < 200 && !isDone(); round++) {
      for (let reactor = 0; reactor < REACTORS; reactor++) this.log.write(reactor);
      // Each hears of what is there, one long after the other.
      for (let reactor = 0; reactor < REACTORS; reactor++) {
        if ((round >> 2) % REACTORS === (reactor + slow) % REACTORS) this.log.answer(reactor);
      }
      this.log.read(3);
      this.settle();
      while (this.#wire.length > 0) this.receive();
      this.acknowledge();
      this.settle();
    }
    assert.ok(isDone(), 'all of it is read, and nothing is kept any more');
    this.#judge();
  }

  #judge(): void {
    const stream = this.#taken.flat();
    const counts = new Map<string, number>();
    for (const text of stream) counts.set(text, (counts.get(text) ?? 0) + 1);
    for (const text of this.#given) {
      const count = counts.get(text) ?? 0;
      const mayMiss = !this.#live.has(text) && (this.#gone.has(text) || this.#stray.has(text));
      assert.ok(count > 0 || mayMiss, `${text} is missing`);
      assert.ok(count < 2 || this.#stray.has(text), `${text} comes ${count} times`);
    }
    // Between fences, in whatever order; what one reactor has published, in its own.
    const isSure = (text: string): boolean => counts.has(text) && !this.#stray.has(text);
    const [given, taken] = [this.#given, stream].map((list) => list.filter(isSure)) as [string[], string[]];
    assert.equal(parted(taken), parted(given), 'fences');
    for (let reactor = 0; reactor < REACTORS; reactor++) {
      const of = (text: string): boolean => this.#reactorOf.get(text) === reactor;
      assert.equal(taken.filter(of), given.filter(of), `reactor ${reactor}`);
    }
  }

  #runOf(texts: readonly string[]): Run {
    const { subscriptionIds: _, ...packets } = messages(texts, { qos: 1, topic: 't' });
    return { topic: this.#topics.internName('t')!, publisher: null, ...packets } as unknown as Run;
  }

  #decode(bytes: Uint8Array, start: number, end: number): Run {
    decodeRun(bytes, start, end, this.#topics, this.#lent);
    return this.#lent;
  }
}

function parted(texts: readonly string[]): string[][] {
  const parts: string[][] = [[]];
  for (const text of texts) {
    if (text.startsWith('fence')) parts.push([text]);
    else parts.at(-1)!.push(text);
  }
  return parts.map((part) => part.sort());
}

const STEPS = {
  give: (scenario: Scenario, reactor: number, n: number) => scenario.give(reactor, 1 + (n >> 3), n % 2 === 1),
  write: ({ log }: Scenario, reactor: number) => log.write(reactor),
  answer: ({ log }: Scenario, reactor: number) => log.answer(reactor),
  fence: (scenario: Scenario) => scenario.fence(),
  receive: (scenario: Scenario) => scenario.receive(),
  acknowledge: (scenario: Scenario) => scenario.acknowledge(),
  up: (scenario: Scenario) => scenario.link(true),
  down: (scenario: Scenario) => scenario.link(false),
  tick: (scenario: Scenario) => scenario.tick(),
  read: ({ log }: Scenario, _: number, n: number) => log.read(1 + (n >> 2)),
  fail: (scenario: Scenario, reactor: number, n: number) => scenario.fail(reactor, n),
  damage: (scenario: Scenario, _: number, n: number) => scenario.damage(n),
  failRead: ({ log }: Scenario) => log.failRead(),
};
type Step = keyof typeof STEPS;
const OFTEN: Partial<Record<Step, number>> = { give: 6, write: 5, answer: 3, fence: 2, receive: 2, up: 2, read: 3 };

const one = (max: number): fc.Arbitrary<number> => fc.integer({ min: 0, max });
const names = (Object.keys(STEPS) as Step[]).map((name) => ({ weight: OFTEN[name] ?? 1, arbitrary: fc.constant(name) }));
const step = fc.record({ name: fc.oneof(...names), reactor: one(REACTORS - 1), n: one(9), isTurn: fc.boolean() });

test('whatever the log makes of it', () => {
  const left = fc.record({ left: one(4), waiting: one(3), slow: one(2) });
  fc.assert(
    fc.property(left, fc.array(step, { maxLength: 60 }), ({ left, waiting, slow }, steps) => {
      const scenario = new Scenario(left, Math.min(left, waiting));
      for (const { name, reactor, n, isTurn } of steps) {
        STEPS[name](scenario, reactor, n);
        if (isTurn) scenario.settle();
      }
      scenario.end(slow);
    }),
    { numRuns: 1000 },
  );
});

test('a hole on disk is as long as what was there when it was read', () => {
  const scenario = new Scenario(0, 0);
  const { log } = scenario;
  scenario.give(1, 1, false);
  log.endTurn();
  log.write(1);
  log.answer(1);
  scenario.damage(0);
  scenario.link(true);
  log.read(1);
  // Before the relay looks at it.
  scenario.give(1, 1, false);
  log.endTurn();
  log.write(1);
  log.answer(1);
  scenario.end(0);
});

const NAME = Buffer.from('fence');

test('within a stretch it goes by offset, and waits for what may lie in front', () => {
  const places = new BacklogPlaces(0, 0);
  const { current } = places;
  places.given(current, 3);
  places.arrived(current, 1, 2);
  assert.is(places.next(), undefined);
  places.arrived(current, 0, 1);
  assert.equal(places.next(), { from: 0, to: 3 });
});

test('what nobody was told of is handed on, though more and more is given', () => {
  const places = new BacklogPlaces(0, 0);
  places.given(places.current, 2);
  places.lost(places.current, 1);
  // The other one lies behind what is lost, which is there all the same.
  places.arrived(places.current, 1, 1);
  let end = 2;
  places.given(places.current, 1);
  let before = places.current;
  for (let i = 0; i < 3 && places.next() === undefined; i++) {
    const now = places.current;
    places.given(now, 1);
    places.arrived(before, end++, 1);
    before = now;
  }
  assert.equal(places.next(), { from: 0, to: 3 });
});

test('what is kept is not taken for what nobody was told of, and goes when it is acknowledged, be that before anybody knows where it lies', () => {
  const places = new BacklogPlaces(0, 0);
  const [kept, overtaking] = [new Place(), new Place()];
  places.given(kept, 1);
  places.given(places.current, 1);
  places.arrived(places.current, 1, 1);
  assert.equal(places.next(), { from: 1, to: 2 });
  places.handedOn(1, 2);
  overtaking.ranges.add(1, 2);
  assert.equal([places.next(), places.isRead], [undefined, true]);
  places.acknowledged(kept);
  places.acknowledged(overtaking);
  assert.is(places.ackedTo, 0);
  places.arrived(kept, 0, 1);
  assert.equal([places.next(), places.isRead, places.ackedTo], [undefined, true, 2]);
});

test('what overtakes a fence is behind it', () => {
  const places = new BacklogPlaces(0, 0);
  const before = places.current;
  places.given(before, 1);
  places.fence(NAME);
  const behind = places.current;
  places.given(behind, 2);
  places.arrived(behind, 1, 1);
  assert.is(places.next(), undefined);
  places.lost(before, 1);
  assert.equal(places.next(), NAME);
  assert.is(places.next(), undefined);
  places.arrived(behind, 0, 1);
  assert.equal(places.next(), { from: 0, to: 2 });
});

test('what the disk has lost is of no stretch', () => {
  const places = new BacklogPlaces(0, 0);
  const first = places.current;
  places.given(first, 2);
  places.fence(NAME);
  const second = places.current;
  places.given(second, 1);
  places.arrived(first, 0, 1);
  places.arrived(second, 1, 1);
  places.arrived(first, 2, 1);
  assert.equal(places.next(), { from: 0, to: 1 });
  places.handedOn(0, 1);
  places.missing(1, 2);
  places.handedOn(2, 3);
  assert.equal(places.next(), NAME);
  assert.equal([places.next(), places.isRead], [undefined, true]);
});

test('the same fence with nothing in between is one, and with something two', () => {
  const places = new BacklogPlaces(0, 0);
  for (let i = 0; i < 2; i++) {
    places.fence(NAME);
    places.fence(Buffer.from('other'));
    places.fence(NAME);
    places.given(places.current, 1);
    places.lost(places.current, 1);
  }
  const names: string[] = [];
  for (let name = places.next(); name instanceof Uint8Array; name = places.next()) names.push(Buffer.from(name).toString());
  assert.equal(names, ['fence', 'other', 'fence', 'other']);
});

test.run();
