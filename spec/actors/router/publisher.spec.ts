import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RETAINED_STORE_HEADER_BYTES } from '../../../src/actors/retained/messages.ts';
import { PressureGauge, type PressureSource } from '../../../src/actors/router/pressure.ts';
import { Publisher } from '../../../src/actors/router/publisher.ts';
import type { Router } from '../../../src/actors/router/router.ts';
import { decodeRun, emptyRun } from '../../../src/actors/router/run-codec.ts';
import type { Run } from '../../../src/actors/router/sink.ts';
import { TopicTable } from '../../../src/actors/router/topic-table.ts';
import { WELL_KNOWN } from '../../../src/actors/well-known.ts';
import { placeKey } from '../../../src/runtime/placement.ts';
import { slotOf, threadOf } from '../../../src/runtime/ref.ts';
import type { ActorSystem, ThreadListener } from '../../../src/runtime/system.ts';
import { decode, outgoing, payloads } from '../session/packets.ts';

const test = suite('publisher');

const REACTORS = 4;
const THREAD = 1;

/** A publisher on thread 1, between rings that are full when the spec says so. */
class Subject {
  readonly topics: TopicTable = new TopicTable(100, 1);
  readonly gauge: PressureGauge = new PressureGauge();
  readonly publisher: Publisher;
  /** What each thread has got, as `router text …` or `retained text`. */
  readonly got: Map<number, string[]> = new Map();
  /** Records that the ring to a thread still takes. */
  readonly room: Map<number, number> = new Map();
  readonly waiters: { thread: number; then: () => void }[] = [];
  interest = 0;
  delivered = 0;
  #tellThreads: ThreadListener = () => {};

  constructor() {
    const system = {
      node: 1,
      thread: THREAD,
      reactors: REACTORS,
      onThreadChange: (listener: ThreadListener) => {
        this.#tellThreads = listener;
      },
      tellBytes: (target: number, kind: number, bytes: Uint8Array, start: number, end: number) =>
        this.#take(target, kind, bytes, start, end),
      whenWritable: (thread: number, then: () => void) => this.waiters.push({ thread, then }),
    } as unknown as ActorSystem;
    const router = {
      deliverLocal: (run: Run) => {
        run.topic.interest = this.interest;
        return this.delivered;
      },
    } as unknown as Router;
    this.publisher = new Publisher(system, router, this.gauge);
  }

  publish(texts: readonly string[], options: { topic?: string; retain?: boolean; expiresAt?: number } = {}): number {
    const topic = options.topic ?? 't';
    const { subscriptionIds: _, ...packets } = outgoing(texts, { qos: 0, ...options });
    return this.publisher.publish({ topic: this.topics.internName(topic)!, publisher: null, ...packets });
  }

  die(thread: number): void {
    this.#tellThreads(thread, 'down');
  }

  /** The ring to `thread` has room for `records`: calls those who wait for that. */
  makeRoom(thread: number, records: number): void {
    this.room.set(thread, records);
    const mine = this.waiters.filter((waiter) => waiter.thread === thread);
    for (const waiter of mine) this.waiters.splice(this.waiters.indexOf(waiter), 1);
    for (const { then } of mine) then();
  }

  of(thread: number): string[] {
    return this.got.get(thread) ?? [];
  }

  #take(target: number, kind: number, bytes: Uint8Array, start: number, end: number): boolean {
    const thread = threadOf(target);
    const room = this.room.get(thread) ?? Number.POSITIVE_INFINITY;
    if (room === 0) return false;
    this.room.set(thread, room - 1);
    assert.is(kind, 1);
    const texts = this.of(thread);
    if (slotOf(target) === WELL_KNOWN.router) {
      const run = emptyRun(this.topics.internName('-')!);
      assert.is(decodeRun(bytes, start, end, this.topics, run), THREAD);
      texts.push(`router ${payloads(decode(run.dialect, bytes.slice(run.start, run.end))).join(' ')}`);
    } else {
      assert.is(slotOf(target), WELL_KNOWN.retained);
      const packet = bytes.slice(start + RETAINED_STORE_HEADER_BYTES, end);
      const expiresAt = new DataView(bytes.buffer, bytes.byteOffset + start).getFloat64(0, true);
      texts.push(`retained ${payloads(decode(bytes[start + 8] as 0 | 1, packet))} until ${expiresAt}`);
    }
    this.got.set(thread, texts);
    return true;
  }
}

