/**
 * What waits for one peer in one class: closed frames, and the one that messages are added to. A turn's messages make one
 * frame, as long as they fit into a segment; a larger message has a frame and memory of its own. Frames lie in segments one
 * behind the other and leave from there without a copy; one that reaches the end of its segment moves to the next one.
 *
 *   segment:  | frame (under way) | frame (closed) | header · message · message ·      |
 *                                                   ^ #frameStart              ^ #at
 */
import { assert } from '../base/assert.ts';
import { WIRE_SEGMENT_BYTES } from '../base/limits.ts';
import { Fifo } from '../runtime/fifo.ts';
import type { ActorRef } from '../runtime/ref.ts';
import { MESSAGE_HEADER_BYTES, writeMessage } from './batch.ts';
import { FRAME, FRAME_HEADER_BYTES, writeHeader } from './frame.ts';
import type { Segment, SegmentPool } from './segment-pool.ts';

/** A closed frame: `segment.bytes[start, end)`. Whoever takes it releases the segment when the bytes are sent. */
export interface Frame {
  readonly segment: Segment;
  readonly start: number;
  readonly end: number;
  readonly messages: number;
}

const COUNT_MAX = 65_535;

export class Outbox {
  readonly #cls: number;
  readonly #pool: SegmentPool;
  readonly #closed = new Fifo<Frame>();
  #segment: Segment | undefined;
  #frameStart = 0;
  #at = 0;
  #count = 0;
  #closedBytes = 0;
  #closedMessages = 0;

  constructor(cls: number, pool: SegmentPool) {
    this.#cls = cls;
    this.#pool = pool;
  }

  /** Bytes that wait, headers included. */
  get bytes(): number {
    return this.#closedBytes + (this.#count === 0 ? 0 : this.#at - this.#frameStart);
  }

  get messages(): number {
    return this.#closedMessages + this.#count;
  }

  append(
    type: number,
    kind: number,
    target: ActorRef,
    source: ActorRef,
    correlation: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    const needed = MESSAGE_HEADER_BYTES + end - start;
    let segment = this.#segment;
    if (segment === undefined || this.#at + needed > segment.bytes.length || this.#count === COUNT_MAX) {
      segment = this.#open(needed);
    }
    this.#at = writeMessage(segment.bytes, segment.view, this.#at, type, kind, target, source, correlation, bytes, start, end);
    this.#count++;
  }

  /** Closes the frame that is being written, if there is anything in it. */
  close(): void {
    const segment = this.#segment;
    if (segment === undefined || this.#count === 0) return;
    const start = this.#frameStart;
    const end = this.#at;
    writeHeader(segment.bytes, start, FRAME.batch, this.#cls, this.#count, end - start - FRAME_HEADER_BYTES);
    segment.uses++;
    this.#closed.push({ segment, start, end, messages: this.#count });
    this.#closedBytes += end - start;
    this.#closedMessages += this.#count;
    this.#beginFrame(end);
  }

  /** The oldest closed frame. */
  peek(): Frame | undefined {
    return this.#closed.peek();
  }

  take(): Frame {
    const frame = this.#closed.shift();
    assert(frame !== undefined, 'there is a closed frame');
    this.#closedBytes -= frame.end - frame.start;
    this.#closedMessages -= frame.messages;
    return frame;
  }

  /** Drops everything. Returns how many messages were lost. */
  clear(): number {
    const lost = this.messages;
    this.#count = 0;
    while (this.#closed.size > 0) this.#pool.release(this.take().segment);
    if (this.#segment !== undefined) this.#pool.release(this.#segment);
    this.#segment = undefined;
    return lost;
  }

  #open(messageBytes: number): Segment {
    if (this.#count > 0 && this.#count < COUNT_MAX && this.#frameStart > 0) {
      const begun = this.#at - this.#frameStart;
      if (begun + messageBytes <= WIRE_SEGMENT_BYTES) return this.#move(begun);
    }
    this.close();
    const needed = FRAME_HEADER_BYTES + messageBytes;
    let segment = this.#segment;
    if (segment === undefined || this.#frameStart + needed > segment.bytes.length) {
      if (segment !== undefined) this.#pool.release(segment);
      segment = this.#pool.take(needed);
      this.#segment = segment;
      this.#beginFrame(0);
    }
    return segment;
  }

  /** The frame that has begun goes on in a segment of its own. */
  #move(begun: number): Segment {
    const from = this.#segment!;
    const to = this.#pool.take(WIRE_SEGMENT_BYTES);
    to.bytes.set(from.bytes.subarray(this.#frameStart, this.#at));
    this.#pool.release(from);
    this.#segment = to;
    this.#frameStart = 0;
    this.#at = begun;
    return to;
  }

  #beginFrame(start: number): void {
    this.#frameStart = start;
    this.#at = start + FRAME_HEADER_BYTES;
    this.#count = 0;
  }
}
