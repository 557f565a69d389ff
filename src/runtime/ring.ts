/**
 * A single-producer single-consumer ring of records in a SharedArrayBuffer: one per ordered pair of threads.
 *
 *   byte 0          64         128         192                       192 + capacity
 *   +-----------+-----------+-----------+----------------------------+
 *   | head      | tail      | waiting   | records …                  |     each control word has a cache line of its own
 *   +-----------+-----------+-----------+----------------------------+
 *
 *   record, 4-byte aligned, never split:
 *   +--------+-------------+-----------+-----------+-----------+-----------+-------------+---------+-----+
 *   | length | kind | type | target lo | target hi | sender lo | sender hi | correlation | payload | pad |
 *   +--------+-------------+-----------+-----------+-----------+-----------+-------------+---------+-----+
 *     4        2 | 2         4           4           4           4           4             length    0–3
 *   length = WRAP: nothing more until the end of the memory, the next record is at its start.
 *
 * `head` and `tail` count bytes modulo 2^32 (the capacity is a power of two), so full and empty differ.
 *
 * Ordering. The writer fills records with plain stores and publishes them with one sequentially consistent store of
 * `head`; the reader loads `head` the same way before it touches them, so it sees whole records only. The reader gives
 * space back by storing `tail` after its last access; the writer loads `tail` before it reuses the space. A writer that
 * waits stores `waiting` and then loads `tail` again; the reader stores `tail` and then loads `waiting`: with all four
 * sequentially consistent at least one of them sees the other, so no wake-up is lost.
 */
import { assert } from '../base/assert.ts';
import { type Gate, OPEN_GATE, type RecordSink } from './channel.ts';
import type { ActorRef } from './ref.ts';

const HEAD = 0;
const TAIL = 16;
const WAITING = 32;
const CONTROL_WORDS = 48;
const CONTROL_BYTES = CONTROL_WORDS * 4;
export const RECORD_HEADER_BYTES = 28;
const WRAP = -1;
const TWO_32 = 2 ** 32;
/** Above this a native copy beats the loop (measured: 250–300 B). */
const COPY_LOOP_MAX = 256;

export function allocateRing(capacity: number): SharedArrayBuffer {
  assert(capacity >= 64 && (capacity & (capacity - 1)) === 0, 'ring capacity must be a power of two');
  return new SharedArrayBuffer(CONTROL_BYTES + capacity);
}

export class RingWriter {
  readonly capacity: number;
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  #view: DataView;
  #source: DataView = new DataView(new ArrayBuffer(0));
  #sourceBuffer: ArrayBufferLike = this.#source.buffer;
  #head: number;
  #tail: number;

  constructor(memory: SharedArrayBuffer) {
    this.capacity = memory.byteLength - CONTROL_BYTES;
    this.#words = new Int32Array(memory);
    this.#bytes = new Uint8Array(memory);
    this.#view = new DataView(memory);
    this.#head = Atomics.load(this.#words, HEAD);
    this.#tail = Atomics.load(this.#words, TAIL);
  }

  /** False when the record does not fit now; nothing was written. Invisible to the reader until `publish`. */
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
    const length = end - start;
    const size = (RECORD_HEADER_BYTES + length + 3) & ~3;
    const mask = this.capacity - 1;
    let offset = this.#head & mask;
    const room = this.capacity - offset;
    const needed = size <= room ? size : room + size;
    if (!this.#hasFree(needed)) return false;
    const words = this.#words;
    if (size > room) {
      words[CONTROL_WORDS + (offset >>> 2)] = WRAP;
      offset = 0;
    }
    const word = CONTROL_WORDS + (offset >>> 2);
    words[word] = length;
    words[word + 1] = kind | (type << 16);
    words[word + 2] = target | 0;
    words[word + 3] = (target / TWO_32) | 0;
    words[word + 4] = sender | 0;
    words[word + 5] = (sender / TWO_32) | 0;
    words[word + 6] = correlation | 0;
    if (length > 0) this.#copy(bytes, start, end, CONTROL_BYTES + offset + RECORD_HEADER_BYTES);
    this.#head = (this.#head + needed) | 0;
    return true;
  }