test('counts local sessions and reactors with interest, and sends one record to each', () => {
  const subject = new Subject();
  assert.is(subject.publish(['a']), 0);
  subject.delivered = 3;
  assert.is(subject.publish(['b']), 3);
  subject.interest = 0b1010;
  assert.is(subject.publish(['c', 'd']), 5);
  assert.equal(
    [...subject.got],
    [
      [2, ['router c d']],
      [4, ['router c d']],
    ],
  );
  assert.is(subject.gauge.take(), null);
});

test('the last message of a retained run is kept where its topic lives', () => {
  const subject = new Subject();
  for (const topic of ['a', 'b', 'c/d', 'ü']) {
    subject.publish(['old', 'last'], { topic, retain: true, expiresAt: 77 });
    const home = placeKey(topic, REACTORS);
    assert.is(subject.of(home).pop(), 'retained last until 77');
  }
  subject.publish(['no'], { retain: false });
  assert.is([...subject.got.values()].flat().length, 0);
});

test('what a full ring refuses waits in order, and its publisher meets pressure until it is gone', () => {
  const subject = new Subject();
  subject.interest = 0b0110;
  subject.room.set(2, 1);
  subject.publish(['1']);
  assert.is(subject.gauge.take(), null);
  subject.publish(['2']);
  const source = subject.gauge.take()!;
  let relieved = 0;
  source.wait({ relieved: () => relieved++ });
  subject.publish(['3']);
  assert.is(subject.gauge.take(), source);
  subject.room.set(2, 100);
  subject.publish(['4']);
  assert.equal(subject.of(2), ['router 1'], 'nothing overtakes what waits');
  subject.makeRoom(2, 2);
  assert.equal(subject.of(2), ['router 1', 'router 2', 'router 3']);
  assert.is(relieved, 0);
  subject.makeRoom(2, 100);
  assert.equal(subject.of(2), ['router 1', 'router 2', 'router 3', 'router 4']);
  assert.is(relieved, 1);
  assert.equal(subject.of(3), subject.of(2), 'another reactor waits for nothing');
  subject.publish(['5']);
  assert.is(subject.of(2).at(-1), 'router 5');
  assert.is(subject.gauge.take(), null);
});

test('a record that waits is a copy', () => {
  const subject = new Subject();
  subject.interest = 0b10;
  subject.room.set(2, 0);
  subject.publish(['first']);
  subject.interest = 0;
  subject.publish(['again'], { retain: true });
  subject.makeRoom(2, 10);
  assert.equal(
    subject.of(2).filter((record) => record.startsWith('router')),
    ['router first'],
  );
});

test('a reactor that dies takes with it what waited for it, and holds nobody', () => {
  const subject = new Subject();
  subject.interest = 0b10;
  subject.room.set(2, 0);
  subject.publish(['lost']);
  const source = subject.gauge.take()!;
  let relieved = 0;
  source.wait({ relieved: () => relieved++ });
  subject.die(2);
  assert.is(relieved, 1);
  subject.makeRoom(2, 100);
  assert.equal(subject.of(2), [], 'its successor gets nothing of that');
  subject.publish(['new']);
  assert.equal(subject.of(2), ['router new']);
});

const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ op: fc.constant('publish' as const), n: fc.nat({ max: 15 }) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('limit' as const), n: fc.nat({ max: 3 }) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('room' as const), n: fc.nat({ max: 4 }) }) },
);

test('every reactor gets every run it wants, in order, however full the rings are meanwhile', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(step, fc.integer({ min: 2, max: REACTORS })), { maxLength: 60 }), (steps) => {
      const subject = new Subject();
      const expected = new Map<number, string[]>();
      const pressing = new Set<PressureSource>();
      steps.forEach(([{ op, n }, thread], i) => {
        if (op === 'limit') subject.room.set(thread, n);
        if (op === 'room') subject.makeRoom(thread, n);
        if (op !== 'publish') return;
        subject.interest = n & 0b1110;
        for (let to = 2; to <= REACTORS; to++) {
          if ((subject.interest & (1 << (to - 1))) !== 0) expected.set(to, [...(expected.get(to) ?? []), `router ${i}`]);
        }
        subject.publish([`${i}`]);
        const met = subject.gauge.take();
        if (met !== null) pressing.add(met);
      });
      for (let thread = 2; thread <= REACTORS; thread++) {
        subject.makeRoom(thread, Number.POSITIVE_INFINITY);
        assert.equal(subject.of(thread), expected.get(thread) ?? []);
      }
      for (const source of pressing) assert.not.ok(source.pressing);
      assert.is(subject.waiters.length, 0);
    }),
  );
});

test.run();
