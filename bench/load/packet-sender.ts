/**
 * The sending side of one publisher with a bounded window: packets are slices of a prebuilt table, acks are counted in bulk, QoS 2
 * answers the PUBRECs of a read with one slice of PUBRELs. At QoS 0 a message is done when the socket has taken it. What to do with
 * the credit that comes back is the owner's business (`onCredit`): a flood fills the window up, a paced load sends what is due.
 */
import type { Histogram } from '../../src/base/histogram.ts';
import { AckReader } from './ack-reader.ts';
import { AckRuns } from './ack-runs.ts';
import { BenchError } from './bench-error.ts';
import type { Connection } from './connection.ts';
import {
  buildBlock,
  layoutOf,
  PUBACK,
  PUBCOMP,
  PUBREC,
  PUBREL,
  type PublishLayout,
  type PublishShape,
  type Qos,
} from './packets.ts';
import { SendWindow } from './send-window.ts';
import type { StampSpan } from './stamp-span.ts';

export interface PacketSenderOptions {
  readonly connection: Connection;
  /** What takes turns in the messages; one layout. */
  readonly shapes: readonly PublishShape[];
  readonly window: number;
  /** Packets in the table at least; at least two windows in any case. */
  readonly slotsMin: number;
  /** One message in so many carries a stamp. */
  readonly stampEvery: number;
  readonly now: () => number;
  readonly span: StampSpan;
  /** Takes the time from the stamp to the last ack, microseconds, of stamps within the span. */
  readonly ackLatency: Histogram;
  readonly onCredit: () => void;
}

export class PacketSender {
  readonly #options: PacketSenderOptions;
  readonly #window: SendWindow;
  readonly #layout: PublishLayout;
  readonly #qos: Qos;
  readonly #table: Buffer;
  readonly #reader: AckReader;
  readonly #releases: AckRuns;
  readonly #lastAck: number;
  readonly #flushed: () => void;
  #readAt = 0;

  constructor(options: PacketSenderOptions) {
    const { connection, shapes } = options;
    const shape = shapes[0] as PublishShape;
    this.#qos = shape.qos;
    this.#options = options;
    this.#window = new SendWindow(options.window, options.slotsMin);
    this.#layout = layoutOf(shape);
    this.#table = buildBlock(shapes, this.#window.slots, 1, options.stampEvery);
    this.#lastAck = shape.qos === 2 ? PUBCOMP : PUBACK;
    this.#releases = new AckRuns(PUBREL, (acks) => connection.socket.write(acks));
    this.#reader = new AckReader((type, packetId) => this.#onAck(type, packetId));
    this.#flushed = () => {
      this.#window.ack();
      options.onCredit();
    };
    connection.onBytes = (bytes, length) => this.#take(bytes, length);
  }

  get sent(): number {
    return this.#window.sent;
  }

  get acked(): number {
    return this.#window.acked;
  }

  /** Sends a full window's worth of messages, stamped with the time of now. Not for QoS 0. */
  fill(): void {
    const now = this.#options.now();
    while (this.#window.credit > 0) {
      const { first, count } = this.#window.take(this.#window.credit);
      this.#write(first, count, now);
    }
  }

  /** Sends one message with `stamp` in its own write; false without credit. */
  sendOne(stamp: number): boolean {
    if (this.#window.credit === 0) return false;
    const { first } = this.#window.take(1);
    this.#write(first, 1, stamp);
    return true;
  }

  #write(first: number, count: number, stamp: number): void {
    const { size, payloadAt, stamped } = this.#layout;
    const { connection, stampEvery } = this.#options;
    if (stamped) {
      for (let slot = Math.ceil(first / stampEvery) * stampEvery; slot < first + count; slot += stampEvery) {
        this.#table.writeDoubleLE(stamp, slot * size + payloadAt + 1);
      }
    }
    const packets = this.#table.subarray(first * size, (first + count) * size);
    if (this.#qos === 0) connection.socket.write(packets, this.#flushed);
    else connection.socket.write(packets);
  }

  #take(bytes: Buffer, length: number): void {
    this.#readAt = this.#options.now();
    this.#reader.take(bytes, length);
    this.#releases.flush();
    this.#options.onCredit();
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
    if (this.#layout.stamped && slot % this.#options.stampEvery === 0) {
      const stamp = this.#table.readDoubleLE(slot * this.#layout.size + this.#layout.payloadAt + 1);
      if (this.#options.span.holds(stamp)) this.#options.ackLatency.record((this.#readAt - stamp) * 1000);
    }
    this.#window.ack();
  }
}
