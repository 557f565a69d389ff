/**
 * The client's frames of one WebSocket connection (RFC 6455, section 5.2), taken off in place: what a read has brought becomes one stretch of MQTT bytes.
 *
 *   read:    | header | masked payload | header | masked payload | hea…
 *   becomes: · · · · · | payload | payload |                              the cut header is kept for the next read
 *
 * Nothing is allocated for what a length promises. MQTT pays no attention to where frames begin and end [MQTT-6.0.0-2]; only binary frames carry it
 * [MQTT-6.0.0-1]. Payload of control frames is at most 125 bytes, and that is the only payload that is ever kept.
 */
import { cloneBytes } from '../../base/bytes.ts';
import { unmask } from './unmask.ts';

export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** Close codes of RFC 6455, section 7.4.1. */
export const CLOSE = { normal: 1000, goingAway: 1001, protocolError: 1002, unsupportedData: 1003, tooBig: 1009 } as const;

/** The client has broken the rules: the connection is to be closed with `closeCode`. */
export class FrameError extends Error {
  readonly closeCode: number;

  constructor(closeCode: number, why: string) {
    super(why);
    this.closeCode = closeCode;
  }
}

export interface FrameEvents {
  /** The client asks for a pong with this payload, which is valid during the call. */
  ping(payload: Uint8Array): void;
  /** The client closes; what follows is ignored. 1005 when it gave no code. */
  close(code: number): void;
}

export interface Stretch {
  bytes: Uint8Array;
  start: number;
  end: number;
}

const CONTROL_BYTES_MAX = 125;
const CODE_NONE = 1005;

export class FrameReader {
  readonly #events: FrameEvents;
  /** The beginning of a header that the last read has cut. */
  #cut: Uint8Array | null = null;
  /** Bytes of the current frame's payload that are still to come. */
  #left = 0;
  #mask = 0;
  /** Payload bytes of the current frame so far, modulo 4: where its mask goes on. */
  #phase = 0;
  /** A data message has begun and its last frame has not come. */
  #isFragmented = false;
  /** Payload of a control frame under way; null while a data frame is. */
  #control: Uint8Array | null = null;
  #controlOpcode = 0;
  #controlLength = 0;
  #isClosed = false;

  constructor(events: FrameEvents) {
    this.#events = events;
  }

  /**
   * Shrinks `stretch` to the MQTT bytes in it, which may be none. `bytes[0, start)` must be free for the cut header of the read before.
   * Throws FrameError; what came before the fault is lost with the connection.
   */
  read(stretch: Stretch): void {
    const { bytes, end } = stretch;
    let at = this.#rejoin(stretch);
    let out = -1;
    let first = at;
    while (at < end && !this.#isClosed) {
      if (this.#left === 0 && this.#control === null) {
        const headerEnd = this.#header(bytes, at, end);
        if (headerEnd < 0) break;
        at = headerEnd;
      }
      const length = Math.min(this.#left, end - at);
      if (this.#control !== null) {
        this.#takeControl(bytes, at, length);
      } else if (length > 0) {
        if (out < 0) first = out = at; // the first payload stays where it is
        unmask(bytes, at, length, out, this.#mask, this.#phase);
        out += length;
        this.#left -= length;
        this.#phase = (this.#phase + length) & 3;
      }
      at += length;
    }
    stretch.start = first;
    stretch.end = out < 0 ? first : out;
  }

  /** Puts the cut header in front of what has come; returns where the frames begin. */
  #rejoin(stretch: Stretch): number {
    const cut = this.#cut;
    if (cut === null) return stretch.start;
    this.#cut = null;
    const at = stretch.start - cut.length;
    stretch.bytes.set(cut, at);
    return at;
  }

  /** Reads the header at `at`; returns its end, or -1 when it is cut. */
  #header(bytes: Uint8Array, at: number, end: number): number {
    const short = end - at < 2 ? 0 : bytes[at + 1]! & 127;
    const size = 2 + (short === 126 ? 2 : short === 127 ? 8 : 0) + 4;
    if (end - at < 2 || end - at < size) {
      if (end - at >= 2) this.#check(bytes[at]!, bytes[at + 1]!); // what is wrong already needs no rest
      this.#cut = cloneBytes(bytes, at, end);
      return -1;
    }
    this.#check(bytes[at]!, bytes[at + 1]!);
    let length = short;
    if (short === 126) length = (bytes[at + 2]! << 8) | bytes[at + 3]!;
    else if (short === 127) length = longLength(bytes, at + 2);
    const mask = at + size - 4;
    this.#mask = bytes[mask]! | (bytes[mask + 1]! << 8) | (bytes[mask + 2]! << 16) | (bytes[mask + 3]! << 24);
    this.#phase = 0;
    this.#begin(bytes[at]!, length);
    return at + size;
  }

