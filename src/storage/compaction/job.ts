/**
 * Compaction in a thread of the pool: one page of batches per job, so that a reactor is never held up and memory is bounded by the page and the table of keys, which the jobs of a
 * shard share.
 */
import { type Compaction, indexBatches, rewriteBatches } from './compact.ts';
import { KeyOffsets } from './key-offsets.ts';

export type CompactionJob =
  | { readonly do: 'index'; readonly keys: SharedArrayBuffer; readonly batches: Uint8Array }
  | { readonly do: 'rewrite'; readonly keys: SharedArrayBuffer; readonly batches: Uint8Array; readonly compaction: Compaction };

export type CompactionResult =
  | { readonly notedTo: number }
  | { readonly batches: Uint8Array; readonly recordsBefore: number; readonly recordsAfter: number };

export async function compactionJob(job: CompactionJob): Promise<CompactionResult> {
  const keys = new KeyOffsets(job.keys);
  if (job.do === 'index') return { notedTo: await indexBatches(keys, job.batches) };
  const { batches, ...counts } = await rewriteBatches(keys, job.batches, job.compaction);
  // Memory of its own: a view is cloned with all of the memory behind it.
  return { ...counts, batches: batches.byteLength === batches.buffer.byteLength ? batches : Uint8Array.from(batches) };
}
