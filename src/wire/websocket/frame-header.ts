/** Headers of the frames that a server sends: whole messages, never masked. */
import { OPCODE } from './frame-reader.ts';

const LAST = 128;

/** Bytes in front of a payload of `length`. */
export function frameHeaderBytes(length: number): number {
  return length < 126 ? 2 : length < 65_536 ? 4 : 10;
}

/** Writes the header at `at` and returns its end. */
export function writeFrameHeader(out: Uint8Array, at: number, opcode: number, length: number): number {
  out[at] = LAST | opcode;
  if (length < 126) {
    out[at + 1] = length;
    return at + 2;
  }
  if (length < 65_536) {
    out[at + 1] = 126;
    out[at + 2] = length >> 8;
    out[at + 3] = length;
    return at + 4;
  }
  out[at + 1] = 127;
  const view = new DataView(out.buffer, out.byteOffset + at + 2, 8);
  view.setUint32(0, Math.floor(length / 2 ** 32));
  view.setUint32(4, length >>> 0);
  return at + 10;
}

export function closeFrame(code: number): Uint8Array {
  return Uint8Array.of(LAST | OPCODE.close, 2, code >> 8, code);
}

/** `payload` is at most 125 bytes. */
export function pongFrame(payload: Uint8Array): Uint8Array {
  const frame = new Uint8Array(2 + payload.length);
  writeFrameHeader(frame, 0, OPCODE.pong, payload.length);
  frame.set(payload, 2);
  return frame;
}
