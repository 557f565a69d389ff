/** The disk of a node's shared log: the forgetful one of spec/storage, with the trouble and the named places of the node's disk around it. */

import { basename } from 'node:path';
import type { Disk, OpenMode } from '../../../src/storage/disk.ts';
import { isSpareName } from '../../../src/storage/segment-file.ts';
import { DiskFault, type SimDisk as ForgetfulDisk } from '../../storage/sim-disk.ts';
import { Crash, type Point, type SimDisk } from './disk.ts';

export class LogDisk implements Disk {
  /** Where the process has died: nothing reaches the disk any more, whoever catches what. */
  crashed: Crash | undefined;
  readonly #files: ForgetfulDisk;
  readonly #trouble: SimDisk;
  /** Retired segments that are being written again. */
  readonly #recycled = new Set<string>();

  constructor(files: ForgetfulDisk, trouble: SimDisk) {
    this.#files = files;
    this.#trouble = trouble;
  }

  open(path: string, mode: OpenMode): number {
    this.#live();
    if (mode === 'write' && isSpareName(basename(path))) this.#recycled.add(path);
    return this.#files.open(path, mode);
  }

  close(file: number): void {
    this.#live();
    this.#files.close(file);
  }

  size(file: number): number {
    return this.#files.size(file);
  }

  read(file: number, into: Uint8Array, at: number, length: number, position: number): number {
    return this.#files.read(file, into, at, length, position);
  }

  readLater(
    file: number,
    into: Uint8Array,
    at: number,
    length: number,
    position: number,
    then: (error: Error | undefined, bytes: number) => void,
  ): void {
    this.#files.readLater(file, into, at, length, position, then);
  }

  write(file: number, bytes: Uint8Array, start: number, end: number, position: number): void {
    this.#point('log before write');
    const half = start + ((end - start) >> 1);
    this.#files.write(file, bytes, start, half, position);
    this.#point('log in write');
    if (this.#trouble.faults.isFull) throw new DiskFault('ENOSPC');
    this.#files.write(file, bytes, half, end, position + half - start);
  }

  sync(file: number): void {
    this.#point('log before sync');
    if (this.#trouble.failsSync()) throw new DiskFault('EIO');
    this.#files.sync(file);
    this.#point('log after sync');
  }

  syncLater(file: number, then: (error: Error | undefined) => void): void {
    this.#files.syncLater(file, then);
  }

  truncate(file: number, size: number): void {
    this.#live();
    this.#files.truncate(file, size);
  }

  makeDir(): void {}

  list(path: string): string[] {
    return this.#files.list(path);
  }

  rename(from: string, to: string): void {
    const [before, after] = this.#placesOfRename(from);
    this.#point(before);
    this.#files.rename(from, to);
    this.#point(after);
  }

  remove(path: string): void {
    this.#live();
    this.#files.remove(path);
  }

  removeDir(path: string): void {
    this.#live();
    this.#files.removeDir(path);
  }

  syncDir(path: string): void {
    this.#live();
    this.#files.syncDir(path);
    this.#point('log after directory sync');
  }

  #placesOfRename(from: string): readonly [Point, Point] {
    if (this.#recycled.delete(from)) return ['log before a file is a segment again', 'log after a file is a segment again'];
    if (isSpareName(basename(from))) return ['log before a segment is named', 'log after a segment is named'];
    return ['log before rename', 'log after rename'];
  }

  #live(): void {
    if (this.crashed !== undefined) throw this.crashed;
  }

  #point(name: Point): void {
    this.#live();
    try {
      this.#trouble.point(name);
    } catch (error) {
      if (error instanceof Crash) this.crashed = error;
      throw error;
    }
  }
}
