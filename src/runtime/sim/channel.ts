/**
 * A simulated pipe between two threads: in order like a ring, bounded like a ring, with a seeded delay in place of the
 * speed of memory. Records are real bytes, copied when written, so encoding is exercised as between real threads.
 */
import { cloneBytes } from '../../base/bytes.ts';
import type { Inlet, Outlet, RecordSink } from '../channel.ts';
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
    const size = RECORD_HEADER_BYTES + end - start;
    // A record larger than the pipe passes alone, as large records pass beside a ring.
    if (this.#used > 0 && this.#used + size > this.#capacity) return false;
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

  drain(sink: RecordSink, max: number): number {
    const batch = this.#arrived.splice(0, Math.min(max, this.#arrived.length));
    for (const { type, kind, target, sender, correlation, bytes } of batch) {
      this.#used -= RECORD_HEADER_BYTES + bytes.length;
      sink.onRecord(type, kind, target, sender, correlation, bytes, 0, bytes.length);
    }
    if (this.#isWriterWaiting && this.#used <= this.#capacity / 2) {
      this.#isWriterWaiting = false;
      this.#hooks.onWritable();
    }
    return batch.length;
  }

  hasRecords(): boolean {
    return this.#arrived.length > 0;
  }

  close(): void {
    this.#isClosed = true;
  }
}
