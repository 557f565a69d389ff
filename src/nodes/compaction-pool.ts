/** The threads that compact logs by key for the store (piscina): one, while there is something to compact. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Piscina } from 'piscina';
import type { Compactor } from '../actors/store/compactions.ts';
import type { CompactionJob, CompactionResult } from '../storage/compaction/job.ts';

const PAUSE_MS = 100;
/** An idle thread ends. */
const IDLE_MS = 10_000;

type Pool = Piscina<CompactionJob, CompactionResult>;

async function openPool(): Promise<Pool> {
  const { Piscina } = await import('piscina');
  return new Piscina<CompactionJob, CompactionResult>({
    filename: new URL('../storage/compaction/job.js', import.meta.url).href,
    name: 'compactionJob',
    minThreads: 0,
    maxThreads: 1,
    idleTimeout: IDLE_MS,
  });
}

/** Nothing is loaded for it before there is something to compact. */
export function compactionPool(): Compactor {
  let pool: Promise<Pool> | undefined;
  return {
    run: async (job) => {
      pool ??= openPool();
      return (await pool).run(job);
    },
    pause: () => pause(PAUSE_MS),
  };
}
