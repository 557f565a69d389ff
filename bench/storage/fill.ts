/** Fills the shared log of a data directory with records of many shards and leaves it as a killed node does: the last segment is open. */
import { join } from 'node:path';
import type { RawRun } from '../load/job.ts';
import type { FillJob } from './job.ts';
import { batchOf, commit, openLog, rawRun, secondsOf } from './log.ts';

const SHARDS = 64;
const BATCH_RECORDS = 100;
const COMMIT_BATCHES = 40;

export function runFill({ directory, bytes, recordBytes }: FillJob): RawRun {
  const journal = openLog(join(directory, 'log', 'shared'));
  for (let shard = 1; shard <= SHARDS; shard++) journal.create(shard);
  const batch = batchOf(BATCH_RECORDS, recordBytes);
  let written = 0;
  let batches = 0;
  const seconds = secondsOf(() => {
    while (written < bytes) {
      for (let i = 0; i < COMMIT_BATCHES; i++, batches++) written += append(batches);
      commit(journal, false);
    }
    commit(journal, true);
  });
  function append(n: number): number {
    journal.append(1 + (n % SHARDS), -1, batch, 0, batch.length);
    return batch.length;
  }
  return rawRun(batches * BATCH_RECORDS, seconds, { segments: journal.sealed.length + 1 });
}
