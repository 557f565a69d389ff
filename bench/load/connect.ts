/**
 * The connect load: opens connections with a bounded number under way and keeps them all. The first quarter warms the broker up and
 * stays; the other three quarters are timed, and the growth of the broker's memory over them is the cost of an idle connection. A
 * slope between two full states leaves out what a broker allocates once, and nothing is freed in between that could be used again.
 */
import { performance } from 'node:perf_hooks';
import { Histogram } from '../../src/base/histogram.ts';
import { cpuMicros, rssBytes } from '../proc.ts';
import { Clients } from './clients.ts';
import type { ConnectJob, RawRun } from './job.ts';
import { sleep } from './meter.ts';
import type { RunContext } from './run-context.ts';

const PROGRESS_EVERY = 200;

const now = (): number => performance.now();

function memoryOf(job: ConnectJob): number | undefined {
  return job.brokerPid === undefined ? undefined : rssBytes(job.brokerPid);
}

function cpuOf(job: ConnectJob): number | undefined {
  return job.brokerPid === undefined ? undefined : cpuMicros(job.brokerPid);
}

export async function runConnect(job: ConnectJob, context: RunContext): Promise<RawRun> {
  const clients = new Clients(job, context);
  const latency = new Histogram();
  let next = 0;
  const openUntil = async (end: number, phase: string, record: boolean): Promise<void> => {
    const lane = async (): Promise<void> => {
      while (next < end) {
        const index = next++;
        const start = now();
        await clients.connect(`bench-idle-${index}`);
        if (record) latency.record((now() - start) * 1000);
        if (index % PROGRESS_EVERY === 0) context.progress(index / job.connections, phase, [index]);
      }
    };
    await Promise.all(Array.from({ length: job.concurrency }, lane));
  };

  const warm = Math.floor(job.connections / 4);
  await openUntil(warm, 'warm-up', false);
  await sleep(job.warmupSeconds * 1000);
  const before = { rss: memoryOf(job), cpu: cpuOf(job), load: process.cpuUsage(), at: now() };
  await openUntil(job.connections, 'measure', true);
  const seconds = (now() - before.at) / 1000;
  const load = process.cpuUsage(before.load);
  const cpu = cpuOf(job);
  await sleep(job.warmupSeconds * 1000);
  const rss = memoryOf(job);
  clients.closeAll();

  const opened = job.connections - warm;
  const empty = new Histogram().snapshot();
  return {
    seconds,
    sent: opened,
    received: opened,
    delivered: job.connections,
    lost: 0,
    latency: latency.snapshot(),
    ackLatency: empty,
    sendLag: empty,
    loadCpuMicros: load.user + load.system,
    perClient: [],
    ...(cpu === undefined || before.cpu === undefined ? {} : { brokerCpuMicros: cpu - before.cpu }),
    ...(rss === undefined || before.rss === undefined
      ? {}
      : { brokerRssBytes: rss, rssPerConnectionBytes: (rss - before.rss) / opened }),
  };
}
