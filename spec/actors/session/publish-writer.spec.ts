import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SessionMachine } from '../../../src/actors/session/machine.ts';
import type { Outgoing } from '../../../src/actors/session/outgoing.ts';
import { PublishWriter, type WriterTarget } from '../../../src/actors/session/publish-writer.ts';
import { MQTT_PACKET_BYTES_MAX } from '../../../src/base/limits.ts';
import type { Dialect, Qos } from '../../../src/wire/mqtt/constants.ts';
import { concat, type Decoded, publish } from './packets.ts';
import { Peer } from './services.ts';

const test = suite('publish writer');

const NOW = 1_000_000;
const writer = new PublishWriter(() => NOW);

interface Case {
  readonly from: Dialect;
  readonly to: Dialect;
  readonly qosIn: Qos;
  readonly qosOut: Qos;
  readonly retainIn: boolean;
  readonly retainOut: boolean;
  readonly dupIn: boolean;
  readonly subscriptionIds: number[] | null;
  /** What is left, milliseconds; undefined: the message has no expiry. */
  readonly leftMs: number | undefined;
  readonly text: string | undefined;
  readonly payloads: Uint8Array[];
  readonly packetBytesMax: number;
  readonly resumable: boolean;
}

const payload = fc.oneof(
  { weight: 6, arbitrary: fc.uint8Array({ maxLength: 30 }) },
  { weight: 2, arbitrary: fc.integer({ min: 90, max: 140 }).map((n) => new Uint8Array(n).fill(n)) },
  { weight: 1, arbitrary: fc.integer({ min: 16_300, max: 66_000 }).map((n) => new Uint8Array(n).fill(n)) },
);
const anyCase: fc.Arbitrary<Case> = fc.record({
  from: fc.constantFrom<Dialect>(0, 1),
  to: fc.constantFrom<Dialect>(0, 1),
  qosIn: fc.constantFrom<Qos>(0, 1, 2),
  qosOut: fc.constantFrom<Qos>(0, 1, 2),
  retainIn: fc.boolean(),
  retainOut: fc.boolean(),
  dupIn: fc.boolean(),
  subscriptionIds: fc.option(fc.array(fc.integer({ min: 1, max: 268_435_455 }), { minLength: 1, maxLength: 3 })),
  leftMs: fc.option(fc.constantFrom(-5, 0, 1, 999, 1000, 1001, 4_000_000_000_000), { nil: undefined }),
  text: fc.option(fc.constantFrom('text/plain', ''), { nil: undefined }),
  payloads: fc.array(payload, { minLength: 1, maxLength: 5 }),
  packetBytesMax: fc.oneof(
    { weight: 3, arbitrary: fc.constant(MQTT_PACKET_BYTES_MAX) },
    { weight: 2, arbitrary: fc.integer({ min: 1, max: 160 }) },
  ),
  resumable: fc.boolean(),
});

/** As a publisher would have sent it: what expires is a run of one. */
function incoming(c: Case): Outgoing {
  const expires = c.leftMs !== undefined && c.from === 1;
  const properties =
    c.from === 0
      ? undefined
      : { ...(expires && { messageExpiryInterval: 77 }), ...(c.text !== undefined && { contentType: c.text }) };
  const packets = (expires ? c.payloads.slice(0, 1) : c.payloads).map((bytes, i) =>
    publish(c.from, bytes, {
      topic: 'some/ü',
      qos: c.qosIn,
      retain: c.retainIn,
      dup: c.dupIn && c.qosIn > 0,
      messageId: 500 + i,
      ...(properties && { properties }),
    }),
  );
  const buffer = concat(Uint8Array.of(9), ...packets, Uint8Array.of(9, 9));
  return {
    dialect: c.from,
    qos: c.qosOut,
    retain: c.retainOut,
    subscriptionIds: c.subscriptionIds,
    buffer,
    start: 1,
    end: buffer.length - 2,
    count: packets.length,
    expiresAt: expires ? NOW + c.leftMs! : 0,
    share: null,
  };
}

