/**
 * QoS 1 and 2 with a full window: what the acks of one read free goes out in one write, a slice of a prebuilt table of packets.
 * QoS 2 answers the PUBRECs of a read with one slice of PUBRELs.
 */
import type { Histogram } from '../../src/base/histogram.ts';
import { AckReader } from './ack-reader.ts';
import { AckRuns } from './ack-runs.ts';
import { BenchError } from './bench-error.ts';
import type { Connection } from './connection.ts';
import { buildBlock, layoutOf, PUBACK, PUBCOMP, PUBREC, PUBREL, type PublishLayout, type PublishShape } from './packets.ts';
import { SendWindow } from './send-window.ts';

/** One message in so many carries a stamp. */
const STAMP_EVERY = 32;

export interface WindowPublisherOptions {
  readonly connection: Connection;
  readonly shape: PublishShape;
  readonly window: number;
  readonly now: () => number;
  /** Takes the time from sending to the last ack, microseconds, while `recording`. */
  readonly ackLatency: Histogram;
}

export class WindowPublisher {
  recording = false;
  readonly #connection: Connection;
  readonly #window: SendWindow;
  readonly #layout: PublishLayout;
  readonly #table: Buffer;
  readonly #now: () => number;
  readonly #ackLatency: Histogram;
  readonly #reader: AckReader;
  readonly #releases: AckRuns;
  readonly #lastAck: number;
  #running = false;
  #readAt = 0;

  constructor(options: WindowPublisherOptions) {
    this.#connection = options.connection;
    this.#window = new SendWindow(options.window);
    this.#layout = layoutOf(options.shape);
    this.#table = buildBlock(options.shape, this.#window.slots, 1, STAMP_EVERY);
    this.#now = options.now;
    this.#ackLatency = options.ackLatency;
    this.#lastAck = options.shape.qos === 2 ? PUBCOMP : PUBACK;
    this.#releases = new AckRuns(PUBREL, (acks) => options.connection.socket.write(acks));
    this.#reader = new AckReader((type, packetId) => this.#onAck(type, packetId));
    options.connection.onBytes = (bytes, length) => this.#take(bytes, length);
  }

  get sent(): number {
    return this.#window.sent;
  }

  /** Messages whose last ack has come. */
  get acked(): number {
    return this.#window.acked;
  }

  start(): void {
    this.#running = true;
    this.#fill();
  }

  stop(): void {
    this.#running = false;
  }

  #take(bytes: Buffer, length: number): void {
    this.#readAt = this.#now();
    this.#reader.take(bytes, length);
    this.#releases.flush();
    if (this.#running) this.#fill();
  }

  #onAck(type: number, packetId: number): void {
    if (type === PUBREC && this.#lastAck === PUBCOMP) {
      this.#releases.add(packetId);
      return;
    }
    if (type !== this.#lastAck || packetId !== this.#window.nextAckId) {
      throw new BenchError(
        'protocol',
        `ack 0x${type.toString(16)} of packet ${packetId} came where ${this.#window.nextAckId} was due`,
      );
    }
    const slot = packetId - 1;
    if (this.recording && this.#layout.stamped && slot % STAMP_EVERY === 0) {
      this.#ackLatency.record(
        (this.#readAt - this.#table.readDoubleLE(slot * this.#layout.size + this.#layout.payloadAt + 1)) * 1000,
      );
    }
    this.#window.ack();
  }

  #fill(): void {
    while (this.#window.credit > 0) {
      const { first, count } = this.#window.take(this.#window.credit);
      this.#stamp(first, count);
      this.#connection.socket.write(this.#table.subarray(first * this.#layout.size, (first + count) * this.#layout.size));
    }
  }

  #stamp(first: number, count: number): void {
    if (!this.#layout.stamped) return;
    const now = this.#now();
    const { size, payloadAt } = this.#layout;
    for (let slot = Math.ceil(first / STAMP_EVERY) * STAMP_EVERY; slot < first + count; slot += STAMP_EVERY) {
      this.#table.writeDoubleLE(now, slot * size + payloadAt + 1);
    }
  }
}
