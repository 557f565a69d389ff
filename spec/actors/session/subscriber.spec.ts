import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { RetainedAnswer, RetainedMatch, RetainedPacket } from '../../../src/actors/retained/messages.ts';
import type { Publisher } from '../../../src/actors/router/publisher.ts';
import { Router } from '../../../src/actors/router/router.ts';
import type { Delivery, Run } from '../../../src/actors/router/sink.ts';
import type { Refusals } from '../../../src/actors/session/exclusive.ts';
import type { SessionLimits } from '../../../src/actors/session/limits.ts';
import type { SessionMessage } from '../../../src/actors/session/messages.ts';
import type { SessionServices } from '../../../src/actors/session/services.ts';
import { Subscriber, type SubscribingSink } from '../../../src/actors/session/subscriber.ts';
import { SHARE_DEFAULTS } from '../../../src/actors/share/strategy.ts';
import { ShareTable } from '../../../src/actors/share/table.ts';
import type { ActorContext, AskContinuation } from '../../../src/runtime/actor.ts';
import { threadOf } from '../../../src/runtime/ref.ts';
import type { ActorSystem } from '../../../src/runtime/system.ts';
import { PacketType } from '../../../src/wire/mqtt/constants.ts';
import type { SubscribeEntry, SubscribePacket } from '../../../src/wire/mqtt/packets.ts';
import { Reason } from '../../../src/wire/mqtt/reason-codes.ts';
import { decode, payloads, publish } from './packets.ts';
import { limits, slots } from './services.ts';

const test = suite('subscriber');

const REACTORS = 3;
const SYSTEM = { node: 1, thread: 1, incarnation: 0, reactors: REACTORS, slots: slots() } as unknown as ActorSystem;

interface Asked {
  readonly thread: number;
  readonly request: RetainedMatch;
  readonly answer: AskContinuation<RetainedAnswer>;
}

/** A subscriber before retained stores that answer when the spec says so. */
class Subject {
  readonly router: Router = new Router({ thread: 1, reactors: REACTORS, incarnation: 0, slots: slots(), seed: 1 });
  readonly shares: ShareTable = new ShareTable(SYSTEM, this.router, {} as unknown as Publisher, SHARE_DEFAULTS);
  readonly delivered: { text: string; delivery: Delivery; run: Run }[] = [];
  readonly returned: string[] = [];
  /** Filters that are its own alone. */
  readonly exclusive = new Set<string>();
  readonly sink: SubscribingSink = {
    deliver: (run, delivery) => {
      const [text] = payloads(decode(run.dialect, run.buffer.subarray(run.start, run.end)));
      this.delivered.push({ text: text!, delivery, run: { ...run } });
    },
    deliveryFailed() {},
    returnShared: (key) => this.returned.push(key),
  };
  readonly subscriber: Subscriber;
  readonly asked: Asked[] = [];
  hasRoom = true;
  readonly #ctx = {
    ask: (target: number, request: RetainedMatch, _deadlineMs: number, answer: AskContinuation<RetainedAnswer>) =>
      this.asked.push({ thread: threadOf(target), request, answer }),
  } as unknown as ActorContext<SessionMessage>;

  constructor(bounds: Partial<SessionLimits> = {}) {
    const services = {
      router: this.router,
      shares: this.shares,
      limits: limits(bounds),
      access: { options: { checksDeliveries: false } },
      exclusive: {
        has: (_: unknown, filter: string) => this.exclusive.has(filter),
        release: (_: unknown, filter: string) => this.exclusive.delete(filter),
      },
      system: SYSTEM,
    } as unknown as SessionServices;
    this.subscriber = new Subscriber(services, this.sink);
  }

  subscribe(
    entries: readonly (Partial<SubscribeEntry> & { filter: string })[],
    subscriptionId?: number,
    refusals?: Refusals,
  ): number[] {
    const packet: SubscribePacket = {
      type: PacketType.SUBSCRIBE,
      packetId: 1,
      subscriptionId,
      userProperties: [],
      entries: entries.map((entry) => ({ qos: 0, noLocal: false, retainAsPublished: false, retainHandling: 0, ...entry })),
    };
    return this.subscriber.subscribe(packet, null, refusals);
  }

  feed(): void {
    this.subscriber.feed(this.#ctx, () => this.hasRoom);
  }

  /** Answers the one question that is open. */
  answer(texts: readonly string[], cursor?: string): void {
    assert.is(this.asked.length, 1, 'one question at a time');
    const packets = texts.map(
      (text): RetainedPacket => ({ dialect: 0, expiresAt: 7, packet: publish(0, text, { topic: 'a/b', qos: 1, retain: true }) }),
    );
    this.asked.shift()!.answer(cursor === undefined ? { packets } : { packets, cursor }, undefined);
  }

  texts(): string[] {
    return this.delivered.splice(0).map(({ text }) => text);
  }
}

test('grants what can be granted [MQTT-3.9.3-1]', () => {
  const subject = new Subject({ subscriptionsMax: 3 });
  const reasons = subject.subscribe([
    { filter: 'a', qos: 1 },
    { filter: 'a/#/b' },
    { filter: '$share/g/a' },
    { filter: '$share/g' },
    { filter: 'b', qos: 2 },
    { filter: 'c' },
    { filter: 'a', qos: 2 },
  ]);
  assert.equal(reasons, [1, Reason.TOPIC_FILTER_INVALID, 0, Reason.TOPIC_FILTER_INVALID, 2, Reason.QUOTA_EXCEEDED, 2]);
  assert.is(subject.subscriber.count, 3);
  assert.equal([subject.router.subscriptionCount(subject.sink), subject.shares.count(subject.sink)], [2, 1]);
});

