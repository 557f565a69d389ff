import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { PressureSource } from '../../../src/actors/router/pressure.ts';
import type { Delivery, Run } from '../../../src/actors/router/sink.ts';
import type { SessionLimits } from '../../../src/actors/session/limits.ts';
import { SessionMachine } from '../../../src/actors/session/machine.ts';
import { Outbound } from '../../../src/actors/session/outbound.ts';
import { SESSION_PROBE } from '../../../src/actors/session/probe.ts';
import { PublishWriter } from '../../../src/actors/session/publish-writer.ts';
import type { SessionServices } from '../../../src/actors/session/services.ts';
import { SLOW_GRACE_MS } from '../../../src/base/limits.ts';
import type { Qos } from '../../../src/wire/mqtt/constants.ts';
import { outgoing, payloads } from './packets.ts';
import { limits, Peer, slots, topics } from './services.ts';

const test = suite('outbound');

const { slot } = SESSION_PROBE;
const TOPIC = topics().internName('t')!;

/** One client's way out, with its host's notes. */
class Subject {
  readonly peer: Peer;
  readonly slots: Float64Array = slots();
  readonly outbound: Outbound;
  readonly pubrels: number[] = [];
  readonly watches: number[] = [];
  overflows = 0;
  now = 0;

  constructor(bounds: Partial<SessionLimits> = {}, inFlightMax = 100, resumable = false) {
    this.peer = new Peer(0);
    const { gauge } = this.peer;
    const services = {
      system: { slots: this.slots, now: () => this.now },
      limits: limits(bounds),
      writer: new PublishWriter(() => 0),
      gauge,
      events: null,
    } as unknown as SessionServices;
    this.outbound = new Outbound(services, {
      clientId: 'c',
      watchSlowness: (delayMs) => this.watches.push(delayMs),
      deliveryFailed: (error) => {
        throw error;
      },
      overflowed: () => this.#overflowed(),
      resendPubrel: (packetId) => this.pubrels.push(packetId),
    });
    this.outbound.machine = new SessionMachine(inFlightMax, resumable);
    const { transport, client } = this.peer;
    transport.open({
      io: () => {
        client.output.drained();
        this.outbound.drain();
      },
    });
  }

  connect(): this {
    this.outbound.connected(this.peer.client);
    return this;
  }

  deliver(
    texts: readonly string[],
    qos: Qos,
    options: { retain?: boolean; retainAsPublished?: boolean; granted?: Qos } = {},
  ): void {
    const { retain = false, retainAsPublished = false, granted = qos } = options;
    const { dialect, buffer, start, end, count } = outgoing(texts, { qos, retain });
    const run: Run = { topic: TOPIC, publisher: null, dialect, qos, retain, count, buffer, start, end, expiresAt: 0 };
    const delivery = { qos: granted, noLocal: false, retainAsPublished, subscriptionIds: null } as unknown as Delivery;
    this.outbound.deliver(run, delivery);
    buffer.fill(0xee); // the read buffer goes to the next read
  }

  /** The pressure that the deliveries since the last call have met. */
  pressure(): PressureSource | null {
    return this.peer.gauge.take();
  }

  /** What arrived at the client since the last call. */
  texts(): string[] {
    return payloads(this.peer.received());
  }

  /** The end of a turn: what does not leave is pending. */
  flush(): void {
    this.peer.flushList.flush();
  }

  puback(id: number): void {
    assert.is(this.outbound.machine.puback(id), 'ok');
    this.outbound.drain();
  }

  /** As the session does it. */
  #overflowed(): void {
    this.overflows++;
    this.outbound.disconnected();
  }
}

test('delivers at the lower QoS, and RETAIN to those who asked for it [MQTT-3.3.1-12]', () => {
  const subject = new Subject().connect();
  subject.deliver(['a'], 2, { granted: 1, retain: true });
  subject.deliver(['b'], 1, { granted: 2, retain: true, retainAsPublished: true });
  subject.deliver(['c'], 2, { granted: 0 });
  assert.equal(
    subject.peer.received().map(({ payload, qos, retain }) => `${payload} ${qos} ${retain}`),
    ['a 1 false', 'b 1 true', 'c 0 false'],
  );
  assert.is(subject.slots[slot.sentQos0], 1);
  assert.is(subject.slots[slot.sentQos1], 2);
});

