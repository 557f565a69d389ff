import fc from 'fast-check';
import { type Packet, parser } from 'mqtt-packet';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MQTT_PACKET_BYTES_MAX } from '../../../src/base/limits.ts';
import { encodeConnect, encodePublish, encodeSubscribe, PINGREQ } from '../../../src/wire/mqtt/client-encoder.ts';
import { frameLength } from '../../../src/wire/mqtt/frame.ts';
import { Mount } from '../../../src/wire/mqtt/mount.ts';
import { MountReader } from '../../../src/wire/mqtt/mount-reader.ts';
import { MountWriter } from '../../../src/wire/mqtt/mount-writer.ts';

const test = suite('mount point');
const PREFIX = 'plant/7/';

function decode(bytes: Uint8Array, level: 4 | 5): Packet[] {
  const packets: Packet[] = [];
  const reading = parser({ protocolVersion: level });
  reading.on('packet', (packet: Packet) => packets.push(packet));
  reading.on('error', (error: Error) => {
    throw error;
  });
  reading.parse(Buffer.from(bytes));
  return packets;
}

/** What a session reads of `packets`, which come in pieces of `size` bytes. */
function entered(packets: readonly Uint8Array[], size = 1_000_000, max = 1_000_000): Buffer {
  const reader = new MountReader(new Mount(PREFIX), max);
  const all = Buffer.concat(packets);
  const out: Buffer[] = [];
  for (let at = 0; at < all.length; at += size) {
    const headroom = 3;
    const read = Buffer.concat([Buffer.alloc(headroom), all.subarray(at, at + size)]);
    out.push(Buffer.from(reader.read(read, headroom, read.length)));
    read.fill(0xff); // the next read comes to the same place
  }
  return Buffer.concat(out);
}

function connect(level: 4 | 5, willTopic?: string): Uint8Array {
  const will =
    willTopic === undefined ? {} : { will: { topic: willTopic, payload: Buffer.from('w'), qos: 1 as const, retain: true } };
  return encodeConnect({ level, clientId: 'c', cleanStart: true, keepAliveSeconds: 3, ...will });
}

const entry = (filter: string) => ({
  filter,
  qos: 1 as const,
  noLocal: false,
  retainAsPublished: false,
  retainHandling: 0 as const,
});

