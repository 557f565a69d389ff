/**
 * What a turn has for another node, as one record.
 *
 *    0              4            12          20            28
 *   +--------------+------------+-----------+-------------+----------------------------------------------------------+
 *   | version, 0×3 | life (f64) | seq (f64) | first (f64) | (length u32, key bytes u32, key, run of run-codec.ts)*   |     little endian
 *   +--------------+------------+-----------+-------------+----------------------------------------------------------+
 *                                                           or a fence: (length u32, IS_FENCE, its name)
 *
 * The version is of this layout and of the run's: whoever changes either counts it up.
 *
 * `first` is the oldest batch that was not acknowledged when this one was sent: one who knows nothing of the sender begins with that one, and with no later one.
 *
 * `length` is that of key and run. The key is that of a shared subscription, one member of which is to get the run; none: all who want it.
 */
import { RELAY_FENCE_BYTES_MAX } from '../../base/limits.ts';
import { encodedRunSize, encodeRun, RUN_HEADER_BYTES } from '../router/run-codec.ts';
import type { Run } from '../router/sink.ts';

export const BATCH_HEADER_BYTES = 28;
const VERSION = 1;
const LIFE_AT = 4;
const SEQ_AT = 12;
const FIRST_AT = 20;
const ENTRY_BYTES = 8;
const FIRST_BYTES = 4096;
/** In the place of the key's length: a fence (fences.ts), and no run. */
const IS_FENCE = 0xfece_0000;

export function batchBytesOf(run: Run, key: Uint8Array): number {
  return ENTRY_BYTES + key.length + encodedRunSize(run);
}

/** Gathers runs; `take` gives what has been gathered and begins anew. */
export class BatchWriter {
  #bytes: Uint8Array = new Uint8Array(0);
  #length = 0;

  /** Bytes of the runs that it has. */
  get length(): number {
    return this.#length === 0 ? 0 : this.#length - BATCH_HEADER_BYTES;
  }

  add(run: Run, thread: number, key: Uint8Array): void {
    const start = this.#begin(batchBytesOf(run, key), key.length);
    this.#bytes.set(key, start);
    encodeRun(run, thread, this.#bytes, start + key.length);
  }

  addFence(name: Uint8Array): void {
    const start = this.#begin(ENTRY_BYTES + name.length, IS_FENCE);
    this.#bytes.set(name, start);
  }

  /** An entry of that size; returns where what is in it begins. */
  #begin(size: number, keyBytes: number): number {
    if (this.#length === 0) this.#length = BATCH_HEADER_BYTES;
    const start = this.#length;
    const end = start + size;
    if (end > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(end, 2 * this.#bytes.length, FIRST_BYTES));
      grown.set(this.#bytes.subarray(0, start));
      this.#bytes = grown;
    }
    const view = new DataView(this.#bytes.buffer);
    view.setUint32(start, size - ENTRY_BYTES, true);
    view.setUint32(start + 4, keyBytes, true);
    this.#length = end;
    return start + ENTRY_BYTES;
  }

  /** Owned by the caller. */
  take(life: number, seq: number): Uint8Array {
    const batch = this.#bytes.subarray(0, this.#length);
    const header = new DataView(batch.buffer);
    header.setUint32(0, VERSION, true);
    header.setFloat64(LIFE_AT, life, true);
    header.setFloat64(SEQ_AT, seq, true);
    this.#bytes = new Uint8Array(0);
    this.#length = 0;
    return batch;
  }
}

export interface BatchHeader {
  readonly life: number;
  readonly seq: number;
  readonly first: number;
}

/** Each time that it is sent. */
export function markFirst(batch: Uint8Array, first: number): void {
  viewOf(batch).setFloat64(FIRST_AT, first, true);
}

/** Undefined: no batch, one of another version, or not a whole one. */
export function readBatchHeader(bytes: Uint8Array, start: number, end: number): BatchHeader | undefined {
  if (end - start < BATCH_HEADER_BYTES) return undefined;
  const view = viewOf(bytes);
  if (view.getUint32(start, true) !== VERSION) return undefined;
  const life = view.getFloat64(start + LIFE_AT, true);
  const seq = view.getFloat64(start + SEQ_AT, true);
  const first = view.getFloat64(start + FIRST_AT, true);
  if (![life, seq, first].every(Number.isSafeInteger) || first < 1 || first > seq) return undefined;
  for (let at = start + BATCH_HEADER_BYTES; at < end; ) {
    if (end - at < ENTRY_BYTES) return undefined;
    const size = view.getUint32(at, true);
    const keyBytes = view.getUint32(at + 4, true);
    if (size > end - at - ENTRY_BYTES) return undefined;
    if (keyBytes === IS_FENCE ? size > RELAY_FENCE_BYTES_MAX : size <= keyBytes + RUN_HEADER_BYTES) return undefined;
    at += ENTRY_BYTES + size;
  }
  return { life, seq, first };
}

/** What a batch has, in order: the bounds of each run, and its key if it has one; the name of each fence. */
export function forEachRun(
  bytes: Uint8Array,
  start: number,
  end: number,
  visit: (start: number, end: number, key: string | undefined) => void,
  visitFence: (name: string) => void,
): void {
  const view = viewOf(bytes);
  const text = (from: number, to: number): string => Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString();
  for (let at = start + BATCH_HEADER_BYTES; at < end; ) {
    const keyStart = at + ENTRY_BYTES;
    const next = keyStart + view.getUint32(at, true);
    const keyBytes = view.getUint32(at + 4, true);
    const runStart = keyStart + keyBytes;
    if (keyBytes === IS_FENCE) visitFence(text(keyStart, next));
    else visit(runStart, next, keyBytes === 0 ? undefined : text(keyStart, runStart));
    at = next;
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
