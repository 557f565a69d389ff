/**
 * The pipe between two worker threads: a ring, and a message port beside it for records that are too large for it.
 *
 *   ring:  … | record | record | LARGE marker | record | …
 *   port:                          transferred payload
 *
 * The payload is posted before its marker is published, and posting queues it at the receiver at once; so whoever reads
 * the marker finds the payload with `receiveMessageOnPort`. The bytes under way beside the ring are bounded by two
 * counters (sent by this side, taken by the other) in shared memory.
 */
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { LINK_LARGE_BYTES_MAX, RING_BYTES, RING_RECORD_BYTES_MAX } from '../base/limits.ts';
import type { Gate, Inlet, Outlet, RecordSink } from './channel.ts';
import { ring } from './doorbell.ts';
import type { ActorRef } from './ref.ts';
import { allocateRing, RECORD_HEADER_BYTES, RingReader, RingWriter } from './ring.ts';

/** Added to the type of a record whose payload is at the port. */
const LARGE = 128;
const MARKER = new Uint8Array(0);

/** What both ends of one direction share. */
export interface ChannelMemory {
  readonly ring: SharedArrayBuffer;
  /** Bytes of large payloads that the reader has taken, modulo 2^32. */
  readonly largeTaken: SharedArrayBuffer;
}

export function allocateChannel(ringBytes: number = RING_BYTES): ChannelMemory {
  return { ring: allocateRing(ringBytes), largeTaken: new SharedArrayBuffer(4) };
}

export class RingOutlet implements Outlet {
  readonly #ring: RingWriter;
  readonly #recordBytesMax: number;
  readonly #port: MessagePort;
  readonly #readerBell: Int32Array;
  readonly #largeTaken: Int32Array;
  #largeSent: number;

  constructor(memory: ChannelMemory, port: MessagePort, readerBell: SharedArrayBuffer) {
    this.#ring = new RingWriter(memory.ring);
    this.#recordBytesMax = Math.min(RING_RECORD_BYTES_MAX, this.#ring.capacity / 4);
    this.#port = port;
    this.#readerBell = new Int32Array(readerBell);
    this.#largeTaken = new Int32Array(memory.largeTaken);
    this.#largeSent = Atomics.load(this.#largeTaken, 0);
  }

  write(
    type: number,
    kind: number,
    target: ActorRef,
    sender: ActorRef,
    correlation: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): boolean {
    if (end - start + RECORD_HEADER_BYTES <= this.#recordBytesMax) {
      return this.#ring.write(type, kind, target, sender, correlation, bytes, start, end);
    }
    return this.#writeLarge(type, kind, target, sender, correlation, bytes, start, end);
  }

  #writeLarge(
    type: number,
    kind: number,
    target: ActorRef,
    sender: ActorRef,
    correlation: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): boolean {
    const underWay = this.#largeUnderWay();
    if (underWay > 0 && underWay + end - start > LINK_LARGE_BYTES_MAX) return false;
    if (!this.#ring.write(type | LARGE, kind, target, sender, correlation, MARKER, 0, 0)) return false;
    const payload = new Uint8Array(end - start);
    payload.set(bytes.subarray(start, end));
    this.#largeSent = (this.#largeSent + payload.length) | 0;
    this.#port.postMessage(payload, [payload.buffer]);
    return true;
  }

  publish(): void {
    if (this.#ring.publish()) ring(this.#readerBell);
  }

  /** Nothing large waits for room while any is under way, so "writable" is a promise that the next write is taken. */
  askWritable(): boolean {
    if (this.#isWritable()) return true;
    this.#ring.setWaiting(true);
    if (!this.#isWritable()) return false;
    this.#ring.setWaiting(false);
    return true;
  }

  #isWritable(): boolean {
    return this.#ring.isHalfFree() && this.#largeUnderWay() === 0;
  }

  used(): number {
    return this.#ring.used() + this.#largeUnderWay();
  }

  close(): void {
    this.#port.close();
  }

  #largeUnderWay(): number {
    return (this.#largeSent - Atomics.load(this.#largeTaken, 0)) >>> 0;
  }
}

export class RingInlet implements Inlet {
  readonly #ring: RingReader;
  readonly #port: MessagePort;
  readonly #writerBell: Int32Array;
  readonly #largeTaken: Int32Array;
  readonly #unwrap: RecordSink;
  #sink: RecordSink | undefined;

  constructor(memory: ChannelMemory, port: MessagePort, writerBell: SharedArrayBuffer) {
    this.#ring = new RingReader(memory.ring);
    this.#port = port;
    this.#writerBell = new Int32Array(writerBell);
    this.#largeTaken = new Int32Array(memory.largeTaken);
    this.#unwrap = {
      onRecord: (type, kind, target, sender, correlation, bytes, start, end) => {
        if ((type & LARGE) === 0) this.#sink!.onRecord(type, kind, target, sender, correlation, bytes, start, end);
        else this.#onLarge(type & ~LARGE, kind, target, sender, correlation);
      },
    };
  }

  drain(sink: RecordSink, max: number, gate?: Gate): number {
    this.#sink = sink;
    const taken = this.#ring.drain(this.#unwrap, max, gate);
    if (taken > 0 && this.#ring.takeWritable()) ring(this.#writerBell);
    return taken;
  }

  hasRecords(): boolean {
    return this.#ring.hasRecords();
  }

  used(): number {
    return this.#ring.used();
  }

  close(): void {
    this.#port.close();
  }

  #onLarge(type: number, kind: number, target: ActorRef, sender: ActorRef, correlation: number): void {
    const received = receiveMessageOnPort(this.#port);
    // Only a writer that died can leave a marker without its payload: the port went with it.
    if (received === undefined) return;
    const payload = received.message as Uint8Array;
    Atomics.add(this.#largeTaken, 0, payload.length);
    this.#sink!.onRecord(type, kind, target, sender, correlation, payload, 0, payload.length);
  }
}
