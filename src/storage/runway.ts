/**
 * Zeros that a log writes ahead of itself. A sync of blocks that a file has already takes less time than one that lengthens the file, since the file system
 * has nothing of its own to write down. Big commits do not wait for that, so a file gets a runway only behind small ones.
 *
 * To whoever reads the file the zeros are its end, see commit-walk.ts.
 */
import { LOG_RUNWAY_COMMIT_BYTES_MAX } from '../base/limits.ts';
import { type Disk, errorCode } from './disk.ts';

export class Runway {
  readonly #disk: Disk;
  readonly #zeros: Uint8Array;
  /** What the file is known to have. */
  #end = 0;
  /** The disk had no room for it: not tried again in this file. */
  #isOff = false;

  /** `bytes`: of one runway; 0 for a log that has none. */
  constructor(disk: Disk, bytes: number) {
    this.#disk = disk;
    this.#zeros = new Uint8Array(bytes);
  }

  /** The log goes on in a file of that size. */
  begin(size: number): void {
    this.#end = size;
    this.#isOff = this.#zeros.length === 0;
  }

  /** A commit of `bytes` has been written up to `end` and is to be synced. Throws what the disk throws, except that it is full. */
  lengthen(file: number, end: number, bytes: number): void {
    if (end <= this.#end || this.#isOff || bytes > LOG_RUNWAY_COMMIT_BYTES_MAX) return;
    try {
      this.#disk.write(file, this.#zeros, 0, this.#zeros.length, end);
      this.#end = end + this.#zeros.length;
    } catch (error) {
      if (errorCode(error) !== 'ENOSPC') throw error;
      this.#isOff = true;
    }
  }
}
