/**
 * A disk in memory that forgets: what was written and not synced is lost in a crash, whole, in part or not at all, sector by sector; names that were made or moved
 * and not synced may be gone or old. It also fails on demand. Same calls, same random numbers: same disk.
 */
import type { Disk, OpenMode } from '../../src/storage/disk.ts';

const SECTOR = 512;

interface SimFile {
  now: Uint8Array;
  size: number;
  durable: Uint8Array;
  durableSize: number;
  readonly dirty: Set<number>;
}

export class DiskFault extends Error {
  readonly code: string;

  constructor(code: string) {
    super(`${code}: simulated`);
    this.code = code;
  }
}

export class SimDisk implements Disk {
  /** Names now, and names after a crash. */
  #names = new Map<string, SimFile>();
  #durableNames = new Map<string, SimFile>();
  readonly #open = new Map<number, SimFile>();
  #nextFile = 3;
  /** Throws before the n-th next write (1 is the next), after writing `partBytes` of it. */
  failWrite: { after: number; code: string; partBytes: number } | null = null;
  failSync: { after: number; code: string } | null = null;
  /** Bytes that all files may have together. */
  capacity: number = Number.MAX_SAFE_INTEGER;
  syncs = 0;

  open(path: string, mode: OpenMode): number {
    let file = this.#names.get(path);
    if (mode === 'create') {
      if (file !== undefined) throw new DiskFault('EEXIST');
      file = { now: new Uint8Array(0), size: 0, durable: new Uint8Array(0), durableSize: 0, dirty: new Set() };
      this.#names.set(path, file);
    }
    if (file === undefined) throw new DiskFault('ENOENT');
    this.#open.set(this.#nextFile, file);
    return this.#nextFile++;
  }

