import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Dialect, Qos } from '../../../src/wire/mqtt/constants.ts';
import { frameLength } from '../../../src/wire/mqtt/frame.ts';
import {
  extendRun,
  newPublishView,
  type PublishRun,
  packetEnd,
  packetIdOffset,
  packetTopic,
  readPublish,
} from '../../../src/wire/mqtt/publish-run.ts';
import * as any from './arbitraries.ts';

const test = suite('publish runs');

const PACKET_MAX = 20_000;

interface Packet {
  readonly dialect: Dialect;
  readonly bytes: Uint8Array;
  readonly oracle: Record<string, unknown>;
}

function packet(dialect: Dialect, cmd: Record<string, unknown>): Packet {
  const bytes = any.oracleEncode(dialect ? 5 : 4, cmd);
  return { dialect, bytes: Uint8Array.from(bytes), oracle: any.oracleDecode(dialect ? 5 : 4, bytes) as Record<string, unknown> };
}

/** Few topics, so that neighbours are often of one run; lengths on both sides of one, two and three bytes of remaining length. */
const publish = (dialect: Dialect): fc.Arbitrary<Packet> =>
  fc
    .record({
      topic: fc.constantFrom('a', 'a', 'a', 'b', 'ab', 'ü/😀'),
      payload: fc.oneof(
        { weight: 9, arbitrary: any.bytes },
        { weight: 1, arbitrary: fc.constant(new Uint8Array(16_500).fill(0x30)) },
      ),
      qos: fc.constantFrom<Qos>(0, 0, 1, 2),
      retain: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
      dup: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
      messageId: any.packetId,
      expiry: fc.integer({ min: 0, max: 5 }),
    })
    .map((p) =>
      packet(dialect, {
        cmd: 'publish',
        ...p,
        dup: p.dup && p.qos > 0,
        payload: Buffer.from(p.payload),
        properties: p.expiry === 0 ? { messageExpiryInterval: 9 } : {},
      }),
    );
const other = (dialect: Dialect): fc.Arbitrary<Packet> =>
  fc
    .constantFrom({ cmd: 'pingreq' }, { cmd: 'puback', messageId: 7 }, { cmd: 'pubrel', messageId: 7 })
    .map((p) => packet(dialect, p));
const stream = fc.constantFrom<Dialect>(0, 1).chain((dialect) =>
  fc.record({
    dialect: fc.constant(dialect),
    packets: fc.array(fc.oneof({ weight: 8, arbitrary: publish(dialect) }, { weight: 1, arbitrary: other(dialect) }), {
      maxLength: 25,
    }),
    before: fc.nat({ max: 5 }),
    /** Bytes of a packet that has not come whole. */
    cut: fc.nat({ max: 30 }),
  }),
);

function emptyRun(): PublishRun<string, null> {
  return {
    topic: '',
    publisher: null,
    dialect: 0,
    qos: 0,
    retain: false,
    count: 0,
    buffer: new Uint8Array(0),
    start: 0,
    end: 0,
    expiresAt: 0,
  };
}

/** The run at `at`, found as the broker does it; undefined when there is no PUBLISH. */
function runAt(
  buffer: Uint8Array,
  at: number,
  limit: number,
  dialect: Dialect,
  packetMax: number,
): PublishRun<string, null> | undefined {
  const length = frameLength(buffer, at, limit);
  const view = newPublishView();
  if (buffer[at]! >> 4 !== 3 || !readPublish(buffer, at, at + length, dialect, view)) return undefined;
  const run = { ...emptyRun(), dialect, buffer, start: at, end: at + length, count: 1 };
  if (view.propertiesEnd === view.propertiesStart) extendRun(run, view, limit, packetMax);
  return run;
}

/** What packets of one run have in common. */
function kind({ oracle, bytes }: Packet): string {
  return `${oracle.topic} ${bytes[0]}`;
}

function hasProperties({ oracle }: Packet): boolean {
  return oracle.properties !== undefined && Object.keys(oracle.properties as object).length > 0;
}

test('reads the layout of a packet as mqtt-packet does', () => {
  fc.assert(
    fc.property(
      fc.constantFrom<Dialect>(0, 1).chain((dialect) => publish(dialect)),
      fc.nat({ max: 4 }),
      ({ dialect, bytes, oracle }, at) => {
        const buffer = new Uint8Array(at + bytes.length + 3).fill(0x31);
        buffer.set(bytes, at);
        const view = newPublishView();
        assert.ok(readPublish(buffer, at, at + bytes.length, dialect, view));
        assert.is(Buffer.from(buffer.subarray(view.topicStart, view.topicEnd)).toString(), oracle.topic);
        assert.ok(Buffer.from(buffer.subarray(view.payloadStart, view.end)).equals(oracle.payload as Buffer));
        assert.is(view.packetId, oracle.qos === 0 ? 0 : oracle.messageId);
        assert.equal([view.start, view.end, view.header], [at, at + bytes.length, bytes[0]]);
        const properties = buffer.subarray(view.propertiesStart, view.propertiesEnd);
        assert.equal([...properties], hasProperties({ dialect, bytes, oracle }) && dialect === 1 ? [2, 0, 0, 0, 9] : []);
        assert.equal(packetTopic(buffer, at), { start: view.topicStart, end: view.topicEnd });
        assert.is(packetEnd(buffer, at), view.end);
        if (view.packetId > 0) {
          const idAt = packetIdOffset(buffer, at, view.topicEnd - view.topicStart);
          assert.is((buffer[idAt]! << 8) | buffer[idAt + 1]!, view.packetId);
        }
      },
    ),
  );
});

