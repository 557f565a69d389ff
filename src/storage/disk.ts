/**
 * The file operations that storage is built on, as one object, so that specs and simulations can put a disk in its place that loses, tears, fills up
 * and fails. All calls but `readLater` block: they belong to a thread that may (the store thread).
 *
 * Errors are those of node:fs; what counts is `code` (ENOSPC, EIO, ENOENT, …).
 */
import {
  closeSync,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  read,
  readdirSync,
  readSync,
  renameSync,
  rmdirSync,
  unlinkSync,
  writeSync,
} from 'node:fs';

export type OpenMode = 'create' | 'write' | 'read';

export interface Disk {
  /** `create` fails when the file exists; `write` and `read` when it does not. Reading is possible in each mode. */
  open(path: string, mode: OpenMode): number;
  close(file: number): void;
  size(file: number): number;
  /** Reads up to `length` bytes at `position` to `into[at …]`; returns how many there were. */
  read(file: number, into: Uint8Array, at: number, length: number, position: number): number;
  /** The same without blocking; `then` is called later on this thread. */
  readLater(
    file: number,
    into: Uint8Array,
    at: number,
    length: number,
    position: number,
    then: (error: Error | undefined, bytes: number) => void,
  ): void;
  /** Writes all of `bytes[start, end)` at `position`, or throws; then any part of it may have been written. */
  write(file: number, bytes: Uint8Array, start: number, end: number, position: number): void;
  /** Content and size are durable when it returns. */
  sync(file: number): void;
  /** The same without blocking; `then` is called later on this thread. */
  syncLater(file: number, then: (error: Error | undefined) => void): void;
  truncate(file: number, size: number): void;
  makeDir(path: string): void;
  /** Names in a directory, unordered. */
  list(path: string): string[];
  /** Replaces `to`. Durable after `syncDir`. */
  rename(from: string, to: string): void;
  remove(path: string): void;
  /** An empty one. */
  removeDir(path: string): void;
  /** Names made, renamed and removed in `path` are durable when it returns. */
  syncDir(path: string): void;
}

const FLAGS: Readonly<Record<OpenMode, string>> = { create: 'wx+', write: 'r+', read: 'r' };

export class FileDisk implements Disk {
  open(path: string, mode: OpenMode): number {
    return openSync(path, FLAGS[mode], 0o640);
  }

  close(file: number): void {
    closeSync(file);
  }

  size(file: number): number {
    return fstatSync(file).size;
  }

  read(file: number, into: Uint8Array, at: number, length: number, position: number): number {
    let done = 0;
    while (done < length) {
      const bytes = readSync(file, into, at + done, length - done, position + done);
      if (bytes === 0) break;
      done += bytes;
    }
    return done;
  }

  readLater(
    file: number,
    into: Uint8Array,
    at: number,
    length: number,
    position: number,
    then: (error: Error | undefined, bytes: number) => void,
  ): void {
    read(file, into, at, length, position, (error, bytes) => {
      if (error !== null) then(error, 0);
      else if (bytes === length || bytes === 0) then(undefined, bytes);
      else this.readLater(file, into, at + bytes, length - bytes, position + bytes, (e, more) => then(e, bytes + more));
    });
  }

  write(file: number, bytes: Uint8Array, start: number, end: number, position: number): void {
    while (start < end) {
      const written = writeSync(file, bytes, start, end - start, position);
      start += written;
      position += written;
    }
  }

  sync(file: number): void {
    fdatasyncSync(file);
  }

  syncLater(file: number, then: (error: Error | undefined) => void): void {
    fdatasync(file, (error) => then(error ?? undefined));
  }

  truncate(file: number, size: number): void {
    ftruncateSync(file, size);
  }

  makeDir(path: string): void {
    mkdirSync(path, { recursive: true, mode: 0o750 });
  }

  list(path: string): string[] {
    return readdirSync(path);
  }

  rename(from: string, to: string): void {
    renameSync(from, to);
  }

  remove(path: string): void {
    unlinkSync(path);
  }

  removeDir(path: string): void {
    rmdirSync(path);
  }

  syncDir(path: string): void {
    const directory = openSync(path, 'r');
    try {
      fsyncSync(directory);
    } finally {
      closeSync(directory);
    }
  }
}

export function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
