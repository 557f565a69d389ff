import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Rights } from '../../../src/actors/access/rights.ts';
import type { Publisher } from '../../../src/actors/router/publisher.ts';
import type { Run } from '../../../src/actors/router/sink.ts';
import { InboundReader, type ReaderHost, TOPIC_ALIAS_MAX } from '../../../src/actors/session/inbound.ts';
import type { SessionLimits } from '../../../src/actors/session/limits.ts';
import { SessionMachine } from '../../../src/actors/session/machine.ts';
import { SESSION_PROBE } from '../../../src/actors/session/probe.ts';
import type { StagedWrite } from '../../../src/actors/shard/staged.ts';
import type { Dialect, Qos } from '../../../src/wire/mqtt/constants.ts';
import { PacketType } from '../../../src/wire/mqtt/constants.ts';
import type { ControlPacket } from '../../../src/wire/mqtt/packets.ts';
import { Reason } from '../../../src/wire/mqtt/reason-codes.ts';
import { oracleEncode, reasonOf } from '../../wire/mqtt/arbitraries.ts';
import { concat, decode, type PublishOptions, payloads, publish } from './packets.ts';
import { limits, Peer, slots, topics } from './services.ts';

const { slot } = SESSION_PROBE;
const test = suite('inbound reader');

const NOW = 5000;

interface Published {
  readonly topic: string;
  readonly qos: Qos;
  readonly count: number;
  readonly payloads: string[];
  readonly expiresAt: number;
}

/** A client in front of the reader, and all that the reader makes of its bytes. */
class Session {
  readonly peer: Peer;
  readonly published: Published[] = [];
  readonly controls: ControlPacket[] = [];
  readonly slots: Float64Array = slots();
  readonly reader: InboundReader;
  /** Receivers of what is published. */
  reached = 1;
  /** Durable writes that what is published goes to. */
  writes: StagedWrite[] = [];
  unwritten = 0;
  machine: SessionMachine = new SessionMachine(100, true);
  online = true;
  reading = true;
  awaited = 0;

  constructor(dialect: Dialect, bounds: Partial<SessionLimits> = {}) {
    this.peer = new Peer(dialect);
    const publisher = {
      publish: (run: Run): number => this.#publish(run),
      writes: this.writes,
      outages: null,
    } as unknown as Publisher;
    this.reader = new InboundReader(publisher, topics(), limits(bounds), this.slots, () => NOW);
  }

  /** Returns how many bytes were read. */
  read(...packets: readonly Uint8Array[]): number {
    const isReading = (): boolean => this.reading;
    const host = {
      machine: this.machine,
      inbox: null,
      online: this.online,
      get reading() {
        return isReading();
      },
      deliver() {},
      deliveryFailed() {},
      clientId: 'reader',
      forgetInbound: (packetId: number) => this.machine.endInbound(packetId),
      unwritten: () => {
        this.unwritten++;
      },
      expects: (type: number) => type === PacketType.CONNECT,
      control: (packet: ControlPacket) => this.controls.push(packet),
      takenAt: () => 0,
      hasTaken: () => false,
      awaitVerdicts: () => {
        throw new Error('no plugin here');
      },
      awaitPermission: () => {
        this.awaited++;
        this.reading = false;
      },
      awaitSessions: () => {},
    } satisfies Record<Exclude<keyof ReaderHost, 'mayReceive' | 'isRelay'>, unknown> as ReaderHost;
    const bytes = concat(Uint8Array.of(0xee), ...packets, Uint8Array.of(0xee));
    return this.reader.read(host, this.peer.client, { bytes, start: 1, end: bytes.length - 1 }) - 1;
  }

  /** The client's answers, as `name id reason`. */
  answers(): string[] {
    return this.peer
      .received()
      .map(({ cmd, messageId, reasonCode }) => `${cmd} ${messageId}${reasonCode ? ` ${reasonCode}` : ''}`);
  }

