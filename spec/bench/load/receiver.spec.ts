import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  layoutOf,
  PUBACK,
  PUBCOMP,
  PUBREC,
  PUBREL,
  type PublishShape,
  type Qos,
  writePublish,
} from '../../../bench/load/packets.ts';
import { Receiver } from '../../../bench/load/receiver.ts';
import { StampSpan } from '../../../bench/load/stamp-span.ts';
import { Histogram } from '../../../src/base/histogram.ts';

const shapeOf = (qos: Qos, payloadBytes = 20): PublishShape => ({ topic: 'bench/0', payloadBytes, qos, level: 4 });

function publish(shape: PublishShape, id: number, stamp?: number): Buffer {
  const { size, payloadAt } = layoutOf(shape);
  const packet = Buffer.alloc(size);
  writePublish(packet, 0, shape, id, stamp !== undefined);
  if (stamp !== undefined) packet.writeDoubleLE(stamp, payloadAt + 1);
  return packet;
}

function ack(type: number, id: number): Buffer {
  return Buffer.from([type, 2, id >> 8, id & 255]);
}

interface Bench {
  readonly receiver: Receiver;
  readonly acks: Buffer[];
  readonly span: StampSpan;
  readonly latency: Histogram;
}

function benchOf(shape: PublishShape, now: () => number = () => 0): Bench {
  const acks: Buffer[] = [];
  const span = new StampSpan();
  const latency = new Histogram();
  const write = (bytes: Buffer): void => void acks.push(Buffer.from(bytes));
  return { receiver: new Receiver({ layout: layoutOf(shape), qos: shape.qos, write, now, span, latency }), acks, span, latency };
}

/** Feeds `bytes` cut at `cuts`, always from one reused buffer as the socket does. */
function feed(receiver: Receiver, bytes: Buffer, cuts: readonly number[]): void {
  const shared = Buffer.alloc(bytes.length);
  const edges = [...new Set([0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length])].sort((a, b) => a - b);
  for (let i = 1; i < edges.length; i++) {
    const length = bytes.copy(shared, 0, edges[i - 1], edges[i]);
    receiver.take(shared, length);
    shared.fill(0xee);
  }
}

const cuts = fc.array(fc.nat(), { maxLength: 30 });
const ids = fc.array(fc.oneof(fc.integer({ min: 1, max: 65_535 }), fc.constantFrom(65_534, 65_535, 1, 2)), {
  minLength: 1,
  maxLength: 40,
});

const test = suite('receiver');

test('counts every message however the stream is cut', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 40 }), cuts, fc.integer({ min: 0, max: 300 }), (count, at, payloadBytes) => {
      const shape = shapeOf(0, payloadBytes);
      const { receiver, acks } = benchOf(shape);
      feed(receiver, Buffer.concat(Array.from({ length: count }, () => publish(shape, 0))), at);
      assert.is(receiver.received, count);
      assert.is(acks.length, 0);
    }),
  );
});

test('acknowledges every QoS 1 message in order, once', () => {
  fc.assert(
    fc.property(ids, cuts, (packetIds, at) => {
      const shape = shapeOf(1);
      const { receiver, acks } = benchOf(shape);
      feed(receiver, Buffer.concat(packetIds.map((id) => publish(shape, id))), at);
      assert.is(receiver.received, packetIds.length);
      assert.ok(Buffer.concat(acks).equals(Buffer.concat(packetIds.map((id) => ack(PUBACK, id)))));
    }),
  );
});

test('answers PUBLISH by PUBREC and PUBREL by PUBCOMP, mixed in one stream', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 65_535 })), { minLength: 1, maxLength: 40 }),
      cuts,
      (packets, at) => {
        const shape = shapeOf(2);
        const { receiver, acks } = benchOf(shape);
        feed(receiver, Buffer.concat(packets.map(([release, id]) => (release ? ack(PUBREL, id) : publish(shape, id)))), at);
        const sent = Buffer.concat(acks);
        const owed = (release: boolean, type: number): Buffer =>
          Buffer.concat(packets.filter(([kind]) => kind === release).map(([, id]) => ack(type, id)));
        const sentOf = (type: number): Buffer => {
          const found: Buffer[] = [];
          for (let pos = 0; pos < sent.length; pos += 4) if (sent[pos] === type) found.push(sent.subarray(pos, pos + 4));
          return Buffer.concat(found);
        };
        assert.ok(sentOf(PUBREC).equals(owed(false, PUBREC)));
        assert.ok(sentOf(PUBCOMP).equals(owed(true, PUBCOMP)));
      },
    ),
  );
});

test('a run of ids is one slice', () => {
  const shape = shapeOf(1);
  const { receiver, acks } = benchOf(shape);
  feed(receiver, Buffer.concat([65_533, 65_534, 65_535, 1, 2].map((id) => publish(shape, id))), []);
  assert.is(acks.length, 1);
});

test('latency counts what was stamped within the span, also when it arrives after its end', () => {
  for (const qos of [0, 1] as const) {
    const shape = shapeOf(qos);
    let clock = 100;
    const { receiver, span, latency } = benchOf(shape, () => clock);
    receiver.take(publish(shape, 1, 90), layoutOf(shape).size);
    span.open(100);
    receiver.take(publish(shape, 2, 99), layoutOf(shape).size);
    clock = 110;
    receiver.take(publish(shape, 3, 105), layoutOf(shape).size);
    receiver.take(publish(shape, 4), layoutOf(shape).size);
    span.close(200);
    clock = 230;
    receiver.take(publish(shape, 5, 190), layoutOf(shape).size);
    receiver.take(publish(shape, 6, 205), layoutOf(shape).size);
    assert.equal([latency.count, latency.min, latency.max], [2, 5000, 40_000]);
  }
});

test('a packet that the load did not send fails the run', () => {
  const shape = shapeOf(0);
  const { receiver } = benchOf(shape);
  receiver.take(publish(shape, 0), layoutOf(shape).size);
  const foreign = Buffer.from([0xe0, 0, ...Buffer.alloc(100)]);
  assert.throws(() => receiver.take(foreign, foreign.length), /e000.*after 1 messages/);
  const other = benchOf(shapeOf(1)).receiver;
  assert.throws(() => other.take(publish(shape, 0), layoutOf(shape).size), /does not send/);
});

test.run();