  /** True when there was something new. */
  publish(): boolean {
    if (this.#words[HEAD] === this.#head) return false;
    Atomics.store(this.#words, HEAD, this.#head);
    return true;
  }

  /** Bytes in use, as far as the reader has told. */
  used(): number {
    this.#tail = Atomics.load(this.#words, TAIL);
    return (this.#head - this.#tail) | 0;
  }

  isHalfFree(): boolean {
    return this.used() <= this.capacity / 2;
  }

  /** While set, the reader wakes this thread once half of the ring is free. Look again after setting it. */
  setWaiting(isWaiting: boolean): void {
    Atomics.store(this.#words, WAITING, isWaiting ? 1 : 0);
  }

  #hasFree(needed: number): boolean {
    if (this.capacity - ((this.#head - this.#tail) | 0) >= needed) return true;
    return this.capacity - this.used() >= needed;
  }

  /** Word by word: for records of some hundred bytes it saves the view that `set(subarray)` allocates. */
  #copy(bytes: Uint8Array, start: number, end: number, at: number): void {
    const length = end - start;
    if (length > COPY_LOOP_MAX) {
      this.#bytes.set(bytes.subarray(start, end), at);
      return;
    }
    const buffer = bytes.buffer;
    if (buffer !== this.#sourceBuffer) {
      this.#sourceBuffer = buffer;
      this.#source = new DataView(buffer);
    }
    const source = this.#source;
    const view = this.#view;
    let from = bytes.byteOffset + start;
    const wordsEnd = from + (length & ~3);
    while (from < wordsEnd) {
      view.setInt32(at, source.getInt32(from, true), true);
      from += 4;
      at += 4;
    }
    const fromEnd = bytes.byteOffset + end;
    while (from < fromEnd) view.setUint8(at++, source.getUint8(from++));
  }
}

export class RingReader {
  readonly capacity: number;
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  #tail: number;

  constructor(memory: SharedArrayBuffer) {
    this.capacity = memory.byteLength - CONTROL_BYTES;
    this.#words = new Int32Array(memory);
    this.#bytes = new Uint8Array(memory);
    this.#tail = Atomics.load(this.#words, TAIL);
  }

  hasRecords(): boolean {
    return Atomics.load(this.#words, HEAD) !== this.#tail;
  }

  /** Bytes published and not yet taken. */
  used(): number {
    return (Atomics.load(this.#words, HEAD) - this.#tail) | 0;
  }

  /** Hands up to `max` records to the sink and then frees their space. A sink that throws has still taken its record. */
  drain(sink: RecordSink, max: number, gate: Gate = OPEN_GATE): number {
    const head = Atomics.load(this.#words, HEAD);
    const words = this.#words;
    const mask = this.capacity - 1;
    let taken = 0;
    try {
      while (taken < max && this.#tail !== head && !gate.isHeld) {
        let offset = this.#tail & mask;
        let length = words[CONTROL_WORDS + (offset >>> 2)]!;
        if (length === WRAP) {
          this.#tail = (this.#tail + this.capacity - offset) | 0;
          offset = 0;
          length = words[CONTROL_WORDS]!;
        }
        assert(length >= 0 && length <= this.capacity, 'ring record length out of range');
        const word = CONTROL_WORDS + (offset >>> 2);
        const meta = words[word + 1]!;
        const target = words[word + 3]! * TWO_32 + (words[word + 2]! >>> 0);
        const sender = words[word + 5]! * TWO_32 + (words[word + 4]! >>> 0);
        const start = CONTROL_BYTES + offset + RECORD_HEADER_BYTES;
        this.#tail = (this.#tail + ((RECORD_HEADER_BYTES + length + 3) & ~3)) | 0;
        taken++;
        sink.onRecord(meta >>> 16, meta & 0xffff, target, sender, words[word + 6]! >>> 0, this.#bytes, start, start + length);
      }
    } finally {
      Atomics.store(words, TAIL, this.#tail);
    }
    return taken;
  }

  /** True once when the writer waits and half of the ring is free: its thread is to be woken. */
  takeWritable(): boolean {
    if (Atomics.load(this.#words, WAITING) === 0 || this.used() > this.capacity / 2) return false;
    return Atomics.exchange(this.#words, WAITING, 0) === 1;
  }
}