  #publish(run: Run): number {
    const { topic, qos, count, dialect, buffer, start, end, expiresAt } = run;
    const packets = decode(dialect, buffer.subarray(start, end));
    assert.ok(packets.every((packet) => packet.topic === topic.name && packet.properties?.topicAlias === undefined));
    assert.is(packets.length, count);
    this.published.push({ topic: topic.name, qos, count, payloads: payloads(packets), expiresAt });
    return this.reached;
  }
}

const ack = (dialect: Dialect, cmd: string, messageId: number, reasonCode?: number): Uint8Array =>
  oracleEncode(dialect === 1 ? 5 : 4, { cmd, messageId, reasonCode });

for (const dialect of [0, 1] as const) {
  const level = dialect === 1 ? '5.0' : '3.1.1';

  test(`${level}: QoS 1 in one run is acknowledged packet by packet, in order`, () => {
    const session = new Session(dialect);
    const ids = [7, 65_535, 1, 300];
    session.read(...ids.map((messageId) => publish(dialect, `${messageId}`, { qos: 1, messageId })));
    assert.equal(session.published, [{ topic: 't', qos: 1, count: 4, payloads: ids.map(String), expiresAt: 0 }]);
    assert.equal(
      session.answers(),
      ids.map((id) => `puback ${id}`),
    );
    assert.is(session.slots[SESSION_PROBE.slot.receivedQos1], 4);
  });

  test(`${level}: QoS 2 is routed once until it is released`, () => {
    const session = new Session(dialect);
    const send = (dup: boolean): number => session.read(publish(dialect, 'm', { qos: 2, messageId: 9, dup }));
    send(false);
    send(true);
    send(false);
    assert.is(session.published.length, 1);
    assert.equal(session.answers(), ['pubrec 9', 'pubrec 9', 'pubrec 9']);
    session.read(ack(dialect, 'pubrel', 9), ack(dialect, 'pubrel', 9));
    assert.equal(session.answers(), ['pubcomp 9', dialect === 1 ? 'pubcomp 9 146' : 'pubcomp 9']);
    send(false);
    assert.is(session.published.length, 2);
  });

  test(`${level}: only 5.0 learns that nobody was there`, () => {
    const session = new Session(dialect);
    session.reached = 0;
    session.read(
      publish(dialect, 'a', { qos: 1, messageId: 1 }),
      publish(dialect, 'b', { qos: 1, messageId: 2 }),
      publish(dialect, 'c', { qos: 2, messageId: 3 }),
    );
    const reason = dialect === 1 ? ' 16' : '';
    assert.equal(session.answers(), [`puback 1${reason}`, `puback 2${reason}`, `pubrec 3${reason}`]);
  });

  test(`${level}: PUBREC is answered with PUBREL, for an id that is not known with the reason`, () => {
    const session = new Session(dialect);
    const id = session.machine.send(2, null);
    session.read(ack(dialect, 'pubrec', id), ack(dialect, 'pubrec', id), ack(dialect, 'pubrec', 77));
    assert.equal(session.answers(), [`pubrel ${id}`, `pubrel ${id}`, dialect === 1 ? 'pubrel 77 146' : 'pubrel 77']);
    assert.ok(session.reader.takeAcknowledged());
    assert.not.ok(session.reader.takeAcknowledged());
    session.read(ack(dialect, 'pubcomp', id), ack(dialect, 'puback', 1234), ack(dialect, 'pubcomp', 1234));
    assert.is(session.machine.inFlight, 0);
    assert.equal(session.answers(), []);
  });
}

test('a PUBREC that refuses ends the exchange', () => {
  const session = new Session(1);
  const id = session.machine.send(2, null);
  session.read(ack(1, 'pubrec', id, Reason.QUOTA_EXCEEDED));
  assert.equal(session.answers(), []);
  assert.is(session.machine.inFlight, 0);
});

test('a message at or above the receive maximum is refused, and is new when it comes again', () => {
  const session = new Session(1, { inFlightMax: 2 });
  const send = (messageId: number): number => session.read(publish(1, `${messageId}`, { qos: 2, messageId }));
  send(1);
  send(2);
  send(2);
  assert.is(
    reasonOf(() => send(3)),
    Reason.RECEIVE_MAXIMUM_EXCEEDED,
  );
  assert.is(session.published.length, 2);
  session.read(ack(1, 'pubrel', 1));
  send(3);
  assert.equal(session.published.at(-1)!.payloads, ['3']);
});

