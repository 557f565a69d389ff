/**
 * What goes to one other node: a sink in this reactor's router, for the filters that the node wants. A turn's runs are a batch; batches wait until the other node has acknowledged them, and are sent again when the
 * link was lost. Bounds: RELAY_WINDOW_BYTES under way, RELAY_QUEUE_BYTES_MAX in all; from half of that on publishers wait, and while the node is away what comes beyond it is dropped, QoS 0 at once.
 */
import { RELAY_BATCH_BYTES, RELAY_QUEUE_BYTES_MAX, RELAY_RUN_BYTES_MAX, RELAY_WINDOW_BYTES } from '../../base/limits.ts';
import { type PressureGauge, PressureSource } from '../router/pressure.ts';
import type { Run, Sink } from '../router/sink.ts';
import { BatchWriter, batchBytesOf, markFirst } from './batch-codec.ts';
import { RELAY_PROBE } from './probe.ts';

const { slot } = RELAY_PROBE;
const NO_KEY = new Uint8Array(0);

export interface OutgoingPorts {
  readonly thread: number;
  readonly life: number;
  readonly slots: Float64Array;
  readonly gauge: PressureGauge;
  /** False while a run of another node is delivered: those who want it have had it there. */
  readonly isOwn: () => boolean;
  /** False: not now; then `whenWritable`. */
  readonly send: (bytes: Uint8Array) => boolean;
  readonly whenWritable: (then: () => void) => void;
}

interface Batch {
  readonly seq: number;
  readonly bytes: Uint8Array;
}

export class Outgoing implements Sink {
  readonly isRelay = true;
  isUp = false;
  readonly #ports: OutgoingPorts;
  readonly #open = new BatchWriter();
  readonly #pressure = new PressureSource();
  /** Not acknowledged, oldest first; the first `#sent` of them are under way. */
  #queue: Batch[] = [];
  #sent = 0;
  #bytesUnderWay = 0;
  #bytes = 0;
  #seq = 0;
  #isWaiting = false;

  constructor(ports: OutgoingPorts) {
    this.#ports = ports;
  }

  /** Bytes that wait or are under way. */
  get bytes(): number {
    return this.#bytes + this.#open.length;
  }

  deliver(run: Run): void {
    this.pass(run, NO_KEY);
  }

  /** With the key of a shared subscription: to one of its members there. */
  pass(run: Run, key: Uint8Array): void {
    const { slots, gauge, isOwn, thread } = this.#ports;
    if (!isOwn()) return;
    const size = batchBytesOf(run, key);
    if ((!this.isUp && run.qos === 0) || this.bytes + size > RELAY_QUEUE_BYTES_MAX || size > RELAY_RUN_BYTES_MAX) {
      slots[slot.dropped]! += run.count;
      return;
    }
    if (this.#open.length + size > RELAY_BATCH_BYTES) this.#close();
    this.#open.add(run, thread, key);
    slots[slot.sent]! += run.count;
    if (this.isUp && this.bytes > RELAY_QUEUE_BYTES_MAX / 2) gauge.meet(this.#pressure);
  }

  /** What comes after this is behind the fence, there as here. One that a full queue does not take is asked for again. */
  fence(name: Uint8Array): void {
    if (this.bytes + name.length > RELAY_QUEUE_BYTES_MAX) return;
    if (this.#open.length + name.length > RELAY_BATCH_BYTES) this.#close();
    this.#open.addFence(name);
  }

  deliveryFailed(error: unknown): void {
    throw error;
  }

  /** What the turn has gathered leaves. */
  endTurn(): void {
    this.#close();
    this.#pump();
  }

  /** The node is there; also again and again, in case that nobody says when it takes more. */
  up(): void {
    this.isUp = true;
    this.#isWaiting = false;
    this.#pump();
  }

  /** What was under way may be lost. */
  down(): void {
    this.isUp = false;
    this.#sent = 0;
    this.#bytesUnderWay = 0;
    if (this.#pressure.pressing) this.#pressure.relieve();
  }

  acknowledged(seq: number): void {
    let done = 0;
    for (const batch of this.#queue) {
      if (batch.seq > seq) break;
      done++;
      this.#bytes -= batch.bytes.length;
      if (done <= this.#sent) this.#bytesUnderWay -= batch.bytes.length;
    }
    if (done === 0) return;
    this.#queue.splice(0, done);
    this.#sent = Math.max(0, this.#sent - done);
    this.#pump();
    if (this.#pressure.pressing && this.bytes <= RELAY_QUEUE_BYTES_MAX / 4) this.#pressure.relieve();
  }

  #close(): void {
    if (this.#open.length === 0) return;
    const bytes = this.#open.take(this.#ports.life, ++this.#seq);
    this.#queue.push({ seq: this.#seq, bytes });
    this.#bytes += bytes.length;
  }

  #pump(): void {
    if (!this.isUp || this.#isWaiting) return;
    while (this.#sent < this.#queue.length && this.#bytesUnderWay < RELAY_WINDOW_BYTES) {
      const { bytes } = this.#queue[this.#sent]!;
      markFirst(bytes, this.#queue[0]!.seq);
      if (!this.#ports.send(bytes)) {
        return this.#wait();
      }
      this.#sent++;
      this.#bytesUnderWay += bytes.length;
      this.#ports.slots[slot.batches]!++;
    }
  }

  #wait(): void {
    this.#isWaiting = true;
    let isLater = false;
    this.#ports.whenWritable(() => {
      // At once means that there is no way now.
      if (!isLater) return;
      this.#isWaiting = false;
      this.#pump();
    });
    isLater = true;
  }
}
