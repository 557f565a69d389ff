/**
 * Retained messages to those who subscribe: each subscriber takes all of them with one wildcard, and when it has the last it subscribes again, so that all of them are being served all the time. The rate counts messages; latency is from
 * SUBSCRIBE to the last message of the set. What was retained is deleted again.
 */
import { performance } from 'node:perf_hooks';
import { Histogram } from '../../src/base/histogram.ts';
import { BenchError } from './bench-error.ts';
import { Clients, topicsOf } from './clients.ts';
import type { Connection } from './connection.ts';
import type { RawRun, RetainedJob } from './job.ts';
import { measure } from './meter.ts';
import { ACK_BYTES, layoutOf, PUBACK, type PublishShape, subscribePacket, writePublish } from './packets.ts';
import type { RunContext } from './run-context.ts';
import { StampSpan } from './stamp-span.ts';

const RETAIN = 1;
const SUBACK = 0x90;
/** Retained messages that wait for their PUBACK. */
const WINDOW = 1000;

const now = (): number => performance.now();

/** One subscriber, again and again. Messages and the SUBACK of a set come in any order. */
class Subscriber {
  received = 0;
  readonly #connection: Connection;
  readonly #job: RetainedJob;
  readonly #size: number;
  readonly #span: StampSpan;
  readonly #latency: Histogram;
  #carry: Buffer = Buffer.alloc(0);
  #missing = 0;
  #askedAt = 0;
  #isOver = false;

  constructor(connection: Connection, job: RetainedJob, size: number, span: StampSpan, latency: Histogram) {
    this.#connection = connection;
    this.#job = job;
    this.#size = size;
    this.#span = span;
    this.#latency = latency;
    connection.consume((bytes, length) => this.#take(bytes, length));
  }

  ask(): void {
    this.#missing = this.#job.topics + 1;
    this.#askedAt = now();
    this.#connection.socket.write(subscribePacket('bench/#', 0, this.#job.level));
  }

  /** Asks no more. */
  end(): void {
    this.#isOver = true;
  }

  #take(bytes: Buffer, length: number): void {
    const all = this.#carry.length === 0 ? bytes : Buffer.concat([this.#carry, bytes.subarray(0, length)]);
    const end = this.#carry.length === 0 ? length : all.length;
    let at = 0;
    for (let size = this.#sizeAt(all, at, end); size > 0 && at + size <= end; size = this.#sizeAt(all, at, end)) {
      if (all[at] !== SUBACK) this.received++;
      at += size;
      if (--this.#missing === 0) this.#complete();
    }
    this.#carry = at === end ? Buffer.alloc(0) : Buffer.from(all.subarray(at, end));
  }

  #complete(): void {
    if (this.#span.holds(this.#askedAt)) this.#latency.record((now() - this.#askedAt) * 1000);
    if (!this.#isOver) this.ask();
  }

  /** 0: not to be told yet. */
  #sizeAt(bytes: Buffer, at: number, end: number): number {
    if (at + 1 >= end) return 0;
    const first = bytes[at] as number;
    if (first === (0x30 | RETAIN)) return this.#size;
    if (first === SUBACK) return 2 + (bytes[at + 1] as number);
    throw new BenchError('protocol', `a subscriber got a packet that this load does not send: 0x${first.toString(16)}`);
  }
}

export async function runRetained(job: RetainedJob, context: RunContext): Promise<RawRun> {
  const publishers = new Clients(job, context);
  const publisher = await publishers.connect('bench-pub');
  const shapes = topicsOf(0, 1, job.topics).map(
    (topic): PublishShape => ({ topic, payloadBytes: job.payloadBytes, qos: 1, level: job.level }),
  );
  await retain(publisher, shapes);
  const span = new StampSpan();
  const latency = new Histogram();
  const { size } = layoutOf({ ...shapes[0]!, qos: 0 });
  const clients = new Clients(job, context);
  const subscribers: Subscriber[] = [];
  for (let i = 0; i < job.subscribers; i++) {
    subscribers.push(new Subscriber(await clients.connect(`bench-sub-${i}`), job, size, span, latency));
  }
  for (const subscriber of subscribers) subscriber.ask();
  const counters = () => {
    const perClient = subscribers.map(({ received }) => received);
    const received = perClient.reduce((sum, each) => sum + each, 0);
    return { sent: received, received, perClient };
  };
  const figures = await measure({ ...job, now, span, counters, progress: context.progress });
  for (const subscriber of subscribers) subscriber.end();
  const delivered = counters().received;
  clients.closeAll();
  await retain(
    publisher,
    shapes.map((shape) => ({ ...shape, payloadBytes: 0 })),
  );
  publishers.closeAll();
  const empty = new Histogram().snapshot();
  return {
    ...figures,
    delivered,
    lost: 0,
    latency: latency.snapshot(),
    ackLatency: empty,
    sendLag: empty,
  };
}

/** Resolves when the peer has acknowledged them all. An empty payload deletes. */
async function retain(connection: Connection, shapes: readonly PublishShape[]): Promise<void> {
  let acked = 0;
  let wake: () => void = () => {};
  let pending = 0;
  connection.consume((bytes, length) => {
    if (bytes[0] !== PUBACK && pending === 0) throw new BenchError('protocol', 'a retained message was not acknowledged');
    pending += length;
    acked += Math.floor(pending / ACK_BYTES);
    pending %= ACK_BYTES;
    wake();
  });
  for (let sent = 0; acked < shapes.length; ) {
    for (; sent < shapes.length && sent - acked < WINDOW; sent++) {
      const shape = shapes[sent]!;
      const packet = Buffer.alloc(layoutOf(shape).size);
      writePublish(packet, 0, shape, (sent % 60_000) + 1, false);
      packet[0]! |= RETAIN;
      connection.socket.write(packet);
    }
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  }
}
