/**
 * What a shard may give up. Pure: whoever owns an engine asks `cutoffMs`, looks the offset of that time up, asks `retainedFrom`, and trims. All engines alike.
 */
import type { ShardStat } from './engine.ts';

/** What is kept of a shard; every limit that is there holds. */
export interface Retention {
  /** Records older than this may go, milliseconds. */
  readonly ageMsMax?: number;
  /** Bytes of batches. */
  readonly bytesMax?: number;
  /** Offsets. */
  readonly recordsMax?: number;
}

/** Time before which records may go, undefined when age is no reason. */
export function cutoffMs(retention: Retention, nowMs: number): number | undefined {
  return retention.ageMsMax === undefined ? undefined : nowMs - retention.ageMsMax;
}

/**
 * Offset at which the shard should start: its present start when nothing is to go. `offsetAtCutoff` is what `offsetForTime` says of `cutoffMs`, undefined when there is
 * none. Everything before it is older; what is older behind it, since clocks differ, waits for its turn.
 *
 * Bytes are taken to be spread evenly over the offsets, so that no engine needs an index by bytes; the offset is rounded down, and so never gives up a batch too many of even size.
 */
export function retainedFrom(retention: Retention, stat: ShardStat, offsetAtCutoff: number | undefined): number {
  const { start, next, bytes } = stat;
  let from = Math.max(start, offsetAtCutoff ?? start);
  const { bytesMax, recordsMax } = retention;
  if (recordsMax !== undefined) from = Math.max(from, next - recordsMax);
  if (bytesMax !== undefined && bytes > bytesMax)
    from = Math.max(from, start + Math.floor((next - start) * ((bytes - bytesMax) / bytes)));
  return Math.min(from, next);
}