  #check(first: number, second: number): void {
    const opcode = first & 15;
    const isLast = (first & 128) !== 0;
    if ((first & 0x70) !== 0) throw new FrameError(CLOSE.protocolError, 'a reserved bit is set');
    if ((second & 128) === 0) throw new FrameError(CLOSE.protocolError, 'a frame of a client is not masked');
    if (opcode >= 8) {
      if (opcode > OPCODE.pong) throw new FrameError(CLOSE.protocolError, `opcode ${opcode} is reserved`);
      if (!isLast) throw new FrameError(CLOSE.protocolError, 'a control frame is fragmented');
      if ((second & 127) > CONTROL_BYTES_MAX) throw new FrameError(CLOSE.protocolError, 'a control frame is too long');
      return;
    }
    if (opcode === OPCODE.text) throw new FrameError(CLOSE.unsupportedData, 'MQTT travels in binary frames'); // [MQTT-6.0.0-1]
    if (opcode > OPCODE.binary) throw new FrameError(CLOSE.protocolError, `opcode ${opcode} is reserved`);
    if ((opcode === OPCODE.continuation) !== this.#isFragmented) {
      throw new FrameError(CLOSE.protocolError, this.#isFragmented ? 'a message begins within another' : 'nothing to continue');
    }
  }

  #begin(first: number, length: number): void {
    const opcode = first & 15;
    this.#left = length;
    if (opcode >= 8) {
      this.#control = new Uint8Array(length);
      this.#controlOpcode = opcode;
      this.#controlLength = 0;
      return;
    }
    this.#isFragmented = (first & 128) === 0;
  }

  #takeControl(bytes: Uint8Array, at: number, length: number): void {
    const control = this.#control!;
    for (let i = 0; i < length; i++) {
      const shift = ((this.#controlLength + i) & 3) * 8;
      control[this.#controlLength + i] = bytes[at + i]! ^ (this.#mask >>> shift);
    }
    this.#controlLength += length;
    this.#left -= length;
    if (this.#left > 0) return;
    this.#control = null;
    if (this.#controlOpcode === OPCODE.ping) this.#events.ping(control);
    else if (this.#controlOpcode === OPCODE.close) this.#close(control);
  }

  #close(payload: Uint8Array): void {
    this.#isClosed = true;
    if (payload.length === 1) throw new FrameError(CLOSE.protocolError, 'a close code is cut');
    const code = payload.length === 0 ? CODE_NONE : (payload[0]! << 8) | payload[1]!;
    if (payload.length > 0 && !isCloseCode(code)) throw new FrameError(CLOSE.protocolError, `close code ${code}`);
    this.#events.close(code);
  }
}

/** Codes that may be sent: RFC 6455, section 7.4. */
function isCloseCode(code: number): boolean {
  return (code >= 1000 && code <= 1014 && code !== 1004 && code !== 1005 && code !== 1006) || (code >= 3000 && code <= 4999);
}

function longLength(bytes: Uint8Array, at: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, 8);
  const high = view.getUint32(0);
  if (high > 0x1f_ffff) throw new FrameError(CLOSE.tooBig, 'a frame is longer than can be counted');
  return high * 2 ** 32 + view.getUint32(4);
}