test('runs part a stream between packets, and take all neighbours that belong together', () => {
  fc.assert(
    fc.property(stream, ({ dialect, packets, before, cut }) => {
      const tail = packet(dialect, { cmd: 'publish', topic: 'a', payload: Buffer.alloc(40), qos: 0, retain: false, dup: false });
      const buffer = Uint8Array.from(
        Buffer.concat([Buffer.alloc(before), ...packets.map(({ bytes }) => bytes), tail.bytes.subarray(0, cut)]),
      );
      const limit = buffer.length;
      let at = before;
      for (let i = 0; i < packets.length; ) {
        const first = packets[i]!;
        const run = runAt(buffer, at, limit, dialect, PACKET_MAX);
        if (first.oracle.cmd !== 'publish') {
          assert.is(run, undefined);
          at += first.bytes.length;
          i++;
          continue;
        }
        let count = 1;
        while (
          !hasProperties(first) &&
          i + count < packets.length &&
          kind(packets[i + count]!) === kind(first) &&
          !hasProperties(packets[i + count]!)
        )
          count++;
        assert.is(run!.count, count);
        const members = packets.slice(i, i + count);
        for (const { bytes } of members) {
          assert.is(packetEnd(buffer, at), at + bytes.length);
          at += bytes.length;
        }
        assert.is(run!.end, at);
        i += count;
      }
      assert.is(at, limit - cut);
    }),
    { numRuns: 400 },
  );
});

test('a run ends before a packet that is too large', () => {
  const small = packet(0, { cmd: 'publish', topic: 'a', payload: 'x', qos: 0, retain: false, dup: false }).bytes;
  const large = packet(0, { cmd: 'publish', topic: 'a', payload: 'x'.repeat(50), qos: 0, retain: false, dup: false }).bytes;
  const buffer = Uint8Array.from([...small, ...large, ...small]);
  assert.is(runAt(buffer, 0, buffer.length, 0, large.length - 1)!.count, 1);
  assert.is(runAt(buffer, 0, buffer.length, 0, large.length)!.count, 3);
});

test('a run takes nothing that would be refused by itself', () => {
  const base = fc.record({ qos: any.qos, payload: fc.uint8Array({ maxLength: 150 }), messageId: any.packetId });
  const damage = fc.array(fc.tuple(fc.nat({ max: 12 }), fc.oneof(fc.constantFrom(0, 1, 0x80, 0xff), fc.nat({ max: 255 }))), {
    maxLength: 3,
  });
  fc.assert(
    fc.property(any.dialect, base, damage, fc.nat({ max: 3 }), (dialect, p, changes, cut) => {
      const bytes = packet(dialect, {
        cmd: 'publish',
        topic: 'ab',
        retain: false,
        dup: false,
        ...p,
        payload: Buffer.from(p.payload),
      }).bytes;
      const damaged = Uint8Array.from(bytes);
      for (const [at, value] of changes) if (at < damaged.length) damaged[at] = value;
      const buffer = Uint8Array.from([...bytes, ...damaged, ...bytes]);
      const limit = buffer.length - cut;
      const run = runAt(buffer, 0, limit, dialect, PACKET_MAX)!;
      assert.ok(run.end <= limit);
      let at = 0;
      for (let i = 0; i < run.count; i++) {
        const length = frameLength(buffer, at, limit);
        assert.ok(length > 0 && at + length <= run.end);
        const view = newPublishView();
        assert.ok(readPublish(buffer, at, at + length, dialect, view));
        assert.is(view.header, buffer[0]);
        assert.is(Buffer.from(buffer.subarray(view.topicStart, view.topicEnd)).toString(), 'ab');
        assert.is(view.packetId === 0, p.qos === 0);
        assert.is(view.propertiesStart, view.propertiesEnd);
        at += length;
      }
      assert.is(at, run.end);
    }),
    { numRuns: 3000 },
  );
});

const REFUSED: readonly [string, Dialect, readonly number[]][] = [
  ['QoS 3 [MQTT-3.3.1-4]', 0, [0x36, 5, 0, 1, 0x61, 0, 1]],
  ['DUP at QoS 0 [MQTT-3.3.1-2]', 0, [0x38, 3, 0, 1, 0x61]],
  ['nothing', 0, [0x30, 0]],
  ['half a topic length', 0, [0x30, 1, 0]],
  ['a topic that overruns', 0, [0x30, 3, 0, 2, 0x61]],
  ['no packet id', 0, [0x32, 3, 0, 1, 0x61]],
  ['half a packet id', 0, [0x32, 4, 0, 1, 0x61, 1]],
  ['no property length', 1, [0x30, 3, 0, 1, 0x61]],
  ['half a property length', 1, [0x30, 4, 0, 1, 0x61, 0x80]],
  ['a property length in a longer form than needed', 1, [0x30, 5, 0, 1, 0x61, 0x80, 0]],
  ['properties that overrun', 1, [0x30, 4, 0, 1, 0x61, 1]],
];

for (const [name, dialect, bytes] of REFUSED) {
  test(`a packet with ${name} is malformed`, () => {
    // What follows must not be taken for a part of it.
    const buffer = Uint8Array.from([...bytes, 0, 0, 0, 0, 0, 0]);
    assert.not.ok(readPublish(buffer, 0, bytes.length, dialect, newPublishView()));
  });
}

test.run();