test('what another client has is not gone on with, whatever was subscribed', () => {
  const subject = new Subject();
  for (const filter of ['job', 'other']) subject.exclusive.add(filter);
  const subscribe = (filter: string, refusal?: number): number[] =>
    subject.subscribe([{ filter }], undefined, refusal === undefined ? undefined : new Map([[filter, refusal]]));
  subscribe('$exclusive/job');
  subscribe('$exclusive/other');
  subscribe('plain');
  assert.equal(subscribe('$exclusive/job', Reason.QUOTA_EXCEEDED), [Reason.QUOTA_EXCEEDED]);
  assert.equal(subscribe('$exclusive/other', Reason.UNSPECIFIED_ERROR), [Reason.UNSPECIFIED_ERROR], 'nobody knows');
  assert.equal(subscribe('$exclusive/plain', Reason.QUOTA_EXCEEDED), [Reason.QUOTA_EXCEEDED], 'it has another one');
  assert.equal([...subject.exclusive], ['other']);
  assert.equal(
    [...subject.router.subscriptionsOf(subject.sink)].map(({ filter }) => filter),
    ['other', 'plain'],
  );
});

test('asks every reactor that may have something, chunk after chunk', () => {
  const subject = new Subject();
  subject.subscribe([{ filter: 'a/+', qos: 1 }], 9);
  subject.feed();
  assert.is(subject.asked[0]!.request.cursor, undefined);
  subject.answer(['1', '2'], 'here');
  assert.equal([subject.asked[0]!.thread, subject.asked[0]!.request.cursor], [1, 'here']);
  subject.answer(['3']);
  assert.equal([subject.asked[0]!.thread, subject.asked[0]!.request.cursor], [2, undefined]);
  subject.answer([]);
  assert.is(subject.asked[0]!.thread, 3);
  subject.answer(['4']);
  assert.is(subject.asked.length, 0);
  const { run, delivery } = subject.delivered[0]!;
  assert.equal([run.topic.name, run.qos, run.retain, run.expiresAt], ['a/b', 1, true, 7]);
  assert.equal([delivery.qos, delivery.retainAsPublished, delivery.subscriptionIds], [1, true, [9]]);
  assert.equal(subject.texts(), ['1', '2', '3', '4']);
});

test('a plain name lives on one reactor', () => {
  const subject = new Subject();
  subject.subscribe([{ filter: 'a/b' }]);
  subject.feed();
  subject.answer(['1']);
  assert.is(subject.asked.length, 0);
});

test('asks for more only when the client has room', () => {
  const subject = new Subject();
  subject.subscribe([{ filter: 'a/+' }]);
  subject.hasRoom = false;
  subject.feed();
  assert.is(subject.asked.length, 0);
  subject.hasRoom = true;
  subject.feed();
  subject.hasRoom = false;
  subject.answer(['1'], 'more');
  assert.is(subject.asked.length, 0);
  assert.equal(subject.texts(), ['1'], 'what has been asked for is delivered');
  subject.hasRoom = true;
  subject.feed();
  subject.feed();
  assert.is(subject.asked.length, 1);
});

test('a reactor that does not answer is passed over', () => {
  const subject = new Subject();
  subject.subscribe([{ filter: 'a/+' }]);
  subject.feed();
  subject.asked.shift()!.answer(undefined, 'timeout');
  assert.is(subject.asked[0]!.thread, 2);
});

test('retain handling: each time, once, or not at all [MQTT-3.3.1-9] [MQTT-3.3.1-10] [MQTT-3.3.1-11]', () => {
  const asks = (retainHandling: 0 | 1 | 2, known: boolean): boolean => {
    const subject = new Subject();
    if (known) subject.subscribe([{ filter: 'a', retainHandling: 2 }]);
    subject.subscribe([{ filter: 'a', retainHandling }]);
    subject.feed();
    return subject.asked.length > 0;
  };
  assert.equal([asks(0, false), asks(0, true)], [true, true]);
  assert.equal([asks(1, false), asks(1, true)], [true, false]);
  assert.equal([asks(2, false), asks(2, true)], [false, false]);
});

test('what is unsubscribed is fed no further [MQTT-3.10.4-2]', () => {
  const subject = new Subject();
  subject.subscribe([{ filter: 'a/+' }, { filter: 'b' }]);
  subject.feed();
  assert.equal(subject.subscriber.unsubscribe(['a/+', 'c']), [Reason.SUCCESS, Reason.NO_SUBSCRIPTION_EXISTED]);
  subject.answer(['late']);
  assert.equal(subject.texts(), []);
  assert.is(subject.asked[0]!.request.filter, 'b');
});

test('a filter subscribed again is looked up from the start, and once', () => {
  const subject = new Subject();
  subject.subscribe([{ filter: 'a/b' }]);
  subject.feed();
  for (let i = 0; i < 10; i++) subject.subscribe([{ filter: 'a/b', qos: 1 }]);
  subject.answer(['superseded']);
  assert.equal(subject.texts(), []);
  subject.answer(['now']);
  assert.is(subject.delivered[0]!.delivery.qos, 1);
  assert.is(subject.asked.length, 0);
});

test('nothing is fed to a client that is gone', () => {
  const subject = new Subject();
  subject.subscribe([{ filter: 'a/+' }, { filter: 'b' }]);
  subject.feed();
  subject.subscriber.stop();
  subject.answer(['late'], 'more');
  assert.equal(subject.texts(), []);
  assert.is(subject.asked.length, 0);
});

test.run();
