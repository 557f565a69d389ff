/** Completes the active segment of a log: its index goes to the end of the file as the footer, with the trailer by which the next opening finds it. */
import type { ActiveIndex } from './active-index.ts';
import { emptyFrameHeader, FRAME, FRAME_HEADER_BYTES, frameBytes, sealFrame, setU64, viewOf } from './frame.ts';
import type { ActiveSegment, Journal } from './journal.ts';
import { SealedSegment } from './sealed-segment.ts';
import { encodeSegmentTrailer, INDEX_ENTRY_BYTES, SEGMENT_TRAILER_BYTES } from './segment-file.ts';

/** Everything before is durable. Writes, syncs and closes the file; throws what the disk throws. `nextLsn`: of the first frame of the next segment. */
export function sealSegment(journal: Journal, nextLsn: number): SealedSegment {
  const { active, index, files } = journal;
  const { disk } = journal.options;
  const order = index.sorted();
  const end = encodeSegmentEnd(index, order, active, nextLsn);
  disk.write(active.file, end, 0, end.length, active.position);
  const size = active.position + end.length;
  disk.truncate(active.file, size);
  disk.sync(active.file);
  disk.close(active.file);
  let maxTimestamp = 0;
  for (const entry of order) maxTimestamp = Math.max(maxTimestamp, index.timestamp[entry]!);
  const { number, path, generation, createdAt, startLsn, position } = active;
  const info = {
    number,
    path,
    generation,
    createdAt,
    startLsn,
    nextLsn,
    entries: order.length,
    footerAt: position,
    maxTimestamp,
    size,
  };
  return new SealedSegment(info, files, disk);
}

/** Entries of an index, a column for each field. */
export type IndexColumns = Pick<ActiveIndex, 'shard' | 'position' | 'length' | 'span' | 'offset' | 'timestamp'>;

/** Footer and trailer for entries in `order`, to be put at `active.position`. */
export function encodeSegmentEnd(
  index: IndexColumns,
  order: Uint32Array,
  active: Pick<ActiveSegment, 'generation' | 'position'>,
  nextLsn: number,
): Uint8Array {
  const bodyBytes = order.length * INDEX_ENTRY_BYTES;
  const footer = frameBytes(bodyBytes);
  const bytes = new Uint8Array(footer + SEGMENT_TRAILER_BYTES);
  const view = viewOf(bytes);
  let at = FRAME_HEADER_BYTES;
  let shards = 0;
  let before = -1;
  let maxTimestamp = 0;
  for (const entry of order) {
    const shard = index.shard[entry]!;
    if (shard !== before) shards++;
    before = shard;
    maxTimestamp = Math.max(maxTimestamp, index.timestamp[entry]!);
    view.setUint32(at, shard, true);
    view.setUint32(at + 4, index.position[entry]!, true);
    view.setUint32(at + 8, index.length[entry]!, true);
    view.setUint32(at + 12, index.span[entry]!, true);
    setU64(view, at + 16, index.timestamp[entry]!);
    setU64(view, at + 24, index.offset[entry]!);
    at += INDEX_ENTRY_BYTES;
  }
  const header = {
    ...emptyFrameHeader(),
    type: FRAME.footer,
    generation: active.generation,
    recordCount: order.length,
    lsn: nextLsn,
  };
  sealFrame(bytes, view, 0, bodyBytes, header);
  const { generation, position } = active;
  const trailer = { generation, entries: order.length, footerAt: position, nextLsn, maxTimestamp, shards };
  bytes.set(encodeSegmentTrailer(trailer), footer);
  return bytes;
}