test('3.1.1 knows no receive maximum', () => {
  const session = new Session(0, { inFlightMax: 2 });
  for (const messageId of [1, 2, 3, 4]) session.read(publish(0, 'm', { qos: 2, messageId }));
  assert.is(session.published.length, 4);
});

test('topic aliases stand for the topic they were last given with, and do not travel on', () => {
  const session = new Session(1);
  const send = (topic: string, topicAlias: number, options: PublishOptions = {}): number =>
    session.read(publish(1, 'm', { topic, properties: { topicAlias, contentType: 'c' }, ...options }));
  send('one', 1);
  send('two', TOPIC_ALIAS_MAX);
  send('', 1);
  send('', TOPIC_ALIAS_MAX, { qos: 1, messageId: 3 });
  send('three', 1);
  send('', 1, { qos: 2, messageId: 4 });
  assert.equal(
    session.published.map(({ topic, qos }) => `${topic} ${qos}`),
    ['one 0', 'two 0', 'one 0', 'two 1', 'three 0', 'three 2'],
  );
  assert.equal(session.answers(), ['puback 3', 'pubrec 4']);
});

test('a message with an expiry is a run of its own, with the time at which it ends', () => {
  const session = new Session(1);
  session.read(
    publish(1, 'a'),
    publish(1, 'b', { properties: { messageExpiryInterval: 3 } }),
    publish(1, 'c', { properties: { messageExpiryInterval: 0 } }),
    publish(1, 'd'),
  );
  assert.equal(
    session.published.map(({ payloads: texts, expiresAt }) => [...texts, expiresAt]),
    [
      ['a', 0],
      ['b', NOW + 3000],
      ['c', NOW],
      ['d', 0],
    ],
  );
});

const raw = (...bytes: readonly number[]): Uint8Array => Uint8Array.from(bytes);
const sent = (qos: 1 | 2) => (session: Session) => {
  session.machine.send(qos, null);
};
const nothing = (): void => {};

const VIOLATIONS: readonly [string, Dialect, Uint8Array, number, (session: Session) => void][] = [
  ['PUBLISH with packet id 0 [MQTT-2.2.1-3]', 1, raw(0x32, 6, 0, 1, 0x74, 0, 0, 0), Reason.PROTOCOL_ERROR, nothing],
  ['PUBLISH with packet id 0 in 3.1.1 [MQTT-2.3.1-1]', 0, raw(0x34, 5, 0, 1, 0x74, 0, 0), Reason.PROTOCOL_ERROR, nothing],
  ['PUBLISH with QoS 3 [MQTT-3.3.1-4]', 1, raw(0x36, 6, 0, 1, 0x74, 0, 1, 0), Reason.MALFORMED_PACKET, nothing],
  ['PUBLISH to a wildcard [MQTT-3.3.2-2]', 1, raw(0x30, 4, 0, 1, 0x23, 0), Reason.TOPIC_NAME_INVALID, nothing],
  ['PUBLISH with a topic that is no UTF-8', 1, raw(0x30, 4, 0, 1, 0xff, 0), Reason.MALFORMED_PACKET, nothing],
  ['PUBLISH without topic and alias', 1, raw(0x30, 3, 0, 0, 0), Reason.PROTOCOL_ERROR, nothing],
  ['PUBLISH without topic and alias, with other properties', 1, raw(0x30, 5, 0, 0, 2, 1, 0), Reason.PROTOCOL_ERROR, nothing],
  ['PUBLISH without topic in 3.1.1', 0, raw(0x30, 2, 0, 0), Reason.TOPIC_NAME_INVALID, nothing],
  ['an alias that is not set', 1, raw(0x30, 6, 0, 0, 3, 0x23, 0, 1), Reason.PROTOCOL_ERROR, nothing],
  ['an alias above the maximum', 1, raw(0x30, 7, 0, 1, 0x74, 3, 0x23, 0, 65), Reason.TOPIC_ALIAS_INVALID, nothing],
  ['the alias 0', 1, raw(0x30, 7, 0, 1, 0x74, 3, 0x23, 0, 0), Reason.TOPIC_ALIAS_INVALID, nothing],
  ['a subscription identifier [MQTT-3.3.4-6]', 1, raw(0x30, 6, 0, 1, 0x74, 2, 0x0b, 1), Reason.PROTOCOL_ERROR, nothing],
  ['a packet that is too large, from its first bytes', 0, raw(0x30, 0x80, 0x80, 0x40), Reason.PACKET_TOO_LARGE, nothing],
  ['a malformed remaining length', 0, raw(0x30, 0xff, 0xff, 0xff, 0xff), Reason.MALFORMED_PACKET, nothing],
  ['PUBACK for packet id 0', 0, raw(0x40, 2, 0, 0), Reason.PROTOCOL_ERROR, nothing],
  ['PUBREL with the flags of PUBACK [MQTT-3.6.1-1]', 0, raw(0x60, 2, 0, 1), Reason.MALFORMED_PACKET, nothing],
  ['PUBACK for QoS 2', 0, raw(0x40, 2, 0, 1), Reason.PROTOCOL_ERROR, sent(2)],
  ['PUBREC for QoS 1', 0, raw(0x50, 2, 0, 1), Reason.PROTOCOL_ERROR, sent(1)],
  ['PUBCOMP for QoS 1', 1, raw(0x70, 2, 0, 1), Reason.PROTOCOL_ERROR, sent(1)],
  ['PUBCOMP before PUBREC', 1, raw(0x70, 2, 0, 1), Reason.PROTOCOL_ERROR, sent(2)],
  ['an acknowledgement without packet id', 0, raw(0x40, 1, 0), Reason.MALFORMED_PACKET, nothing],
  ['a packet that only servers send', 0, raw(0xd0, 0), Reason.PROTOCOL_ERROR, nothing],
];