test('everything that a client names gets the prefix, in both dialects, in any pieces', () => {
  const topic = fc.string({ minLength: 1, maxLength: 40 }).map((text) => text.replace(/[#+\0]/g, 'x'));
  const payload = fc.uint8Array({ maxLength: 300 });
  const sent = fc.record({ topic, payload, filters: fc.array(topic, { minLength: 1, maxLength: 4 }) });
  fc.assert(
    fc.property(
      fc.constantFrom<4 | 5>(4, 5),
      topic,
      fc.array(sent, { maxLength: 4 }),
      fc.integer({ min: 1, max: 200 }),
      (level, will, all, size) => {
        const dialect = level === 5 ? 1 : 0;
        const packets = [connect(level, will)];
        for (const { topic: name, payload: body, filters } of all) {
          packets.push(
            encodePublish(dialect, {
              topic: name,
              payload: body,
              qos: 1,
              packetId: 7,
              properties: level === 5 ? Uint8Array.of(1, 1) : undefined,
            }),
          );
          packets.push(encodeSubscribe(dialect, 9, filters.map(entry), level === 5 ? 5 : undefined), PINGREQ);
        }
        const got = decode(entered(packets, size), level) as unknown as Record<string, unknown>[];
        const plain = decode(Buffer.concat(packets), level) as unknown as Record<string, unknown>[];
        assert.is(got.length, plain.length);
        for (const [i, packet] of got.entries()) {
          const before = plain[i]!;
          if (packet.cmd === 'connect')
            assert.is((packet.will as { topic: string }).topic, PREFIX + (before.will as { topic: string }).topic);
          if (packet.cmd === 'publish') {
            assert.is(packet.topic, PREFIX + String(before.topic));
            assert.equal(
              [packet.payload, packet.properties, packet.messageId],
              [before.payload, before.properties, before.messageId],
            );
          }
          if (packet.cmd === 'subscribe') {
            const filters = (list: unknown): string[] => (list as { topic: string }[]).map(({ topic: filter }) => filter);
            assert.equal(
              filters(packet.subscriptions),
              filters(before.subscriptions).map((filter) => PREFIX + filter),
            );
          }
        }
      },
    ),
  );
});

test('filters that are more than a topic', () => {
  const table: [filter: string, expected: string][] = [
    ['#', 'plant/7/+/#'],
    ['+', 'plant/7/+'],
    ['a/#', 'plant/7/a/#'],
    ['/', 'plant/7//'],
    ['$share/g/a/+', '$share/g/plant/7/a/+'],
    ['$share/g/#', '$share/g/plant/7/+/#'],
    ['$queue/a', '$queue/plant/7/a'],
    ['$SYS/#', 'plant/7/$SYS/#'],
    ['', ''],
    ['$share/g', '$share/g'],
    ['$share/g/', '$share/g/'],
    ['$queue/', '$queue/'],
    ['$shared/a', 'plant/7/$shared/a'],
  ];
  for (const [filter, expected] of table) {
    const [, got] = decode(entered([connect(4), encodeSubscribe(0, 1, [entry(filter)])]), 4);
    assert.is((got as unknown as { subscriptions: { topic: string }[] }).subscriptions[0]!.topic, expected);
  }
});

test('UNSUBSCRIBE as SUBSCRIBE', () => {
  const unsubscribe = Uint8Array.of(0xa2, 10, 0, 1, 0, 1, 0x23, 0, 3, 0x61, 0x2f, 0x62);
  const [, got] = decode(entered([connect(4), unsubscribe]), 4);
  assert.equal((got as unknown as { unsubscriptions: string[] }).unsubscriptions, ['plant/7/+/#', 'plant/7/a/b']);
});

test('a packet that stands for an alias, and one without topics, pass as they are', () => {
  const alias = encodePublish(1, { topic: '', payload: Buffer.from('x'), properties: Uint8Array.of(0x23, 0, 1) });
  const got = entered([connect(5), alias, PINGREQ]);
  assert.ok(got.subarray(connect(5).length).equals(Buffer.concat([alias, PINGREQ])));
});

test('what would hide a topic from the prefix is made malformed for certain', () => {
  const table: [why: string, packet: Uint8Array][] = [
    ['a topic longer than its packet', Uint8Array.of(0x30, 4, 0, 9, 0x61, 0x62)],
    ['no topic at all', Uint8Array.of(0x30, 1, 0)],
    ['a filter longer than its packet', Uint8Array.of(0x82, 6, 0, 1, 0, 9, 0x61, 0)],
    ['a filter without options', Uint8Array.of(0x82, 5, 0, 1, 0, 1, 0x61)],
    ['a topic that the prefix makes too long', encodePublish(0, { topic: 'x'.repeat(65_530), payload: Buffer.alloc(0) })],
  ];
  for (const [why, packet] of table) {
    const got = entered([connect(4), packet]).subarray(connect(4).length);
    assert.equal([...got], [0, 0], why);
  }
  const will = Buffer.from(connect(4, 'will'));
  will[will.length - 8] = 0xff; // its length
  assert.equal([...entered([will])], [0, 0]);
});

test('a length that is malformed, or larger than the client may send, ends it at once', () => {
  const malformed = entered([Uint8Array.of(0x30, 0xff, 0xff, 0xff, 0xff, 1, 2), PINGREQ]);
  assert.is(frameLength(malformed, 0, malformed.length), -1);
  const large = entered([Uint8Array.of(0x30, 0xe8, 0x07, 0, 1), PINGREQ, PINGREQ], 1, 1000);
  assert.is(frameLength(large, 0, large.length), MQTT_PACKET_BYTES_MAX);
  assert.is(large.length, 5, 'nothing after it counts');
});

test('a client is sent its topics without the prefix, however the packets are cut into writes', () => {
  const topic = fc.string({ maxLength: 30 }).map((text) => text.replace(/[#+\0]/g, 'x'));
  const message = fc.record({ topic, payload: fc.uint8Array({ maxLength: 300 }), isOurs: fc.boolean() });
  fc.assert(
    fc.property(
      fc.constantFrom<4 | 5>(4, 5),
      fc.array(message, { maxLength: 6 }),
      fc.integer({ min: 1, max: 500 }),
      (level, messages, size) => {
        const dialect = level === 5 ? 1 : 0;
        const packets = messages.flatMap(({ topic: name, payload, isOurs }) => [
          encodePublish(dialect, { topic: isOurs ? `${PREFIX}x${name}` : `other/${name}`, payload, qos: 1, packetId: 3 }),
          Uint8Array.of(0x40, 2, 0, 1),
        ]);
        const all = Buffer.concat(packets);
        const writer = new MountWriter(new Mount(PREFIX));
        const out: Uint8Array[] = [];
        for (let at = 0; at < all.length; at += size) out.push(writer.write(all.subarray(at, at + size)));
        const got = decode(Buffer.concat(out), level).filter(({ cmd }) => cmd === 'publish') as unknown as {
          topic: string;
          payload: Buffer;
        }[];
        assert.equal(
          got.map((packet) => packet.topic),
          messages.map(({ topic: name, isOurs }) => (isOurs ? `x${name}` : `other/${name}`)),
        );
        assert.equal(
          got.map(({ payload }) => [...payload]),
          messages.map(({ payload }) => [...payload]),
        );
      },
    ),
  );
});

test.run();
