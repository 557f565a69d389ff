/**
 * Credit: how many bytes of each class may still be sent. The receiver grants a window when the connection begins and gives
 * bytes back once their messages are handed on, so what it must hold is bounded per class, and a class that is stuck stops
 * itself alone.
 *
 * A frame may be sent while any credit is left, so that one larger than the window can pass: the window is exceeded by less
 * than one frame.
 *
 *   frame `credit`, body: u32 bytes given back, for each class
 */
import { SluiceError } from '../base/errors.ts';
import { WIRE_WINDOW_BYTES } from '../base/limits.ts';
import { CLASS_NAMES, CLASSES } from './classes.ts';
import { encodeFrame, FRAME } from './frame.ts';

export const CREDIT_BODY_BYTES: number = CLASSES.length * 4;

/** The sender's side. */
export class Credit {
  readonly #left: number[];
  readonly #windows: readonly number[];

  constructor(windows: readonly number[]) {
    this.#windows = windows;
    this.#left = [...windows];
  }

  has(cls: number): boolean {
    return this.#left[cls]! > 0;
  }

  spend(cls: number, bytes: number): void {
    this.#left[cls]! -= bytes;
  }

  /** A `credit` frame came. */
  restore(bytes: Uint8Array, start: number): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset + start, CREDIT_BODY_BYTES);
    for (const cls of CLASSES) {
      this.#left[cls]! += view.getUint32(cls * 4, true);
      if (this.#left[cls]! > this.#windows[cls]!) {
        throw new SluiceError('SLUICE_WIRE_CREDIT', `the peer gave back more ${CLASS_NAMES[cls]} bytes than it got`);
      }
    }
  }
}

/** The receiver's side. */
export class Debt {
  /** Bytes that came and were not given back yet, and those of them that can be. */
  readonly #open: number[] = CLASSES.map(() => 0);
  readonly #owed: number[] = CLASSES.map(() => 0);
  #isDue = false;

  /** A header of a frame of `bytes` came. Throws when the sender had no credit left. */
  incur(cls: number, bytes: number): void {
    if (this.#open[cls]! >= WIRE_WINDOW_BYTES[cls]!) {
      throw new SluiceError('SLUICE_WIRE_CREDIT', `the peer sent ${CLASS_NAMES[cls]} messages without credit`);
    }
    this.#open[cls]! += bytes;
  }

  /** The messages of a frame of `bytes` were handed on. */
  clear(cls: number, bytes: number): void {
    this.#owed[cls]! += bytes;
    if (this.#owed[cls]! >= WIRE_WINDOW_BYTES[cls]! / 4) this.#isDue = true;
  }

  /** At the end of a turn: the frame to send, when there is enough to give back. */
  settle(): Buffer | undefined {
    if (!this.#isDue) return undefined;
    this.#isDue = false;
    const body = Buffer.alloc(CREDIT_BODY_BYTES);
    for (const cls of CLASSES) {
      body.writeUInt32LE(this.#owed[cls]!, cls * 4);
      this.#open[cls]! -= this.#owed[cls]!;
      this.#owed[cls] = 0;
    }
    return encodeFrame(FRAME.credit, body);
  }
}
