/**
 * The files of a log's segments, from the first byte on: a new segment is written over one that has been retired, when there is such a file, so that the file system has nothing to find and to free. LOG_SPARES_MAX are kept.
 *
 *   spare-7 ── header, sync ──▶ 10.seg ── … sealed, nobody wants it ──▶ spare-10
 */
import { join } from 'node:path';
import { LOG_SPARES_MAX } from '../base/limits.ts';
import type { ActiveSegment, JournalOptions } from './journal.ts';
import { encodeSegmentHeader, SEGMENT_HEADER_BYTES, segmentName, spareName } from './segment-file.ts';

export class Spares {
  readonly #options: JournalOptions;
  readonly #names: string[];

  /** @param names of the files in the directory that nobody wants any more */
  constructor(options: JournalOptions, names: string[]) {
    this.#options = options;
    this.#names = names;
  }

  /** Begins a segment, which gets its name when its header is durable: what has the name of a segment is one. */
  begin(log: number, number: number, startLsn: number): ActiveSegment {
    const { disk, directory, wallClock, random } = this.#options;
    const spare = this.#names.pop();
    const unnamed = join(directory, spare ?? spareName(number));
    // A crash must not bring it back under the name of the segment that it was, with what is written now.
    if (spare !== undefined) disk.syncDir(directory);
    const file = disk.open(unnamed, spare === undefined ? 'create' : 'write');
    const generation = Math.floor(random() * 2 ** 32);
    const createdAt = wallClock();
    const page = encodeSegmentHeader({ generation, log, number, startLsn, createdAt, isRewritten: false });
    disk.write(file, page, 0, page.length, 0);
    disk.sync(file);
    const path = join(directory, segmentName(number));
    disk.rename(unnamed, path);
    disk.syncDir(directory);
    return { number, path, file, generation, createdAt, startLsn, position: SEGMENT_HEADER_BYTES };
  }

  /** Takes the closed file of a segment that nobody wants any more, or removes it. */
  retire(path: string, size: number, number: number): void {
    const { disk, directory, segmentBytes } = this.#options;
    if (this.#names.length < LOG_SPARES_MAX && size <= 2 * segmentBytes) {
      const name = spareName(number);
      disk.rename(path, join(directory, name));
      this.#names.push(name);
    } else {
      disk.remove(path);
    }
  }
}
