/**
 * A node's disk, as bad as disks are. What is written is in the page cache until it is synced; a crash keeps an arbitrary part of it, sector by sector. Names
 * (create, rename, remove) are kept in order and are durable with the directory's sync. An error of sync drops what was to be synced, and the next sync says that all is well.
 */
import type { Prng } from '../../../src/base/prng.ts';

const SECTOR_BYTES = 512;

/** The process dies here; whoever runs the node catches it. */
export class Crash extends Error {
  override readonly name = 'Crash';
}

export class DiskError extends Error {
  override readonly name = 'DiskError';
}

class SimFile {
  /** As on the platter. */
  durable: Uint8Array = new Uint8Array(0);
  /** As read back by the running system. */
  cached: Uint8Array = new Uint8Array(0);

  append(bytes: Uint8Array): void {
    const grown = new Uint8Array(this.cached.length + bytes.length);
    grown.set(this.cached);
    grown.set(bytes, this.cached.length);
    this.cached = grown;
  }

  sync(): void {
    this.durable = this.cached;
  }

  /** The cache is gone, with what the platter did not get of it. */
  dropCache(): void {
    this.cached = this.durable;
  }

  /** Any sectors of what was not synced may be there, and the length is one or the other. */
  crash(prng: Prng): void {
    if (this.cached === this.durable) return;
    const { durable, cached } = this;
    const keeps = prng.below(3);
    const torn = new Uint8Array(keeps === 0 ? durable.length : durable.length + prng.below(cached.length - durable.length + 1));
    torn.set(durable.subarray(0, torn.length));
    for (let at = durable.length; at < torn.length; at += SECTOR_BYTES) {
      if (keeps === 2 || prng.chance(0.7)) torn.set(cached.subarray(at, Math.min(at + SECTOR_BYTES, torn.length)), at);
    }
    this.durable = torn;
    this.cached = torn;
  }
}

type NameChange = (names: Map<string, SimFile>) => void;

export interface DiskFaults {
  /** Chances per sync. */
  syncError: number;
  /** Milliseconds that a sync takes at least, and on top at most. */
  syncMinMs: number;
  syncSpreadMs: number;
  stallChance: number;
  stallMs: number;
  isFull: boolean;
}

/** The named places, of the disk and of the node. */
export const POINTS = [
  'before turn end',
  'after turn end',
  'before checkpoint',
  'after checkpoint',
  'before apply',
  'after apply',
  'wal before write',
  'wal in write',
  'wal before sync',
  'wal after sync',
  'wal rewrite before sync',
  'wal rewrite before rename',
  'wal rewrite after rename',
  'wal rewrite after directory sync',
  'log before write',
  'log in write',
  'log before sync',
  'log after sync',
  'log before rename',
  'log after rename',
  'log before a segment is named',
  'log after a segment is named',
  'log before a file is a segment again',
  'log after a file is a segment again',
  'log after directory sync',
  'snapshot before create',
  'snapshot before sync',
  'snapshot before rename',
  'snapshot after rename',
  'snapshot after directory sync',
] as const;

export type Point = (typeof POINTS)[number];

export const HEALTHY_DISK: Readonly<DiskFaults> = {
  syncError: 0,
  syncMinMs: 0.1,
  syncSpreadMs: 1,
  stallChance: 0,
  stallMs: 0,
  isFull: false,
};

export class SimDisk {
  faults: DiskFaults = { ...HEALTHY_DISK };
  readonly #prng: Prng;
  #names = new Map<string, SimFile>();
  #durableNames = new Map<string, SimFile>();
  #changes: NameChange[] = [];
  /** Named places passed until the process dies at one; 0: it does not. */
  #crashIn = 0;
  /** Places where the process dies when it comes there; the rarer ones wait long for it. */
  readonly #crashAt = new Set<Point>();
  readonly #onPoint: (name: string) => void;

  constructor(prng: Prng, onPoint: (name: string) => void = () => {}) {
    this.#prng = prng;
    this.#onPoint = onPoint;
  }

  /** The process dies at the `count`th named place from here. */
  arm(count: number): void {
    this.#crashIn = count;
  }

  /** The process dies when it comes to the place of this name, this one or a later one. */
  armAt(name: Point): void {
    this.#crashAt.add(name);
  }

  /** A place where a crash is worth trying. */
  point(name: Point): void {
    if (!this.#crashAt.delete(name) && (this.#crashIn === 0 || --this.#crashIn > 0)) return;
    this.#onPoint(name);
    throw new Crash(name);
  }

  read(name: string): Uint8Array | undefined {
    return this.#names.get(name)?.cached;
  }

  list(): string[] {
    return [...this.#names.keys()].sort();
  }

  create(name: string): void {
    const file = new SimFile();
    this.#change((names) => names.set(name, file));
  }

  append(name: string, bytes: Uint8Array): void {
    this.#names.get(name)!.append(bytes);
  }

  rename(from: string, to: string): void {
    this.#change((names) => {
      const file = names.get(from);
      if (file === undefined) return;
      names.delete(from);
      names.set(to, file);
    });
  }

  remove(name: string): void {
    this.#change((names) => names.delete(name));
  }

  disarm(): void {
    this.#crashIn = 0;
    this.#crashAt.clear();
  }

  /** Milliseconds that the next sync takes. */
  syncMs(): number {
    const { syncMinMs, syncSpreadMs, stallChance, stallMs } = this.faults;
    return syncMinMs + this.#prng.next() * syncSpreadMs + (this.#prng.chance(stallChance) ? stallMs : 0);
  }

  failsSync(): boolean {
    return this.#prng.chance(this.faults.syncError);
  }

  sync(name: string): void {
    const file = this.#names.get(name);
    if (this.failsSync()) {
      file?.dropCache();
      throw new DiskError(`EIO, fsync ${name}`);
    }
    file?.sync();
  }

  syncNames(): void {
    this.#durableNames = new Map(this.#names);
    this.#changes = [];
  }

  /** What is left after a crash. */
  crash(): void {
    this.#crashIn = 0;
    const kept = this.#prng.below(this.#changes.length + 1);
    for (const change of this.#changes.slice(0, kept)) change(this.#durableNames);
    this.#changes = [];
    for (const file of new Set([...this.#durableNames.values(), ...this.#names.values()])) file.crash(this.#prng);
    this.#names = new Map(this.#durableNames);
  }

  /** A bit on the platter turns. */
  flip(name: string, at: number): void {
    const file = this.#names.get(name)!;
    const bytes = file.durable.slice();
    bytes[at]! ^= 1 << this.#prng.below(8);
    file.durable = bytes;
    file.cached = bytes;
  }

  #change(change: NameChange): void {
    change(this.#names);
    this.#changes.push(change);
  }
}
