/** What every engine asks of an append before it stages anything. */
import { assert } from '../../base/assert.ts';
import { SluiceError } from '../../base/errors.ts';
import type { ShardId } from '../engine.ts';
import { batchBytes, HEADER_BYTES, lastOffsetDeltaOf } from '../record-batch.ts';

/** Checks the writer's belief and the size; returns how many offsets the batch takes. */
export function checkAppend(
  shard: ShardId,
  next: number,
  expected: number,
  bytesMax: number,
  bytes: Uint8Array,
  from: number,
  to: number,
): number {
  if (expected !== -1 && expected !== next)
    throw new SluiceError('SLUICE_STORAGE_OFFSET_MISMATCH', `Shard ${shard} goes on at ${next}, not at ${expected}.`);
  if (to - from > bytesMax)
    throw new SluiceError('SLUICE_STORAGE_BATCH_TOO_LARGE', `A batch of ${to - from} bytes is above the bound of ${bytesMax}.`);
  assert(to - from >= HEADER_BYTES && batchBytes(bytes, from) === to - from, 'one whole batch is appended');
  return lastOffsetDeltaOf(bytes, from) + 1;
}

/** An error when `offset` lies outside of what can be read; the end itself can, and is empty. */
export function outOfRange(shard: ShardId, offset: number, start: number, end: number): SluiceError | undefined {
  if (offset >= start && offset <= end) return undefined;
  return new SluiceError(
    'SLUICE_STORAGE_OFFSET_OUT_OF_RANGE',
    `Shard ${shard} keeps ${start} to ${end}; ${offset} lies outside.`,
  );
}
