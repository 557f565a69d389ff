/** A window over a file that is read forward: a few megabytes at a time, more where one thing is larger. */
import type { Disk } from './disk.ts';
import { viewOf } from './frame.ts';

export const FILE_WINDOW_BYTES: number = 4 * 1024 * 1024;

export class FileWindow {
  readonly #disk: Disk;
  readonly #file: number;
  readonly #size: number;
  bytes: Uint8Array;
  view: DataView;
  /** Position in the file of `bytes[0]`, and how many bytes are there. */
  base = 0;
  length = 0;

  /** Nothing is read from `size` on. */
  constructor(disk: Disk, file: number, size: number) {
    this.#disk = disk;
    this.#file = file;
    this.#size = size;
    this.bytes = new Uint8Array(Math.min(FILE_WINDOW_BYTES, size));
    this.view = viewOf(this.bytes);
  }

  /** Makes `[position, position + bytes)` available as far as the file has it; returns where it begins in `bytes`. */
  show(position: number, bytes: number): number {
    if (position >= this.base && position + bytes <= this.base + this.length) return position - this.base;
    if (bytes > this.bytes.length) {
      this.bytes = new Uint8Array(bytes);
      this.view = viewOf(this.bytes);
    }
    const wanted = Math.max(0, Math.min(this.bytes.length, this.#size - position));
    this.length = this.#disk.read(this.#file, this.bytes, 0, wanted, position);
    this.base = position;
    return 0;
  }
}
