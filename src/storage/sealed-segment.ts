/**
 * A segment that is complete: its index is the footer in its file, searched there by halving and read in blocks of entries. In memory it is this object and
 * the block read last.
 */
import { assert } from '../base/assert.ts';
import type { Disk } from './disk.ts';
import type { ShardId } from './engine.ts';
import type { FileCache } from './file-cache.ts';
import { FRAME_HEADER_BYTES, getU64, viewOf } from './frame.ts';
import { INDEX_ENTRY_BYTES } from './segment-file.ts';

/** An entry of a footer. */
export interface IndexEntry {
  shard: number;
  position: number;
  length: number;
  span: number;
  /** Wall clock, milliseconds. */
  timestamp: number;
  offset: number;
}

export interface SealedInfo {
  readonly number: number;
  readonly path: string;
  readonly generation: number;
  readonly createdAt: number;
  readonly startLsn: number;
  readonly nextLsn: number;
  readonly entries: number;
  readonly footerAt: number;
  readonly maxTimestamp: number;
  readonly size: number;
  /** By key: its offsets have holes. */
  readonly isCompacted?: boolean;
}

const BLOCK_ENTRIES = 256;

export class SealedSegment {
  readonly info: SealedInfo;
  readonly #files: FileCache;
  readonly #disk: Disk;
  #block: Uint8Array | null = null;
  #blockView: DataView | null = null;
  #blockFrom = 0;
  #blockTo = 0;

  constructor(info: SealedInfo, files: FileCache, disk: Disk) {
    this.info = info;
    this.#files = files;
    this.#disk = disk;
  }

  /** First entry of the shard that holds `offset` or lies beyond it; `info.entries` or an entry of another shard when there is none. */
  find(shard: ShardId, offset: number, into: IndexEntry): number {
    let low = 0;
    let high = this.info.entries;
    while (low < high) {
      const middle = (low + high) >>> 1;
      this.entry(middle, into);
      if (into.shard < shard || (into.shard === shard && into.offset + into.span <= offset)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Reads an entry; false beyond the last. */
  entry(index: number, into: IndexEntry): boolean {
    if (index >= this.info.entries) return false;
    if (index < this.#blockFrom || index >= this.#blockTo) this.#load(index);
    const view = this.#blockView!;
    const at = (index - this.#blockFrom) * INDEX_ENTRY_BYTES;
    into.shard = view.getUint32(at, true);
    into.position = view.getUint32(at + 4, true);
    into.length = view.getUint32(at + 8, true);
    into.span = view.getUint32(at + 12, true);
    into.timestamp = getU64(view, at + 16);
    into.offset = getU64(view, at + 24);
    return true;
  }

  get file(): number {
    return this.#files.open(this.info.path);
  }

  /** Memory of the index; it comes back when it is needed. */
  release(): void {
    this.#block = null;
    this.#blockView = null;
    this.#blockFrom = 0;
    this.#blockTo = 0;
  }

  #load(index: number): void {
    const from = index - (index % BLOCK_ENTRIES);
    const to = Math.min(from + BLOCK_ENTRIES, this.info.entries);
    if (this.#block === null) {
      this.#block = new Uint8Array(BLOCK_ENTRIES * INDEX_ENTRY_BYTES);
      this.#blockView = viewOf(this.#block);
    }
    const bytes = (to - from) * INDEX_ENTRY_BYTES;
    const position = this.info.footerAt + FRAME_HEADER_BYTES + from * INDEX_ENTRY_BYTES;
    assert(this.#disk.read(this.file, this.#block, 0, bytes, position) === bytes, 'a footer is read whole');
    this.#blockFrom = from;
    this.#blockTo = to;
  }
}