  close(file: number): void {
    if (!this.#open.delete(file)) throw new DiskFault('EBADF');
  }

  get openFiles(): number {
    return this.#open.size;
  }

  size(file: number): number {
    return this.#file(file).size;
  }

  read(file: number, into: Uint8Array, at: number, length: number, position: number): number {
    const { now, size } = this.#file(file);
    const end = Math.min(size, position + length);
    if (end <= position) return 0;
    into.set(now.subarray(position, end), at);
    return end - position;
  }

  readLater(
    file: number,
    into: Uint8Array,
    at: number,
    length: number,
    position: number,
    then: (error: Error | undefined, bytes: number) => void,
  ): void {
    then(undefined, this.read(file, into, at, length, position));
  }

  write(file: number, bytes: Uint8Array, start: number, end: number, position: number): void {
    const fault = this.failWrite;
    if (fault !== null && --fault.after <= 0) {
      if (fault.code !== 'ENOSPC') this.failWrite = null;
      this.#write(this.#file(file), bytes, start, Math.min(end, start + fault.partBytes), position);
      throw new DiskFault(fault.code);
    }
    if (this.#used() + end - start > this.capacity) throw new DiskFault('ENOSPC');
    this.#write(this.#file(file), bytes, start, end, position);
  }

  sync(file: number): void {
    const fault = this.failSync;
    if (fault !== null && --fault.after <= 0) {
      this.failSync = null;
      throw new DiskFault(fault.code);
    }
    this.syncs++;
    const entry = this.#file(file);
    entry.durable = entry.now.slice(0, entry.size);
    entry.durableSize = entry.size;
    entry.dirty.clear();
  }

  syncLater(file: number, then: (error: Error | undefined) => void): void {
    try {
      this.sync(file);
    } catch (error) {
      return then(error as Error);
    }
    then(undefined);
  }

  truncate(file: number, size: number): void {
    const entry = this.#file(file);
    for (let sector = Math.floor(size / SECTOR); sector * SECTOR < entry.size; sector++) entry.dirty.add(sector);
    entry.now = resized(entry.now.subarray(0, Math.min(size, entry.size)), size);
    entry.size = size;
  }

  makeDir(): void {}

  list(path: string): string[] {
    const prefix = `${path}/`;
    const names = [...this.#names.keys()].filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
    return [...new Set(names.map((name) => name.split('/')[0]!))];
  }

  rename(from: string, to: string): void {
    const file = this.#names.get(from);
    if (file === undefined) throw new DiskFault('ENOENT');
    this.#names.delete(from);
    this.#names.set(to, file);
  }

  remove(path: string): void {
    if (!this.#names.delete(path)) throw new DiskFault('ENOENT');
  }

  removeDir(path: string): void {
    if (this.list(path).length > 0) throw new DiskFault('ENOTEMPTY');
  }

  syncDir(path: string): void {
    const prefix = `${path}/`;
    for (const name of this.#durableNames.keys())
      if (name.startsWith(prefix) && !this.#names.has(name)) this.#durableNames.delete(name);
    for (const [name, file] of this.#names) if (name.startsWith(prefix)) this.#durableNames.set(name, file);
  }

  /** Power is gone and comes back. */
  crash(random: () => number): void {
    this.#open.clear();
    // Names: all changes since the last sync, or none of them.
    const names = random() < 0.5 ? this.#names : this.#durableNames;
    for (const file of new Set([...names.values()])) settle(file, random);
    this.#names = new Map(names);
    this.#durableNames = new Map(names);
    this.failWrite = null;
    this.failSync = null;
  }

  /** The process is gone; the kernel writes what it has. */
  kill(): void {
    this.#open.clear();
  }

  fork(): SimDisk {
    const copy = new SimDisk();
    for (const [name, file] of this.#names) {
      const twin: SimFile = { ...file, now: file.now.slice(), durable: file.durable.slice(), dirty: new Set(file.dirty) };
      copy.#names.set(name, twin);
      if (this.#durableNames.get(name) === file) copy.#durableNames.set(name, twin);
    }
    return copy;
  }

  /** The content of a file, to look at and to damage. */
  bytes(path: string): Uint8Array {
    const file = this.#names.get(path);
    if (file === undefined) throw new DiskFault('ENOENT');
    return file.now.subarray(0, file.size);
  }

  cut(path: string, size: number): void {
    const file = this.#names.get(path)!;
    file.now = file.now.slice(0, size);
    file.size = size;
  }

  paths(): string[] {
    return [...this.#names.keys()].sort();
  }

  #file(file: number): SimFile {
    const entry = this.#open.get(file);
    if (entry === undefined) throw new DiskFault('EBADF');
    return entry;
  }

  #used(): number {
    let bytes = 0;
    for (const { size } of this.#names.values()) bytes += size;
    return bytes;
  }

  #write(entry: SimFile, bytes: Uint8Array, start: number, end: number, position: number): void {
    if (end <= start) return;
    const to = position + end - start;
    if (to > entry.now.length) entry.now = resized(entry.now, Math.max(to, entry.now.length * 2));
    entry.now.set(bytes.subarray(start, end), position);
    entry.size = Math.max(entry.size, to);
    for (let sector = Math.floor(position / SECTOR); sector * SECTOR < to; sector++) entry.dirty.add(sector);
  }
}

function settle(file: SimFile, random: () => number): void {
  const kept = random();
  const sectors = [...file.dirty].filter(() => random() < kept).sort((a, b) => a - b);
  const last = sectors.at(-1);
  const keepsSize = random() < 0.5;
  let size = keepsSize ? file.size : file.durableSize;
  if (last !== undefined) size = Math.max(size, Math.min(file.size, (last + 1) * SECTOR));
  const content = resized(file.durable.subarray(0, Math.min(file.durableSize, size)), size);
  for (const sector of sectors) {
    const from = sector * SECTOR;
    const to = Math.min(from + SECTOR, file.size, size);
    if (to > from) content.set(file.now.subarray(from, to), from);
  }
  file.now = content;
  file.size = size;
  file.durable = content.slice();
  file.durableSize = size;
  file.dirty.clear();
}

function resized(from: Uint8Array, size: number): Uint8Array {
  const to = new Uint8Array(size);
  to.set(from.subarray(0, size));
  return to;
}
