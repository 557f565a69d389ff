/**
 * The reading side of a subscriber: every PUBLISH has the same size, so a read of 256 KiB is a stride over it, at about two
 * nanoseconds per message. Every packet's fixed header is compared all the same, so that a peer that sends something else fails the
 * run instead of falsifying it. Pure: bytes in, counts and ack slices out.
 *
 *   carry (a packet cut by the end of the last read) → whole packets of this read → new carry
 */
import type { Histogram } from '../../src/base/histogram.ts';
import { AckRuns } from './ack-runs.ts';
import { BenchError } from './bench-error.ts';
import { ACK_BYTES, PUBACK, PUBCOMP, PUBREC, PUBREL, type PublishLayout, type Qos } from './packets.ts';
import type { StampSpan } from './stamp-span.ts';

export interface ReceiverOptions {
  readonly layout: PublishLayout;
  readonly qos: Qos;
  /** Sends acks; the slice is shared and must not be changed. */
  readonly write: (acks: Buffer) => void;
  /** Milliseconds, the clock of the stamps. */
  readonly now: () => number;
  readonly span: StampSpan;
  /** Takes the latencies of messages stamped within the span, microseconds. */
  readonly latency: Histogram;
}

export class Receiver {
  /** PUBLISH packets that arrived whole. */
  received = 0;
  readonly #layout: PublishLayout;
  readonly #qos: Qos;
  readonly #now: () => number;
  readonly #span: StampSpan;
  readonly #latency: Histogram;
  readonly #acks: AckRuns;
  readonly #comps: AckRuns;
  readonly #carry: Buffer;
  #carried = 0;
  #readAt = 0;

  constructor(options: ReceiverOptions) {
    this.#layout = options.layout;
    this.#qos = options.qos;
    this.#now = options.now;
    this.#span = options.span;
    this.#latency = options.latency;
    this.#acks = new AckRuns(options.qos === 2 ? PUBREC : PUBACK, options.write);
    this.#comps = new AckRuns(PUBCOMP, options.write);
    this.#carry = Buffer.alloc(Math.max(options.layout.size, ACK_BYTES));
  }

  /** Takes `length` bytes that came from the peer. Throws a BenchError when they are not what this load can expect. */
  take(bytes: Buffer, length: number): void {
    if (this.#span.opened) this.#readAt = this.#now();
    let pos = this.#carried > 0 ? this.#completeCarry(bytes, length) : 0;
    pos = this.#qos === 0 ? this.#countPublishes(bytes, pos, length) : this.#walkFrames(bytes, pos, length);
    if (pos < length) {
      bytes.copy(this.#carry, this.#carried, pos, length);
      this.#carried += length - pos;
    }
    this.#acks.flush();
    this.#comps.flush();
  }

  /** Fills the cut packet up; returns how many bytes of the read it took. */
  #completeCarry(bytes: Buffer, length: number): number {
    const whole = this.#lengthAt(this.#carry, 0);
    const taken = Math.min(whole - this.#carried, length);
    bytes.copy(this.#carry, this.#carried, 0, taken);
    this.#carried += taken;
    if (this.#carried < whole) return taken;
    this.#carried = 0;
    if (this.#qos === 0) this.#countPublishes(this.#carry, 0, whole);
    else this.#walkFrames(this.#carry, 0, whole);
    return taken;
  }

  #countPublishes(bytes: Buffer, from: number, length: number): number {
    const { size, payloadAt, stamped } = this.#layout;
    const sampling = this.#span.opened && stamped;
    const last = length - size;
    let pos = from;
    for (; pos <= last; pos += size) {
      if ((bytes[pos] as number) >> 1 !== 0x18) this.#unexpected(bytes, pos);
      if (sampling && bytes[pos + payloadAt] === 1) this.#sample(bytes, pos);
      this.received += 1;
    }
    return pos;
  }

  #walkFrames(bytes: Buffer, from: number, length: number): number {
    const { size, idAt, payloadAt, stamped } = this.#layout;
    const sampling = this.#span.opened && stamped;
    let pos = from;
    while (pos < length) {
      const whole = this.#lengthAt(bytes, pos);
      if (pos + whole > length) break;
      if (whole === size && (bytes[pos] as number) >> 4 === 3) {
        this.#acks.add(((bytes[pos + idAt] as number) << 8) | (bytes[pos + idAt + 1] as number));
        if (sampling && bytes[pos + payloadAt] === 1) this.#sample(bytes, pos);
        this.received += 1;
      } else {
        this.#comps.add(((bytes[pos + 2] as number) << 8) | (bytes[pos + 3] as number));
      }
      pos += whole;
    }
    return pos;
  }

  /** Length of the packet that starts at `pos`, told by its first byte alone. */
  #lengthAt(bytes: Buffer, pos: number): number {
    const first = bytes[pos] as number;
    if (first >> 4 === 3 && ((first >> 1) & 3) === this.#qos) return this.#layout.size;
    if (first === PUBREL && this.#qos === 2) return ACK_BYTES;
    return this.#unexpected(bytes, pos);
  }

  #sample(bytes: Buffer, pos: number): void {
    const stamp = bytes.readDoubleLE(pos + this.#layout.payloadAt + 1);
    if (this.#span.holds(stamp)) this.#latency.record((this.#readAt - stamp) * 1000);
  }

  #unexpected(bytes: Buffer, pos: number): never {
    const shown = bytes.subarray(pos, pos + 8).toString('hex');
    throw new BenchError(
      'protocol',
      `subscriber got a packet that this load does not send: ${shown}… after ${this.received} messages`,
    );
  }
}