test('sends as much as the window takes and the rest in order as it is acknowledged', () => {
  const subject = new Subject({}, 2).connect();
  subject.deliver(['a', 'b', 'c', 'd', 'e'], 1);
  subject.deliver(['f'], 1);
  const first = subject.peer.received();
  assert.equal(payloads(first), ['a', 'b']);
  subject.puback(first[1]!.messageId!);
  subject.puback(first[0]!.messageId!);
  assert.equal(subject.texts(), ['c', 'd']);
  subject.deliver(['g'], 1);
  assert.is(subject.outbound.machine.queued, 3);
  for (
    let left = subject.outbound.machine.snapshot().inFlight;
    left.length > 0;
    left = subject.outbound.machine.snapshot().inFlight
  ) {
    subject.puback(left[0]!.packetId);
  }
  assert.equal(subject.texts(), ['e', 'f', 'g']);
});

test('QoS 0 overtakes a full window, and is dropped above the output bound', () => {
  const subject = new Subject({ outputBytesMax: 1000 }, 1).connect();
  subject.deliver(['q1', 'waits'], 1);
  subject.deliver(['q0'], 0);
  assert.equal(subject.texts(), ['q1', 'q0']);
  subject.peer.transport.blocked = true;
  subject.deliver(['x'.repeat(1100)], 0);
  subject.flush();
  subject.deliver(['dropped', 'too'], 0);
  assert.is(subject.slots[slot.droppedSlowClient], 2);
  subject.peer.transport.drain();
  assert.equal(subject.texts(), ['x'.repeat(1100)]);
  subject.deliver(['again'], 0);
  assert.equal(subject.texts(), ['again']);
});

test('QoS 1 waits behind an output that is full, and goes on when it has drained', () => {
  const subject = new Subject({ outputBytesMax: 1000 }).connect();
  subject.peer.transport.blocked = true;
  subject.deliver(['x'.repeat(1100)], 1);
  subject.flush();
  subject.deliver(['y'], 1);
  assert.is(subject.outbound.machine.queued, 1);
  subject.peer.transport.drain();
  assert.equal(subject.texts(), ['x'.repeat(1100), 'y']);
});

test('a turn that writes much at once to a client that takes it presses nobody and leaves nothing behind', () => {
  const subject = new Subject({ outputBytesMax: 4000 }).connect();
  for (let i = 0; i < 100; i++) {
    subject.deliver(['x'.repeat(95)], 0);
    subject.deliver(['y'.repeat(95)], 1);
  }
  assert.is(subject.pressure(), null);
  assert.is(subject.texts().length, 200);
  assert.is(subject.outbound.machine.queued, 0);
});

test('presses from a quarter of the output bound on, until the client has taken all', () => {
  const subject = new Subject({ outputBytesMax: 4000 }).connect();
  subject.peer.transport.blocked = true;
  subject.deliver(['x'.repeat(990)], 0);
  subject.flush();
  subject.deliver(['a'], 0);
  assert.is(subject.pressure(), null, 'below a quarter');
  subject.deliver(['x'.repeat(100)], 0);
  subject.flush();
  subject.deliver(['b'], 0);
  const source = subject.pressure()!;
  assert.ok(source.pressing);
  assert.equal(subject.watches, [SLOW_GRACE_MS]);
  let relieved = 0;
  source.wait({ relieved: () => relieved++ });
  subject.peer.transport.drain();
  assert.is(relieved, 1);
  assert.not.ok(source.pressing);
});

test('presses from a quarter of the queue on, until acknowledgements have shortened it to an eighth', () => {
  const subject = new Subject({ queueMessagesMax: 16 }, 1).connect();
  subject.deliver(['in flight', '1', '2', '3', '4'], 1);
  assert.is(subject.pressure(), null);
  subject.deliver(['5'], 1);
  const source = subject.pressure()!;
  for (let queued = 5; queued > 2; queued--) {
    assert.ok(source.pressing);
    subject.puback(subject.outbound.machine.snapshot().inFlight[0]!.packetId);
  }
  assert.is(subject.outbound.machine.queued, 2);
  assert.not.ok(source.pressing);
});

