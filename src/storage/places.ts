/** Where in the files of a log the frames of a shard lie, by offset and by time: what the sealed segments' footers say, and behind them the index of the active one. */
import { SluiceError } from '../base/errors.ts';
import type { ShardId } from './engine.ts';
import type { Journal } from './journal.ts';
import type { IndexEntry, SealedSegment } from './sealed-segment.ts';
import { NO_ENTRY } from './shard-table.ts';

/** Where frames of a shard lie. */
export interface Place {
  readonly segment: number;
  readonly position: number;
  readonly length: number;
  readonly offset: number;
}

/** False: it has enough. */
type Take = (segment: number, position: number, length: number, at: number) => boolean;

/**
 * Where the frames lie that hold `offset` and what follows it, in order: at most `bytesMax` bytes but at least one frame, if there is one. Frames of a
 * hole that a lost piece has left are passed over; the first offset tells.
 */
export function placesOf(journal: Journal, shard: ShardId, offset: number, bytesMax: number): Place[] {
  const places: Place[] = [];
  let bytes = 0;
  const take: Take = (segment, position, length, at) => {
    if (places.length > 0 && bytes + length > bytesMax) return false;
    places.push({ segment, position, length, offset: at });
    bytes += length;
    return bytes < bytesMax;
  };
  if (offset >= journal.table.end(shard)) return places;
  if (fromSealed(journal, shard, offset, take)) fromActive(journal, shard, offset, take);
  return places;
}

/** First offset of the first frame whose records reach `timestamp`; the end when there is none. */
export function offsetForTime(journal: Journal, shard: ShardId, timestamp: number): number {
  const { table, index } = journal;
  if (!table.has(shard)) throw new SluiceError('SLUICE_STORAGE_UNKNOWN_SHARD', `there is no shard ${shard}`);
  const start = table.start(shard);
  const entry: IndexEntry = { shard: 0, position: 0, length: 0, span: 0, timestamp: 0, offset: 0 };
  for (const segment of sealedOf(journal, shard)) {
    if (segment.info.maxTimestamp < timestamp) continue;
    for (let i = segment.find(shard, start, entry); segment.entry(i, entry) && entry.shard === shard; i++) {
      if (entry.timestamp >= timestamp) return Math.max(start, entry.offset);
    }
  }
  const found = index.findTime(shard, timestamp, start);
  return found === NO_ENTRY ? table.end(shard) : Math.max(start, index.offset[found]!);
}

/** The sealed segments that may hold something of the shard. */
function sealedOf({ table, sealed }: Journal, shard: ShardId): SealedSegment[] {
  const oldest = table.oldestSegment(shard);
  const first = sealed.findIndex((segment) => segment.info.number >= oldest);
  return first < 0 ? [] : sealed.slice(first);
}

/** False when `take` has enough. */
function fromSealed(journal: Journal, shard: ShardId, offset: number, take: Take): boolean {
  const { table } = journal;
  const entry: IndexEntry = { shard: 0, position: 0, length: 0, span: 0, timestamp: 0, offset: 0 };
  let isFirst = offset <= table.start(shard);
  for (const segment of sealedOf(journal, shard)) {
    let i = segment.find(shard, offset, entry);
    for (; segment.entry(i, entry) && entry.shard === shard; i++) {
      if (isFirst) table.setOldestSegment(shard, segment.info.number);
      isFirst = false;
      if (!take(segment.info.number, entry.position, entry.length, entry.offset)) return false;
    }
  }
  return true;
}

function fromActive({ index, active }: Journal, shard: ShardId, offset: number, take: Take): void {
  for (let entry = index.find(shard, offset); entry !== NO_ENTRY; entry = index.next[entry]!) {
    if (!take(active.number, index.position[entry]!, index.length[entry]!, index.offset[entry]!)) return;
  }
}