/** The packets that the client should see but for their ids, by the size that mqtt-packet gives them. */
function expected(c: Case, outgoing: Outgoing): object[] {
  if (outgoing.expiresAt !== 0 && outgoing.expiresAt <= NOW) return [];
  const properties =
    c.to === 0
      ? {}
      : {
          ...(outgoing.expiresAt !== 0 && { messageExpiryInterval: Math.ceil(c.leftMs! / 1000) }),
          ...(c.from === 1 && c.text !== undefined && { contentType: c.text }),
          ...(c.subscriptionIds !== null && {
            subscriptionIdentifier: c.subscriptionIds.length === 1 ? c.subscriptionIds[0] : c.subscriptionIds,
          }),
        };
  return c.payloads
    .slice(0, outgoing.count)
    .map((bytes) => ({
      topic: 'some/ü',
      payload: Buffer.from(bytes).toString('hex'),
      qos: c.qosOut,
      retain: c.retainOut,
      dup: false,
      properties,
    }))
    .filter(({ payload: hex, ...p }) => publish(c.to, Buffer.from(hex, 'hex'), p).length <= c.packetBytesMax);
}

function seen({ topic, payload, qos, retain, dup, properties }: Decoded): object {
  return { topic, payload: (payload as Buffer).toString('hex'), qos, retain, dup, properties: { ...properties } };
}

function target(peer: Peer, packetBytesMax: number): WriterTarget {
  return { output: peer.client.output, dialect: peer.client.dialect, packetBytesMax, aliasesOut: null };
}

test('whatever came in, the client gets the same message in its dialect, as it is to have it', () => {
  fc.assert(
    fc.property(anyCase, (c) => {
      const peer = new Peer(c.to);
      const outgoing = incoming(c);
      const before = Uint8Array.from(outgoing.buffer);
      const machine = new SessionMachine(100, c.resumable);
      const to = target(peer, c.packetBytesMax);
      const written =
        c.qosOut === 0
          ? writer.writeQos0(to, outgoing, c.retainOut, c.subscriptionIds)
          : writer.writeInFlight(to, outgoing, machine);
      const packets = peer.received();
      assert.equal(packets.map(seen), expected(c, outgoing));
      assert.is(written, packets.length);
      assert.equal(outgoing.buffer, before, 'others read the same bytes');
      if (c.qosOut === 0) return;

      const inFlight = machine.snapshot().inFlight;
      assert.equal(
        packets.map(({ messageId }) => messageId),
        inFlight.map(({ packetId }) => packetId),
      );
      for (const { packetId, message } of inFlight) {
        if (c.resumable) assert.ok(writer.rewrite(to, message!, packetId));
        else assert.is(message, null);
      }
      const again = peer.received();
      if (!c.resumable) return;
      assert.equal(
        again.map((packet) => [packet.messageId, seen({ ...packet, dup: false })]),
        packets.map((packet) => [packet.messageId, seen(packet)]),
      );
      assert.ok(again.every(({ dup }) => dup));
    }),
    { numRuns: 1500 },
  );
});

test('does not send again what the client does not take any more', () => {
  const peer = new Peer(1);
  const outgoing = incoming({
    from: 1,
    to: 1,
    qosIn: 1,
    qosOut: 1,
    retainIn: false,
    retainOut: false,
    dupIn: false,
    subscriptionIds: null,
    leftMs: undefined,
    text: undefined,
    payloads: [new Uint8Array(50)],
    packetBytesMax: 0,
    resumable: true,
  });
  assert.not.ok(writer.rewrite(target(peer, 40), outgoing, 1));
  assert.equal(peer.received(), []);
});

test('a message in flight that has expired is sent again all the same, with nothing left to it', () => {
  const peer = new Peer(1);
  const packet = publish(1, 'late', { qos: 1, properties: { messageExpiryInterval: 5 } });
  const message: Outgoing = {
    dialect: 1,
    qos: 1,
    retain: false,
    subscriptionIds: null,
    buffer: packet,
    start: 0,
    end: packet.length,
    count: 1,
    expiresAt: NOW - 1,
    share: null,
  };
  assert.ok(writer.rewrite(target(peer, MQTT_PACKET_BYTES_MAX), message, 3));
  const [again] = peer.received();
  assert.is(again!.properties!.messageExpiryInterval, 0);
});

test.run();