for (const [name, dialect, bytes, reason, before] of VIOLATIONS) {
  test(`refuses ${name}`, () => {
    const session = new Session(dialect);
    before(session);
    assert.is(
      reasonOf(() => session.read(bytes)),
      reason,
    );
    assert.is(session.published.length, 0);
    assert.equal(session.answers(), []);
  });
}

test('the first packet is CONNECT [MQTT-3.1.0-1], and nothing after it is read until it is accepted', () => {
  const session = new Session(0);
  session.online = false;
  assert.is(
    reasonOf(() => session.read(oracleEncode(4, { cmd: 'pingreq' }))),
    Reason.PROTOCOL_ERROR,
  );
  session.read(
    oracleEncode(4, { cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4, clientId: 'c', clean: true, keepalive: 0 }),
  );
  assert.equal(
    session.controls.map(({ type }) => type),
    [PacketType.CONNECT],
  );
  session.reading = false;
  assert.is(session.read(oracleEncode(4, { cmd: 'pingreq' })), 0);
});

const packet = (dialect: Dialect): fc.Arbitrary<Uint8Array> =>
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc
        .record({
          topic: fc.constantFrom('a', 'a', 'a', 'b'),
          qos: fc.constantFrom<Qos>(0, 1, 2),
          messageId: fc.integer({ min: 1, max: 9 }),
          text: fc.string({ maxLength: 150 }),
        })
        .map(({ text, ...options }) => publish(dialect, text, options)),
    },
    { weight: 2, arbitrary: fc.integer({ min: 1, max: 9 }).map((id) => ack(dialect, 'pubrel', id)) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 9 }).map((id) => ack(dialect, 'pubrec', id)) },
    { weight: 1, arbitrary: fc.constant(oracleEncode(4, { cmd: 'pingreq' })) },
  );

