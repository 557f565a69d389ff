/** The process of the loads on a bare log: one job comes over the IPC channel, one result goes back, then it ends. */
import type { RawRun } from '../load/job.ts';
import { runAppend } from './append.ts';
import { runFill } from './fill.ts';
import type { FromStorage, StorageJob } from './job.ts';
import { runManyShards, runShards } from './shards.ts';

function run(job: StorageJob): RawRun {
  switch (job.kind) {
    case 'append':
      return runAppend(job);
    case 'shards':
      return runShards(job);
    case 'many-shards':
      return runManyShards(job);
    case 'fill':
      return runFill(job);
  }
}

function finish(message: FromStorage): void {
  process.send!(message, undefined, undefined, () => process.exit(0));
}

process.once('disconnect', () => process.exit(1));
process.once('message', (job: StorageJob) => {
  try {
    finish({ type: 'result', run: run(job) });
  } catch (error) {
    finish({ type: 'failed', message: (error as Error).message });
  }
});
process.send!({ type: 'ready' } satisfies FromStorage);
