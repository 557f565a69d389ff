import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { ByteConsumer, Connection } from '../../../bench/load/connection.ts';
import { PacedPublisher } from '../../../bench/load/paced-publisher.ts';
import { layoutOf, PUBACK, type PublishShape } from '../../../bench/load/packets.ts';
import { StampSpan } from '../../../bench/load/stamp-span.ts';
import { Histogram } from '../../../src/base/histogram.ts';

const shape: PublishShape = { topic: 'bench/0', payloadBytes: 16, qos: 1, level: 4 };

/** A connection whose writes are kept; acks are put in by hand. */
function fakeConnection(): { connection: Connection; written: Buffer[]; ack: (id: number) => void } {
  const written: Buffer[] = [];
  const fake = {
    onBytes: (() => undefined) as ByteConsumer,
    socket: { write: (bytes: Buffer) => written.push(Buffer.from(bytes)) },
  };
  const ack = (id: number): void => fake.onBytes(Buffer.from([PUBACK, 2, 0, id]), 4);
  return { connection: fake as unknown as Connection, written, ack };
}

const test = suite('paced publisher');

test('a message that has to wait keeps its intended time as its stamp, and the wait is in its ack latency and lag', () => {
  const { connection, written, ack } = fakeConnection();
  const span = new StampSpan();
  span.open(0);
  const ackLatency = new Histogram();
  const sendLag = new Histogram();
  let clock = 10;
  const options = { connection, shapes: [shape], window: 1, slotsMin: 4, stampEvery: 1, now: () => clock, span, ackLatency };
  const publisher = new PacedPublisher(options, sendLag);
  const stampAt = layoutOf(shape).payloadAt + 1;
  publisher.offer(10, 10);
  publisher.offer(11, 11);
  publisher.offer(12, 12);
  assert.equal([publisher.offered, publisher.sent, written.length], [3, 1, 1]);
  clock = 50;
  ack(1);
  assert.is(written.length, 2);
  assert.is(written[1]?.readDoubleLE(stampAt), 11);
  clock = 60;
  ack(2);
  clock = 61;
  ack(3);
  assert.equal(
    written.map((packet) => packet.readDoubleLE(stampAt)),
    [10, 11, 12],
  );
  assert.equal([ackLatency.count, ackLatency.min, ackLatency.max], [3, 40_000, 49_000]);
  assert.equal([sendLag.count, sendLag.min, sendLag.max], [3, 0, 48_000]);
  publisher.offer(62, 62);
  assert.is(publisher.sent, 4);
});

test('an ack out of order fails the run', () => {
  const { connection, ack } = fakeConnection();
  const histogram = new Histogram();
  const options = {
    connection,
    shapes: [shape],
    window: 3,
    slotsMin: 6,
    stampEvery: 1,
    now: () => 0,
    span: new StampSpan(),
    ackLatency: histogram,
  };
  const publisher = new PacedPublisher(options, histogram);
  publisher.offer(0, 0);
  publisher.offer(0, 0);
  assert.throws(() => ack(2), /where 1 was due/);
});

test.run();