test('a client that has stopped reading presses for the grace period only', () => {
  const subject = new Subject({ outputBytesMax: 400 }).connect();
  subject.peer.transport.blocked = true;
  subject.deliver(['x'.repeat(200)], 0);
  subject.flush();
  subject.deliver(['a'], 0);
  const source = subject.pressure()!;
  subject.now += SLOW_GRACE_MS;
  subject.outbound.checkSlowness(subject.now);
  assert.not.ok(source.pressing);
  subject.deliver(['b'], 0);
  assert.is(subject.pressure(), null);
});

test('a queue that overflows ends the connection, and the client that is gone holds nobody back', () => {
  const subject = new Subject({ queueMessagesMax: 2 }, 1).connect();
  subject.deliver(['a', 'b', 'c', 'd', 'e'], 1);
  assert.is(subject.overflows, 1);
  assert.is(subject.slots[slot.droppedQueueFull], 2);
  assert.is(subject.pressure(), null);
  assert.equal(subject.watches, []);
});

test('a client that leaves relieves those who wait for it', () => {
  const subject = new Subject({ queueMessagesMax: 4 }, 1).connect();
  subject.deliver(['a', 'b', 'c'], 1);
  const source = subject.pressure()!;
  subject.outbound.disconnected();
  assert.not.ok(source.pressing);
});

test('while the client is away QoS 1 and 2 wait for it, within the bounds, and QoS 0 does not', () => {
  const subject = new Subject({ queueMessagesMax: 3 }, 10, true);
  subject.deliver(['q0'], 0);
  subject.deliver(['a', 'b'], 1);
  subject.deliver(['c', 'd'], 2);
  assert.is(subject.overflows, 0, 'nobody is connected');
  assert.is(subject.slots[slot.droppedQueueFull], 1);
  subject.connect();
  assert.equal(
    subject.peer.received().map(({ payload, qos, dup }) => `${payload} ${qos} ${dup}`),
    ['a 1 false', 'b 1 false', 'c 2 false'],
  );
});

test('what arrives before the client is accepted waits for it, also when its session will not last', () => {
  const subject = new Subject({}, 10, false);
  subject.deliver(['early'], 1);
  assert.equal(subject.connect().texts(), ['early']);
});

test('a client that comes back is sent again what it has not acknowledged, in the same order', () => {
  const former = new Subject({}, 10, true).connect();
  former.deliver(['a', 'b'], 1);
  former.deliver(['c', 'd'], 2);
  const ids = former.peer.received().map(({ messageId }) => messageId!);
  former.puback(ids[0]!);
  former.outbound.machine.pubrec(ids[3]!, false);
  former.outbound.disconnected();
  former.deliver(['e'], 1);

  const heir = new Subject({}, 10, true);
  heir.outbound.machine.restore(former.outbound.machine.snapshot());
  heir.connect();
  const packets = heir.peer.received();
  assert.equal(
    packets.map(({ payload, messageId, dup }) => `${payload} ${ids.indexOf(messageId!)} ${dup}`),
    ['b 1 true', 'c 2 true', 'e -1 false'],
  );
  assert.equal(heir.pubrels, [ids[3]!]);
});

test('what a client can no longer take is given up, and its place in the window is free', () => {
  const former = new Subject({}, 10, true).connect();
  former.deliver(['large'.repeat(20), 'small'], 1);
  const heir = new Subject({}, 10, true);
  heir.outbound.machine.restore(former.outbound.machine.snapshot());
  heir.peer.client.packetBytesMax = 50;
  assert.equal(heir.connect().texts(), ['small']);
  assert.is(heir.outbound.machine.inFlight, 1);
});

test('there is room for retained messages when little waits', () => {
  const subject = new Subject({ outputBytesMax: 800 });
  assert.not.ok(subject.outbound.atEase, 'nobody is there');
  subject.connect();
  assert.ok(subject.outbound.atEase);
  subject.peer.transport.blocked = true;
  subject.deliver(['x'.repeat(150)], 0);
  subject.flush();
  assert.not.ok(subject.outbound.atEase);
});

test.run();
