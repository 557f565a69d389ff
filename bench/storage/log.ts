/** What the loads on a bare log share: opening it as a node does, and batches to append. */
import { performance } from 'node:perf_hooks';
import { Histogram } from '../../src/base/histogram.ts';
import { LOG_RUNWAY_BYTES } from '../../src/base/limits.ts';
import { FileDisk } from '../../src/storage/disk.ts';
import { Journal } from '../../src/storage/journal.ts';
import { RecordBatchBuilder } from '../../src/storage/record-batch-builder.ts';
import type { RawRun } from '../load/job.ts';

/** As in a node's defaults. */
const SEGMENT_BYTES = 256 * 1024 * 1024;
const TAIL_BYTES = 32 * 1024 * 1024;

export function openLog(directory: string): Journal {
  return new Journal({
    disk: new FileDisk(),
    directory,
    segmentBytes: SEGMENT_BYTES,
    tailBytes: TAIL_BYTES,
    runwayBytes: LOG_RUNWAY_BYTES,
    wallClock: () => Date.now(),
    random: () => Math.random(),
    onCorruption: 'refuse',
  });
}

export function commit(journal: Journal, sync: boolean): void {
  journal.commit(sync, (error) => {
    if (error !== undefined) throw error;
  });
}

/** A batch of `count` records with a key as long as a short topic. */
export function batchOf(count: number, recordBytes: number): Uint8Array {
  const key = Buffer.from('bench/sensor/1');
  const value = Buffer.alloc(recordBytes, 'Z');
  const builder = new RecordBatchBuilder();
  for (let i = 0; i < count; i++) builder.append(Date.now(), key, 0, key.length, value, 0, value.length);
  builder.seal();
  return builder.bytes.slice(0, builder.end);
}

export function secondsOf(work: () => void): number {
  const began = performance.now();
  work();
  return (performance.now() - began) / 1000;
}

/** A run without broker and connections. */
export function rawRun(records: number, seconds: number, facts: Readonly<Record<string, number>>): RawRun {
  const empty = new Histogram().snapshot();
  // Of the process's life as a whole: slices of several things take turns in it.
  const cpu = process.cpuUsage();
  const share = seconds / process.uptime();
  return {
    seconds,
    sent: records,
    received: records,
    delivered: records,
    lost: 0,
    latency: empty,
    ackLatency: empty,
    sendLag: empty,
    loadCpuMicros: (cpu.user + cpu.system) * share,
    perClient: [],
    facts,
  };
}
