import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { PacketTap } from '../../../src/actors/insight/packet-tap.ts';
import { encodeConnect, encodePublish, encodeSubscribe, PINGREQ } from '../../../src/wire/mqtt/client-encoder.ts';

const test = suite('packet tap');

const entry = { filter: 'a/+', qos: 1 as const, noLocal: false, retainAsPublished: false, retainHandling: 0 as const };
const PACKETS: readonly Uint8Array[] = [
  encodePublish(1, { topic: 'a/b', payload: Buffer.from('hello') }),
  encodeSubscribe(1, 7, [entry]),
  PINGREQ,
  encodePublish(1, { topic: 'c', payload: Buffer.alloc(3000, 'x'), qos: 2, packetId: 9 }),
];

test('makes the same lines of the same packets in whatever pieces they come', () => {
  const packets = Buffer.concat(PACKETS);
  fc.assert(
    fc.property(fc.array(fc.nat(packets.length), { maxLength: 10 }), (cuts) => {
      const told: Record<string, unknown>[] = [];
      const tap = new PacketTap(5, true, (direction, facts) => told.push({ direction, ...facts }));
      const places = [0, ...cuts.sort((a, b) => a - b), packets.length];
      for (let i = 1; i < places.length; i++) tap.feed('in', packets, places[i - 1]!, places[i]!);
      assert.equal(
        told.map(({ direction, packet, topic, payload, payloadBytes }) => [
          direction,
          packet,
          topic,
          String(payload).length,
          payloadBytes,
        ]),
        [
          ['in', 'publish', 'a/b', 5, 5],
          ['in', 'subscribe', undefined, 9, undefined],
          ['in', 'pingreq', undefined, 9, undefined],
          ['in', 'publish', 'c', 1024, 3000],
        ],
      );
    }),
  );
});

test('payloads only when they are wanted, and passwords never', () => {
  const told: object[] = [];
  const tap = new PacketTap(5, false, (_direction, facts) => told.push(facts));
  const connect = encodeConnect({
    level: 5,
    clientId: 'c',
    cleanStart: true,
    keepAliveSeconds: 0,
    username: 'u',
    password: Buffer.from('hunter2'),
  });
  tap.feed('in', connect, 0, connect.length);
  tap.feed('in', PACKETS[0]!, 0, PACKETS[0]!.length);
  assert.not.match(JSON.stringify(told), /hunter2|hello|104,117,110/);
});

test('what cannot be read ends a direction and not the other', () => {
  const told: Record<string, unknown>[] = [];
  const tap = new PacketTap(5, false, (direction, facts) => told.push({ direction, ...facts }));
  tap.feed('in', Uint8Array.of(0x00, 0x00, 0x30), 0, 3);
  tap.feed('in', PINGREQ, 0, PINGREQ.length);
  tap.feed('out', PINGREQ, 0, PINGREQ.length);
  assert.equal(
    told.map(({ direction, packet }) => `${direction} ${packet}`),
    ['in malformed', 'out pingreq'],
  );
});

test.run();
