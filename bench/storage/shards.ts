/** What many shards in one log cost: writing to thousands in turn against writing to one, and a log of a million. */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Journal } from '../../src/storage/journal.ts';
import { median } from '../compare.ts';
import type { RawRun } from '../load/job.ts';
import type { ManyShardsJob, ShardsJob } from './job.ts';
import { batchOf, commit, openLog, rawRun, secondsOf } from './log.ts';

const ROUNDS = 5;
const CREATE_AT_ONCE = 10_000;

export function runShards({ directory, shards, messages, recordBytes, batch }: ShardsJob): RawRun {
  const bytes = batchOf(1, recordBytes);
  const one = logWith(join(directory, 'one'), 1);
  const many = logWith(join(directory, 'many'), shards);
  const write = (journal: Journal, over: number, sync: boolean): number =>
    secondsOf(() => {
      for (let i = 0; i < messages; i++) {
        journal.append(1 + (i % over), -1, bytes, 0, bytes.length);
        if ((i + 1) % batch === 0) commit(journal, sync);
      }
      commit(journal, sync);
    });
  const seconds = { one: [] as number[], many: [] as number[], oneUnsynced: [] as number[], manyUnsynced: [] as number[] };
  for (let round = 0; round < ROUNDS; round++) {
    seconds.one.push(write(one, 1, true));
    seconds.many.push(write(many, shards, true));
    seconds.oneUnsynced.push(write(one, 1, false));
    seconds.manyUnsynced.push(write(many, shards, false));
  }
  one.close();
  many.close();
  rmSync(directory, { recursive: true, force: true });
  return rawRun(messages, median(seconds.many), {
    ratioToOneShard: median(seconds.many) / median(seconds.one),
    ratioToOneShardUnsynced: median(seconds.manyUnsynced) / median(seconds.oneUnsynced),
    oneShardPerSecond: messages / median(seconds.one),
    unsyncedPerSecond: messages / median(seconds.manyUnsynced),
  });
}

function logWith(directory: string, shards: number): Journal {
  const journal = openLog(directory);
  for (let shard = 1; shard <= shards; shard++) journal.create(shard);
  commit(journal, true);
  return journal;
}

export function runManyShards({ directory, shards, recordBytes }: ManyShardsJob): RawRun {
  const bytes = batchOf(1, recordBytes);
  const before = residentBytes();
  let journal = openLog(join(directory, 'log'));
  const seconds = secondsOf(() => {
    for (let shard = 1; shard <= shards; shard++) {
      journal.create(shard);
      if (shard % CREATE_AT_ONCE === 0 || shard === shards) commit(journal, false);
    }
    for (let shard = 1; shard <= shards; shard++) {
      journal.append(shard, 0, bytes, 0, bytes.length);
      if (shard % CREATE_AT_ONCE === 0 || shard === shards) commit(journal, true);
    }
  });
  const growth = residentBytes() - before;
  const files = openFiles();
  journal.close();
  const reopenSeconds = secondsOf(() => {
    journal = openLog(join(directory, 'log'));
  });
  if (journal.table.size !== shards || journal.table.end(shards) !== 1) throw new Error('the log has lost shards');
  const grownReopened = residentBytes() - before;
  journal.close();
  rmSync(directory, { recursive: true, force: true });
  return rawRun(shards, seconds, {
    rssGrowthBytes: growth,
    rssGrowthReopenedBytes: grownReopened,
    openFiles: files,
    reopenSeconds,
  });
}

/** After a collection, and a second one, which waits until the memory of the first has been given back. */
function residentBytes(): number {
  const { gc } = globalThis as { gc?: () => void };
  gc?.();
  gc?.();
  return process.memoryUsage().rss;
}

/** -1 where the system does not tell. */
function openFiles(): number {
  return process.platform === 'linux' ? readdirSync('/proc/self/fd').length : -1;
}
