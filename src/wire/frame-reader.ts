/**
 * Cuts a connection's bytes into preamble and frames. A frame that lies whole in a chunk is handed on where it lies; one
 * that is spread over chunks is put together in memory of exactly its size, taken only after its header was judged.
 * Whatever is wrong throws a SluiceError, after which the reader is of no use any more.
 */
import { assert } from '../base/assert.ts';
import { crc32c } from '../base/crc32c.ts';
import { SluiceError } from '../base/errors.ts';
import { WIRE_SEGMENT_BYTES } from '../base/limits.ts';
import { decodePreamble, FRAME_HEADER_BYTES, PREAMBLE_BYTES, type ProtocolRange } from './frame.ts';

/** Smallest memory for a frame in pieces: most of them are small. */
const SPARE_BYTES_MIN = 1024;

export interface FrameSink {
  onPreamble(range: ProtocolRange): void;
  /** Before anything is read or allocated: throws when such a frame is not to come now. */
  judge(type: number, flags: number, count: number, bodyBytes: number): void;
  /** `bytes[start, end)` is the body, valid during the call only. */
  onFrame(type: number, flags: number, count: number, bytes: Uint8Array, start: number, end: number): void;
}

export class FrameReader {
  readonly #sink: FrameSink;
  /** A header (or the preamble) that came in pieces. */
  readonly #head: Buffer = Buffer.alloc(FRAME_HEADER_BYTES);
  #headBytes = 0;
  #hasPreamble = false;
  /** A frame that came in pieces, header included: `#frameEnd` bytes, of which `#frameBytes` are there. */
  #frame: Buffer | undefined;
  #frameBytes = 0;
  #frameEnd = 0;
  /** Serves one frame in pieces after the other, because nobody keeps it. */
  #spare: Buffer | undefined;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  /** Bytes held back because the rest of their frame has not come. */
  get pendingBytes(): number {
    return this.#frame === undefined ? this.#headBytes : this.#frameEnd;
  }

  push(bytes: Uint8Array, start: number, end: number): void {
    let at = start;
    while (at < end) {
      if (this.#frame !== undefined) at = this.#fill(bytes, at, end);
      else if (!this.#hasPreamble) at = this.#preamble(bytes, at, end);
      else if (this.#headBytes > 0 || end - at < FRAME_HEADER_BYTES) at = this.#splitHeader(bytes, at, end);
      else at = this.#header(bytes, at, end);
    }
  }

  #preamble(bytes: Uint8Array, at: number, end: number): number {
    const next = this.#collect(bytes, at, end, PREAMBLE_BYTES);
    if (this.#headBytes < PREAMBLE_BYTES) return next;
    this.#headBytes = 0;
    this.#hasPreamble = true;
    this.#sink.onPreamble(decodePreamble(this.#head, 0));
    return next;
  }

  #collect(bytes: Uint8Array, at: number, end: number, wanted: number): number {
    const taken = Math.min(wanted - this.#headBytes, end - at);
    this.#head.set(bytes.subarray(at, at + taken), this.#headBytes);
    this.#headBytes += taken;
    return at + taken;
  }

  #splitHeader(bytes: Uint8Array, at: number, end: number): number {
    const next = this.#collect(bytes, at, end, FRAME_HEADER_BYTES);
    if (this.#headBytes < FRAME_HEADER_BYTES) return next;
    this.#headBytes = 0;
    const bodyBytes = this.#judge(this.#head, 0);
    this.#begin(this.#head, 0, FRAME_HEADER_BYTES, bodyBytes);
    if (bodyBytes === 0) this.#finish();
    return next;
  }

  #header(bytes: Uint8Array, at: number, end: number): number {
    const bodyBytes = this.#judge(bytes, at);
    const frameEnd = at + FRAME_HEADER_BYTES + bodyBytes;
    if (frameEnd > end) {
      this.#begin(bytes, at, end, bodyBytes);
      return end;
    }
    this.#deliver(bytes, at, frameEnd);
    return frameEnd;
  }

  #judge(bytes: Uint8Array, at: number): number {
    const bodyBytes = u32(bytes, at);
    this.#sink.judge(bytes[at + 4]!, bytes[at + 5]!, bytes[at + 6]! | (bytes[at + 7]! << 8), bodyBytes);
    return bodyBytes;
  }

  #begin(bytes: Uint8Array, start: number, end: number, bodyBytes: number): void {
    this.#frameEnd = FRAME_HEADER_BYTES + bodyBytes;
    this.#frame = this.#memoryFor(this.#frameEnd);
    this.#frame.set(bytes.subarray(start, end), 0);
    this.#frameBytes = end - start;
  }

  #memoryFor(length: number): Buffer {
    if (length > WIRE_SEGMENT_BYTES) return Buffer.allocUnsafe(length);
    const needed = length <= SPARE_BYTES_MIN ? SPARE_BYTES_MIN : WIRE_SEGMENT_BYTES;
    if (this.#spare === undefined || this.#spare.length < length) this.#spare = Buffer.allocUnsafe(needed);
    return this.#spare;
  }

  #fill(bytes: Uint8Array, at: number, end: number): number {
    const frame = this.#frame!;
    const taken = Math.min(this.#frameEnd - this.#frameBytes, end - at);
    frame.set(bytes.subarray(at, at + taken), this.#frameBytes);
    this.#frameBytes += taken;
    if (this.#frameBytes === this.#frameEnd) this.#finish();
    return at + taken;
  }

  #finish(): void {
    const frame = this.#frame;
    assert(frame !== undefined, 'a frame has begun');
    this.#frame = undefined;
    this.#deliver(frame, 0, this.#frameEnd);
  }

  #deliver(bytes: Uint8Array, at: number, end: number): void {
    const body = at + FRAME_HEADER_BYTES;
    if (crc32c(bytes, body, end) !== u32(bytes, at + 8)) {
      throw new SluiceError('SLUICE_WIRE_CRC', `a frame of ${end - body} bytes has the wrong checksum`);
    }
    this.#sink.onFrame(bytes[at + 4]!, bytes[at + 5]!, bytes[at + 6]! | (bytes[at + 7]! << 8), bytes, body, end);
  }
}

function u32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}
