/** The scenarios that need no broker but a log on a disk: `append`, `shards` and `recovery`. Each works in a fresh process and a fresh directory. */
import { fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { BenchError } from './load/bench-error.ts';
import type { RawRun } from './load/job.ts';
import type { Params } from './scenario.ts';
import type { FromStorage, StorageJob } from './storage/job.ts';
import { startSluice } from './targets/sluice.ts';

/** The log of a million has so many times the shards that are written to in turn. */
const MANY_TIMES = 100;
const START_MS_MAX = 300_000;

function work(job: StorageJob): Promise<RawRun> {
  return new Promise((resolve, reject) => {
    const entry = fileURLToPath(new URL('./storage/main.js', import.meta.url));
    const child = fork(entry, [], { execArgv: ['--expose-gc'], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    let outcome = (): void => reject(new BenchError('protocol', 'the storage process ended without a result'));
    child.on('message', (message: FromStorage) => {
      if (message.type === 'ready') child.send(job);
      else if (message.type === 'result') outcome = () => resolve(message.run);
      else outcome = () => reject(new BenchError('protocol', message.message));
    });
    child.once('error', reject);
    child.once('exit', () => outcome());
  });
}

async function inDirectory<T>(use: (directory: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-bench-log-'));
  try {
    return await use(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

export function runAppendScenario({ seconds, payloadBytes: recordBytes, batch }: Params): Promise<RawRun> {
  return inDirectory((directory) => work({ kind: 'append', directory, seconds, recordBytes, batch }));
}

export async function runShardsScenario({ shards, messages, payloadBytes: recordBytes, batch }: Params): Promise<RawRun> {
  const turns = await inDirectory((directory) => work({ kind: 'shards', directory, shards, messages, recordBytes, batch }));
  const many = await inDirectory((directory) =>
    work({ kind: 'many-shards', directory, shards: MANY_TIMES * shards, recordBytes }),
  );
  return {
    ...turns,
    facts: { ...turns.facts, manyShards: MANY_TIMES * shards, manyShardsPerSecond: many.received / many.seconds, ...many.facts },
  };
}

/** The time from the start of a node to its READY line, with a full log and with an empty directory. */
export async function runRecoveryScenario({ gigabytes, payloadBytes: recordBytes }: Params): Promise<RawRun> {
  const emptySeconds = await inDirectory((directory) => readySeconds(directory));
  return inDirectory(async (directory) => {
    const bytes = gigabytes * 1e9;
    const filled = await work({ kind: 'fill', directory, bytes, recordBytes });
    const seconds = await readySeconds(directory);
    return { ...filled, seconds, facts: { ...filled.facts, emptyReadySeconds: emptySeconds, readySeconds: seconds } };
  });
}

async function readySeconds(directory: string): Promise<number> {
  const began = performance.now();
  const node = await startSluice({ settings: [`node.data=${directory}`], startMsMax: START_MS_MAX });
  const seconds = (performance.now() - began) / 1000;
  await node.stop();
  return seconds;
}
