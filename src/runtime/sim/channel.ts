/**
 * A simulated pipe between two threads: in order like a ring, bounded like a ring, with a seeded delay in place of the
 * speed of memory. Records are real bytes, copied when written, so encoding is exercised as between real threads.
 */
import { cloneBytes } from '../../base/bytes.ts';
import { type Gate, type Inlet, OPEN_GATE, type Outlet, type RecordSink } from '../channel.ts';
import type { ActorRef } from '../ref.ts';
import { RECORD_HEADER_BYTES } from '../ring.ts';

interface SimRecord {
  readonly type: number;
  readonly kind: number;
  readonly target: ActorRef;
  readonly sender: ActorRef;
  readonly correlation: number;
  readonly bytes: Uint8Array;
}

export interface PipeHooks {
  /** Runs `arrive` after the network's delay, never before what was sent earlier on this pipe. */
  deliver(arrive: () => void): void;
  onArrival(): void;
  onWritable(): void;
}

export class SimPipe implements Outlet, Inlet {
  readonly #capacity: number;
  readonly #hooks: PipeHooks;
  #unpublished: SimRecord[] = [];
  #arrived: SimRecord[] = [];
  #used = 0;
  #isWriterWaiting = false;
  #isClosed = false;
  /** When the last that was published is there, virtual milliseconds. */
  lastArrivalMs = 0;

  constructor(capacity: number, hooks: PipeHooks) {
    this.#capacity = capacity;
    this.#hooks = hooks;
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
    const size = this.#roomFor(end - start);
    if (this.#used + size > this.#capacity) return false;
    this.#used += size;
    this.#unpublished.push({ type, kind, target, sender, correlation, bytes: cloneBytes(bytes, start, end) });
    return true;
  }

  publish(): void {
    if (this.#unpublished.length === 0) return;
    const batch = this.#unpublished;
    this.#unpublished = [];
    this.#hooks.deliver(() => {
      if (this.#isClosed) return;
      this.#arrived.push(...batch);
      this.#hooks.onArrival();
    });
  }

  askWritable(): boolean {
    this.#isWriterWaiting = this.#used > this.#capacity / 2;
    return !this.#isWriterWaiting;
  }

  used(): number {
    return this.#used;
  }

  drain(sink: RecordSink, max: number, gate: Gate = OPEN_GATE): number {
    let taken = 0;
    while (taken < max && !gate.isHeld) {
      const record = this.#arrived.shift();
      if (record === undefined) break;
      const { type, kind, target, sender, correlation, bytes } = record;
      this.#used -= this.#roomFor(bytes.length);
      taken++;
      sink.onRecord(type, kind, target, sender, correlation, bytes, 0, bytes.length);
    }
    if (this.#isWriterWaiting && this.#used <= this.#capacity / 2) {
      this.#isWriterWaiting = false;
      this.#hooks.onWritable();
    }
    return taken;
  }

  /** Large records travel beside a ring and take little room in it: so half a ring has room for any. */
  #roomFor(bytes: number): number {
    return Math.min(RECORD_HEADER_BYTES + bytes, this.#capacity / 4);
  }

  hasRecords(): boolean {
    return this.#arrived.length > 0;
  }

  close(): void {
    this.#isClosed = true;
  }
}
