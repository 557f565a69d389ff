/**
 * What reactors of one node tell each other of shared retained messages: the one that publishes, the one that shows the topic.
 *
 *   ahead    0          4           12
 *           +----------+-----------+------------------------------+
 *           | thread   | seq       | a `store` record             |     shown until it is settled, written by `thread`
 *           | (u32)    | (f64)     | (messages.ts)                |
 *           +----------+-----------+------------------------------+
 *   settled  0          4
 *           +----------+------------------------------+
 *           | thread   | (seq f64, revision f64) × n  |                  revision 0: refused
 *           +----------+------------------------------+
 */
import { assert } from '../../../base/assert.ts';

export const AHEAD_HEADER_BYTES = 12;
const SETTLED_HEADER_BYTES = 4;
const SETTLED_ITEM_BYTES = 16;

export function writeAheadHeader(out: Uint8Array, thread: number, seq: number): void {
  const view = new DataView(out.buffer, out.byteOffset, AHEAD_HEADER_BYTES);
  view.setUint32(0, thread, true);
  view.setFloat64(4, seq, true);
}

export function readAheadHeader(bytes: Uint8Array, start: number): { readonly thread: number; readonly seq: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, AHEAD_HEADER_BYTES);
  return { thread: view.getUint32(0, true), seq: view.getFloat64(4, true) };
}

export function encodeSettled(thread: number, seqs: readonly number[], revision: number): Uint8Array {
  const bytes = new Uint8Array(SETTLED_HEADER_BYTES + seqs.length * SETTLED_ITEM_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, thread, true);
  for (const [i, seq] of seqs.entries()) {
    view.setFloat64(SETTLED_HEADER_BYTES + i * SETTLED_ITEM_BYTES, seq, true);
    view.setFloat64(SETTLED_HEADER_BYTES + i * SETTLED_ITEM_BYTES + 8, revision, true);
  }
  return bytes;
}

export function readSettled(
  bytes: Uint8Array,
  start: number,
  end: number,
  then: (thread: number, seq: number, revision: number) => void,
): void {
  assert((end - start - SETTLED_HEADER_BYTES) % SETTLED_ITEM_BYTES === 0, 'settled items are whole');
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, end - start);
  const thread = view.getUint32(0, true);
  for (let at = SETTLED_HEADER_BYTES; at < end - start; at += SETTLED_ITEM_BYTES)
    then(thread, view.getFloat64(at, true), view.getFloat64(at + 8, true));
}
