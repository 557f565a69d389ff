/**
 * What goes to one other node: a sink in this reactor's router, for the filters that the node wants. A turn's runs are a batch; batches wait until the other node has acknowledged them, and are sent again when the
 * link was lost. While the node is away, what is of QoS 1 and 2 goes to disk (backlog.ts), and what is under way as well; a batch knows where its messages lie there. Once it is back the backlog is read until nothing is left, and
 * what comes meanwhile goes behind it.
 *
 * Bounds: RELAY_WINDOW_BYTES under way, RELAY_QUEUE_BYTES_MAX in memory, from half of which on publishers wait; RELAY_BACKLOG_BYTES_MAX on disk. What comes beyond that is dropped, and QoS 0 while the node is away.
 */
import { RELAY_BATCH_BYTES, RELAY_QUEUE_BYTES_MAX, RELAY_RUN_BYTES_MAX, RELAY_WINDOW_BYTES } from '../../base/limits.ts';
import { type PressureGauge, PressureSource } from '../router/pressure.ts';
import type { Run, Sink } from '../router/sink.ts';
import type { Backlog } from './backlog.ts';
import { Place } from './backlog-places.ts';
import { BatchWriter, batchBytesOf, forEachRun, markFirst } from './batch-codec.ts';
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
  /** Fills a run that is lent, from `bytes[start, end)`. */
  readonly decode: (bytes: Uint8Array, start: number, end: number) => Run;
}

interface Batch {
  readonly seq: number;
  readonly bytes: Uint8Array;
  /** Where the backlog has its messages too; null: it has none. */
  place: Place | null;
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
  #backlog: Backlog | null = null;
  /** The last batch when that was looked at last. */
  #seqThen = 0;
  /** Of what is being gathered: where it has come from; null: not from the backlog. */
  #openPlace: Place | null = null;

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
    const { slots, gauge, isOwn } = this.#ports;
    if (!isOwn()) return;
    const size = batchBytesOf(run, key);
    if (run.qos > 0 && size <= RELAY_RUN_BYTES_MAX && this.#goesToDisk) {
      if (this.#backlog!.add(run, key)) slots[slot.sent]! += run.count;
      else slots[slot.dropped]! += run.count;
      return;
    }
    if ((!this.isUp && run.qos === 0) || this.bytes + size > RELAY_QUEUE_BYTES_MAX || size > RELAY_RUN_BYTES_MAX) {
      slots[slot.dropped]! += run.count;
      return;
    }
    this.#gather(run, key, size);
    slots[slot.sent]! += run.count;
    if (this.isUp && this.bytes > RELAY_QUEUE_BYTES_MAX / 2) gauge.meet(this.#pressure);
  }

  /** What comes after this is behind the fence, there as here. One that a full queue does not take is asked for again. */
  fence(name: Uint8Array): void {
    if (this.#backlog !== null && !this.#backlog.isRead) return this.#backlog.fence(name);
    if (this.bytes + name.length > RELAY_QUEUE_BYTES_MAX) return;
    if (this.#open.length + name.length > RELAY_BATCH_BYTES) this.#close();
    this.#open.addFence(name);
  }

  deliveryFailed(error: unknown): void {
    throw error;
  }

  // ---- on disk ----

  /** From here on it is kept there what cannot leave. Before that nothing leaves. */
  attach(backlog: Backlog): void {
    this.#close();
    this.#backlog = backlog;
    for (const { bytes } of this.#queue) this.#visit(bytes, (run, key) => backlog.add(run, key));
    this.#queue = [];
    this.#bytes = 0;
    this.#seq = 0;
  }

  get backlog(): Backlog | null {
    return this.#backlog;
  }

  /** There is something on disk, or there may be room for it. */
  goOn(): void {
    const backlog = this.#backlog;
    if (backlog === null || !this.isUp || this.#bytes > RELAY_WINDOW_BYTES) return;
    const reader = {
      run: (run: Run, key: Uint8Array, from: number, to: number): void => {
        this.#gather(run, key, batchBytesOf(run, key));
        this.#openPlace ??= new Place();
        this.#openPlace.ranges.add(from, to);
      },
      fence: (name: Uint8Array): void => this.#open.addFence(name),
    };
    backlog.read(reader, () => {
      this.#close();
      this.#pump();
      this.goOn();
    });
  }

  /** Now and then: what has been under way for so long is not acknowledged soon. */
  tick(): void {
    const [oldest] = this.#queue;
    if (oldest !== undefined && oldest.seq <= this.#seqThen) this.keep();
    this.#seqThen = this.#seq;
  }

  /** What is under way, and not there yet, is put on disk: it is to survive this node. */
  keep(): void {
    const backlog = this.#backlog;
    if (backlog === null) return;
    this.#close();
    for (const batch of this.#queue) {
      if (batch.place?.holds) continue;
      const { place, add } = backlog.keep();
      batch.place = place;
      this.#visit(batch.bytes, (run, key) => {
        if (!add(run, key)) this.#ports.slots[slot.dropped]! += run.count;
      });
    }
  }

  get #goesToDisk(): boolean {
    return this.#backlog !== null && (!this.isUp || !this.#backlog.isRead);
  }

  /** The runs of a batch that last. */
  #visit(bytes: Uint8Array, take: (run: Run, key: Uint8Array) => void): void {
    const visit = (start: number, end: number, key: string | undefined): void => {
      const run = this.#ports.decode(bytes, start, end);
      if (run.qos > 0) take(run, key === undefined ? NO_KEY : Buffer.from(key));
    };
    forEachRun(bytes, 0, bytes.length, visit, () => {});
  }

  // ---- leaving ----

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
    this.goOn();
  }

  /** What was under way may be lost. */
  down(): void {
    this.isUp = false;
    this.#sent = 0;
    this.#bytesUnderWay = 0;
    this.keep();
    if (this.#pressure.pressing) this.#pressure.relieve();
  }

  acknowledged(seq: number): void {
    let done = 0;
    for (const batch of this.#queue) {
      if (batch.seq > seq) break;
      done++;
      if (batch.place !== null) this.#backlog!.acknowledged(batch.place);
      this.#bytes -= batch.bytes.length;
      if (done <= this.#sent) this.#bytesUnderWay -= batch.bytes.length;
    }
    if (done === 0) return;
    this.#queue.splice(0, done);
    this.#sent = Math.max(0, this.#sent - done);
    this.#pump();
    this.goOn();
    if (this.#pressure.pressing && this.bytes <= RELAY_QUEUE_BYTES_MAX / 4) this.#pressure.relieve();
  }

  #gather(run: Run, key: Uint8Array, size: number): void {
    if (this.#open.length + size > RELAY_BATCH_BYTES) this.#close();
    this.#open.add(run, this.#ports.thread, key);
  }

  #close(): void {
    if (this.#open.length === 0) return;
    const bytes = this.#open.take(this.#ports.life, ++this.#seq);
    this.#queue.push({ seq: this.#seq, bytes, place: this.#openPlace });
    this.#openPlace = null;
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
