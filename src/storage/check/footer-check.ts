/**
 * Holds the footer of a sealed segment against its frames: each entry must be a frame, and each frame an entry unless its shard has been dropped since. Memory:
 * 56 bytes per frame of one segment.
 */
import { ActiveIndex } from '../active-index.ts';
import type { Disk } from '../disk.ts';
import { emptyFrameHeader, FRAME, FRAME_HEADER_BYTES, type FrameHeader, getU64, readFrame, viewOf } from '../frame.ts';
import { forEachShard } from '../frame-shards.ts';
import type { SegmentEnds } from '../segment-ends.ts';
import { INDEX_ENTRY_BYTES, SEGMENT_TRAILER_BYTES } from '../segment-file.ts';
import { ShardTable } from '../shard-table.ts';

/** A frame that a footer says nothing of: right if its shard has been dropped since, which only the rest of the log tells. */
export interface Unindexed {
  readonly shard: number;
  readonly offset: number;
  readonly lsn: number;
  readonly position: number;
}

/** The frames of one segment, as an index would have them. */
export class FooterCheck {
  readonly #index = new ActiveIndex(new ShardTable(1), false);
  readonly #lsns: number[] = [];

  add(header: FrameHeader, view: DataView, body: number, bodyEnd: number, position: number): void {
    forEachShard(header, view, body, bodyEnd, (shard, offset, span) => {
      this.#index.push(shard, position, header.length, offset, span, header.maxTimestamp);
      this.#lsns.push(header.lsn);
    });
  }

  /** What is wrong with the footer of `file`; undefined when nothing is. The first frame of each shard that is missing there goes to `unindexed`. */
  fault(disk: Disk, file: number, { header, trailer, size }: SegmentEnds, unindexed: Unindexed[]): string | undefined {
    const { footerAt, entries } = trailer!;
    const bytes = new Uint8Array(Math.max(0, size - SEGMENT_TRAILER_BYTES - footerAt));
    disk.read(file, bytes, 0, bytes.length, footerAt);
    const view = viewOf(bytes);
    const footer = emptyFrameHeader();
    if (!readFrame(bytes, view, 0, bytes.length, footer)) return 'its checksum does not match';
    if (footer.type !== FRAME.footer || footer.generation !== header!.generation) return 'it is another frame';
    if (footer.recordCount !== entries || footer.length < FRAME_HEADER_BYTES + entries * INDEX_ENTRY_BYTES)
      return `it has not the ${entries} entries that the trailer tells of`;
    return this.#compare(view, entries, unindexed);
  }

  #compare(view: DataView, entries: number, unindexed: Unindexed[]): string | undefined {
    const { shard, position, length, span, offset, timestamp } = this.#index;
    let entry = 0;
    for (const frame of this.#order()) {
      const at = FRAME_HEADER_BYTES + entry * INDEX_ENTRY_BYTES;
      const isEntry =
        entry < entries &&
        view.getUint32(at, true) === shard[frame] &&
        view.getUint32(at + 4, true) === position[frame] &&
        view.getUint32(at + 8, true) === length[frame] &&
        view.getUint32(at + 12, true) === span[frame] &&
        getU64(view, at + 16) === timestamp[frame] &&
        getU64(view, at + 24) === offset[frame];
      if (isEntry) entry++;
      else if (unindexed.at(-1)?.shard !== shard[frame]) {
        unindexed.push({ shard: shard[frame]!, offset: offset[frame]!, lsn: this.#lsns[frame]!, position: position[frame]! });
      }
    }
    return entry === entries ? undefined : `${entries - entry} of its entries are no frames`;
  }

  /** Frames in order of shard, then of the log. */
  #order(): Uint32Array {
    const { shard, size } = this.#index;
    const order = Uint32Array.from({ length: size }, (_, i) => i);
    return order.sort((a, b) => shard[a]! - shard[b]! || a - b);
  }
}