test('a stream means the same however many packets come in one read', () => {
  const stream = fc.constantFrom<Dialect>(0, 1).chain((dialect) =>
    fc.record({
      dialect: fc.constant(dialect),
      packets: fc.array(packet(dialect), { maxLength: 30 }),
      cut: fc.nat({ max: 2 }),
    }),
  );
  fc.assert(
    fc.property(stream, ({ dialect, packets, cut }) => {
      const [whole, single] = [new Session(dialect), new Session(dialect)];
      const bytes = packets.reduce((sum, { length }) => sum + length, 0);
      const rest = publish(dialect, 'not whole').subarray(0, cut);
      assert.is(whole.read(...packets, rest), bytes);
      for (const one of packets) assert.is(single.read(one), one.length);
      const messages = ({ published }: Session): string[] =>
        published.flatMap(({ topic, qos, payloads: texts }) => texts.map((text) => `${topic} ${qos} ${text}`));
      assert.equal(messages(whole), messages(single));
      assert.equal(whole.answers(), single.answers());
      assert.is(whole.controls.length, single.controls.length);
      assert.equal(whole.machine.snapshot(), single.machine.snapshot());
    }),
    { numRuns: 300 },
  );
});

/** Rights that allow the publishes of `bits`, and do or do not know about the others. */
function rights(bits: number, knows: boolean, disconnectsOnDenial = false): Rights {
  return { grant: () => bits, knowsPublish: () => knows, disconnectsOnDenial } as unknown as Rights;
}
const QOS_0 = 0b01;

test('what is not allowed is dropped: refused in 5.0, acknowledged in 3.1.1, and counted', () => {
  for (const dialect of [0, 1] as const) {
    const session = new Session(dialect);
    session.peer.client.rights = rights(QOS_0, true);
    const packets = [
      publish(dialect, 'zero', { qos: 0 }),
      publish(dialect, 'one', { qos: 1, messageId: 1 }),
      publish(dialect, 'one more', { qos: 1, messageId: 2 }),
      publish(dialect, 'two', { qos: 2, messageId: 3 }),
      publish(dialect, 'kept', { qos: 0, retain: true }),
    ];
    assert.is(session.read(...packets), concat(...packets).length);
    assert.equal(
      session.published.flatMap((each) => each.payloads),
      ['zero'],
      'the same topic, but only as allowed',
    );
    const refused = dialect === 1 ? ` ${Reason.NOT_AUTHORIZED}` : '';
    assert.equal(session.answers(), [`puback 1${refused}`, `puback 2${refused}`, `pubrec 3${refused}`]);
    assert.is(session.slots[slot.publishesDenied], 4);
    assert.is(session.machine.inboundPending, dialect === 1 ? 0 : 1, 'a refused PUBREC ends it');
    assert.is(session.slots[slot.receivedQos1], 2);
  }
});

test('a client that is to be disconnected for it, is', () => {
  const session = new Session(1);
  session.peer.client.rights = rights(0, true, true);
  assert.is(
    reasonOf(() => session.read(publish(1, 'x', { qos: 1, messageId: 1 }))),
    Reason.NOT_AUTHORIZED,
  );
  assert.equal(session.published, []);
});

test('what is not known yet waits, with all that is behind it', () => {
  const session = new Session(1);
  const allowed = publish(1, 'first', { topic: 'a' });
  const unknown = publish(1, 'second', { topic: 'a', qos: 1, messageId: 1 });
  session.peer.client.rights = rights(QOS_0, false);
  assert.is(session.read(allowed, unknown, publish(1, 'third', { topic: 'a' })), allowed.length);
  assert.is(session.awaited, 1);
  assert.equal(
    session.published.flatMap((each) => each.payloads),
    ['first'],
  );
});

test('an alias does not get around what its topic may not', () => {
  const session = new Session(1);
  const asked: string[] = [];
  const grant = ({ name }: { name: string }): number => {
    asked.push(name);
    return name === 'open' ? 0b111111 : 0;
  };
  session.peer.client.rights = { grant, knowsPublish: () => true, disconnectsOnDenial: false } as unknown as Rights;
  const alias = (text: string, topic: string, topicAlias: number): Uint8Array =>
    publish(1, text, { topic, properties: { topicAlias } });
  session.read(alias('1', 'shut', 1), alias('2', 'open', 2), alias('3', '', 1), alias('4', '', 2), alias('5', '', 1));
  assert.equal(
    session.published.flatMap((each) => each.payloads),
    ['2', '4'],
  );
});

test.run();
