import fc from 'fast-check';
import { type Packet, parser } from 'mqtt-packet';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { topicsOf } from '../../../bench/load/clients.ts';
import {
  ACK_BYTES,
  buildAckTable,
  buildBlock,
  connectPacket,
  DISCONNECT,
  type Level,
  layoutOf,
  PACKET_IDS,
  PUBACK,
  PUBREL,
  type PublishShape,
  STAMP_BYTES,
  subscribePacket,
} from '../../../bench/load/packets.ts';

/** The independent decoder: every packet in `bytes`. Fails when something is left over. */
function decode(bytes: Buffer, level: Level): Packet[] {
  const packets: Packet[] = [];
  const decoder = parser({ protocolVersion: level });
  decoder.on('packet', (packet) => packets.push(packet));
  decoder.on('error', (error) => {
    throw error;
  });
  assert.is(decoder.parse(bytes), 0);
  return packets;
}

const level = fc.constantFrom<Level>(4, 5);
const shape: fc.Arbitrary<PublishShape> = fc.record({
  topic: fc.string({ minLength: 1, maxLength: 40, unit: fc.constantFrom('a', 'é', '/', '7') }),
  payloadBytes: fc.oneof(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 16_000, max: 17_000 })),
  qos: fc.constantFrom(0 as const, 1 as const, 2 as const),
  level,
});

const test = suite('packets');

test('CONNECT, SUBSCRIBE and DISCONNECT are what the independent decoder reads', () => {
  fc.assert(
    fc.property(level, fc.constantFrom(0 as const, 1 as const, 2 as const), (version, qos) => {
      const connect = decode(connectPacket('client-é', version), version)[0];
      assert.is(connect?.cmd, 'connect');
      if (connect?.cmd !== 'connect') return;
      assert.equal([connect.clientId, connect.protocolVersion, connect.clean, connect.keepalive], ['client-é', version, true, 0]);
      assert.equal([connect.username, connect.password], [undefined, undefined]);
      const login = decode(connectPacket('c', version, { username: 'änna', password: 'p' }), version)[0];
      if (login?.cmd !== 'connect') assert.unreachable();
      else assert.equal([login.clientId, login.username, String(login.password)], ['c', 'änna', 'p']);
      const subscribe = decode(subscribePacket('bench/+', qos, version), version)[0];
      assert.is(subscribe?.cmd, 'subscribe');
      if (subscribe?.cmd !== 'subscribe') return;
      assert.equal(
        [subscribe.messageId, subscribe.subscriptions[0]?.topic, subscribe.subscriptions[0]?.qos],
        [1, 'bench/+', qos],
      );
    }),
  );
  assert.is(decode(DISCONNECT, 4)[0]?.cmd, 'disconnect');
});

test('a block is whole PUBLISH packets of one size with ids in a row and marks where asked for', () => {
  fc.assert(
    fc.property(
      shape,
      fc.integer({ min: 1, max: 12 }),
      fc.integer({ min: 1, max: 60_000 }),
      fc.integer({ min: 1, max: 5 }),
      (s, count, id, every) => {
        const layout = layoutOf(s);
        const block = buildBlock([s], count, id, every);
        assert.is(block.length, count * layout.size);
        const packets = decode(block, s.level);
        assert.is(packets.length, count);
        packets.forEach((packet, i) => {
          if (packet.cmd !== 'publish') throw new Error(packet.cmd);
          const payload = packet.payload as Buffer;
          assert.equal(
            [packet.topic, packet.qos, packet.retain, packet.dup, payload.length],
            [s.topic, s.qos, false, false, s.payloadBytes],
          );
          if (s.qos > 0) assert.is(packet.messageId, id + i);
          assert.ok(block.subarray(i * layout.size + layout.payloadAt, (i + 1) * layout.size).equals(payload));
          if (s.payloadBytes > 0) assert.is(payload[0], i % every === 0 && s.payloadBytes >= STAMP_BYTES ? 1 : 0);
          if (s.qos > 0) assert.is(block.readUInt16BE(i * layout.size + layout.idAt), id + i);
        });
      },
    ),
    { numRuns: 300 },
  );
});

test('topics take turns in a block, and must be of one length', () => {
  const base = { payloadBytes: 9, qos: 0, level: 4 } as const;
  const topicsIn = (topics: string[]): string[] =>
    decode(buildBlock(topicsShapes(topics), 5, 1, 1), 4).map((packet) => (packet.cmd === 'publish' ? packet.topic : packet.cmd));
  const topicsShapes = (topics: string[]): PublishShape[] => topics.map((topic) => ({ ...base, topic }));
  assert.equal(topicsIn(topicsOf(3, 8, 2)), ['bench/3/0', 'bench/3/1', 'bench/3/0', 'bench/3/1', 'bench/3/0']);
  assert.throws(() => topicsIn(['a', 'bb']), /differ/);
  assert.equal([...topicsOf(7, 500), ...topicsOf(0, 1)], ['bench/007', 'bench/0']);
});

test('an ack table holds every id twice, so a run that wraps is one slice', () => {
  for (const type of [PUBACK, PUBREL]) {
    const table = buildAckTable(type);
    const around = decode(table.subarray((PACKET_IDS - 2) * ACK_BYTES, (PACKET_IDS + 2) * ACK_BYTES), 4);
    assert.equal(
      around.map((packet) => packet.messageId),
      [PACKET_IDS - 1, PACKET_IDS, 1, 2],
    );
    assert.is(around[0]?.cmd, type === PUBACK ? 'puback' : 'pubrel');
  }
});

test.run();
