/**
 * What a turn has for another node, as one record.
 *
 *    0            8           16
 *   +------------+-----------+--------------------------------------+
 *   | life (f64) | seq (f64) | (length u32, run of run-codec.ts)*   |     little endian
 *   +------------+-----------+--------------------------------------+
 */
import { encodedRunSize, encodeRun, RUN_HEADER_BYTES } from '../router/run-codec.ts';
import type { Run } from '../router/sink.ts';

export const BATCH_HEADER_BYTES = 16;
const LENGTH_BYTES = 4;
const FIRST_BYTES = 4096;

export function batchBytesOf(run: Run): number {
  return LENGTH_BYTES + encodedRunSize(run);
}

/** Gathers runs; `take` gives what has been gathered and begins anew. */
export class BatchWriter {
  #bytes: Uint8Array = new Uint8Array(0);
  #length = 0;

  /** Bytes of the runs that it has. */
  get length(): number {
    return this.#length === 0 ? 0 : this.#length - BATCH_HEADER_BYTES;
  }

  add(run: Run, thread: number): void {
    if (this.#length === 0) this.#length = BATCH_HEADER_BYTES;
    const size = encodedRunSize(run);
    const end = this.#length + LENGTH_BYTES + size;
    if (end > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(end, 2 * this.#bytes.length, FIRST_BYTES));
      grown.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = grown;
    }
    new DataView(this.#bytes.buffer).setUint32(this.#length, size, true);
    encodeRun(run, thread, this.#bytes, this.#length + LENGTH_BYTES);
    this.#length = end;
  }

  /** Owned by the caller. */
  take(life: number, seq: number): Uint8Array {
    const batch = this.#bytes.subarray(0, this.#length);
    const header = new DataView(batch.buffer);
    header.setFloat64(0, life, true);
    header.setFloat64(8, seq, true);
    this.#bytes = new Uint8Array(0);
    this.#length = 0;
    return batch;
  }
}

export interface BatchHeader {
  readonly life: number;
  readonly seq: number;
}

/** Undefined: no batch, or not a whole one. */
export function readBatchHeader(bytes: Uint8Array, start: number, end: number): BatchHeader | undefined {
  if (end - start < BATCH_HEADER_BYTES) return undefined;
  const view = viewOf(bytes);
  const life = view.getFloat64(start, true);
  const seq = view.getFloat64(start + 8, true);
  if (!Number.isSafeInteger(life) || !Number.isSafeInteger(seq) || seq < 1) return undefined;
  for (let at = start + BATCH_HEADER_BYTES; at < end; ) {
    const size = end - at < LENGTH_BYTES ? 0 : view.getUint32(at, true);
    if (size <= RUN_HEADER_BYTES || size > end - at - LENGTH_BYTES) return undefined;
    at += LENGTH_BYTES + size;
  }
  return { life, seq };
}

/** The bounds of each run of a whole batch. */
export function forEachRun(bytes: Uint8Array, start: number, end: number, visit: (start: number, end: number) => void): void {
  const view = viewOf(bytes);
  for (let at = start + BATCH_HEADER_BYTES; at < end; ) {
    const next = at + LENGTH_BYTES + view.getUint32(at, true);
    visit(at + LENGTH_BYTES, next);
    at = next;
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
