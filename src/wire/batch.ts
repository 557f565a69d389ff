/**
 * Messages in the body of a batch frame, one after the other:
 *
 *   0        4                12               20            24     26
 *  +--------+----------------+----------------+-------------+------+---------+
 *  | length | target         | source         | correlation | kind | payload |
 *  +--------+----------------+----------------+-------------+------+---------+
 *    u32      u64              u64              u32           u16    length bytes
 *
 *   target:   63     56 55 52 51                         0
 *            +---------+-----+----------------------------+
 *            | record  |  0  | ref                        |      record: what the message is (RECORD of the runtime)
 *            +---------+-----+----------------------------+
 *
 * Reading hands out views, copies nothing and trusts nothing: a length that leaves the body throws.
 */
import { SluiceError } from '../base/errors.ts';
import type { ActorRef } from '../runtime/ref.ts';

export const MESSAGE_HEADER_BYTES = 26;
const TWO_32 = 2 ** 32;
/** High half of a u64 that holds a ref: 20 bits of it. */
const REF_HIGH_MASK = 0xfffff;
/** Up to here a loop over words beats the view that `set(subarray)` allocates (as in the ring). */
const COPY_LOOP_MAX = 256;

export interface MessageSink {
  /** False: not now. The message was not taken and comes again, from the `next` that `readBatch` returned. */
  onMessage(
    type: number,
    kind: number,
    target: ActorRef,
    source: ActorRef,
    correlation: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): boolean;
}

/** A view of the sources that are copied from, kept while they are the same memory. */
let sourceBuffer: ArrayBufferLike = new ArrayBuffer(0);
let sourceView: DataView = new DataView(sourceBuffer);

/** Writes a message at `at` into the memory behind `view` and returns the position after it; the caller has made sure of the room. */
export function writeMessage(
  into: Uint8Array,
  view: DataView,
  at: number,
  type: number,
  kind: number,
  target: ActorRef,
  source: ActorRef,
  correlation: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): number {
  const length = end - start;
  view.setUint32(at, length, true);
  view.setUint32(at + 4, target | 0, true);
  view.setUint32(at + 8, (target / TWO_32) | 0 | (type << 24), true);
  view.setUint32(at + 12, source | 0, true);
  view.setUint32(at + 16, (source / TWO_32) | 0, true);
  view.setUint32(at + 20, correlation, true);
  view.setUint16(at + 24, kind, true);
  const payload = at + MESSAGE_HEADER_BYTES;
  if (length > COPY_LOOP_MAX) into.set(bytes.subarray(start, end), payload);
  else if (length > 0) copyShort(view, payload, bytes, start, end);
  return payload + length;
}

function copyShort(view: DataView, to: number, bytes: Uint8Array, start: number, end: number): void {
  if (bytes.buffer !== sourceBuffer) {
    sourceBuffer = bytes.buffer;
    sourceView = new DataView(sourceBuffer);
  }
  const source = sourceView;
  let from = bytes.byteOffset + start;
  const fromEnd = bytes.byteOffset + end;
  const wordsEnd = fromEnd - 3;
  let at = to;
  for (; from < wordsEnd; from += 4, at += 4) view.setInt32(at, source.getInt32(from, true), true);
  while (from < fromEnd) view.setUint8(at++, source.getUint8(from++));
}

/** Where a batch was left, and how many of its messages are still to come. */
export interface BatchPosition {
  at: number;
  left: number;
}

/** Hands the `position.left` messages from `position.at` on to the sink and moves the position; all must end exactly at `end`. */
export function readBatch(bytes: Uint8Array, end: number, position: BatchPosition, sink: MessageSink): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = position.at;
  while (position.left > 0) {
    if (end - at < MESSAGE_HEADER_BYTES) throw malformed('a message header leaves its frame');
    const length = view.getUint32(at, true);
    const payload = at + MESSAGE_HEADER_BYTES;
    if (length > end - payload) throw malformed('a message leaves its frame');
    const high = view.getUint32(at + 8, true);
    const target = (high & REF_HIGH_MASK) * TWO_32 + view.getUint32(at + 4, true);
    const sourceHigh = view.getUint32(at + 16, true);
    if ((high & 0xf00000) !== 0 || sourceHigh > REF_HIGH_MASK) throw malformed('a message has an address that is none');
    const source = sourceHigh * TWO_32 + view.getUint32(at + 12, true);
    const correlation = view.getUint32(at + 20, true);
    const taken = sink.onMessage(
      high >>> 24,
      view.getUint16(at + 24, true),
      target,
      source,
      correlation,
      bytes,
      payload,
      payload + length,
    );
    if (!taken) break;
    at = payload + length;
    position.at = at;
    position.left--;
  }
  if (position.left === 0 && at !== end) throw malformed('a frame is longer than its messages');
}

function malformed(what: string): SluiceError {
  return new SluiceError('SLUICE_WIRE_FRAME', what);
}
