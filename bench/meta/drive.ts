/** Keeps so many calls under way, for a time or until all are done. */
import { Histogram } from '../../src/base/histogram.ts';
import { BenchError } from '../load/bench-error.ts';
import { cpuMicros } from '../proc.ts';
import type { MetaCaller, MetaJob, MetaRun } from './orders.ts';

/** What a client may do wrong before the run is given up. */
const FAILURES_MAX = 100;

export function drive(caller: MetaCaller, job: MetaJob): Promise<MetaRun> {
  return new Promise((resolve, reject) => {
    const latency = new Histogram();
    const beginMs = performance.now();
    const fromMs = beginMs + job.warmupSeconds * 1000;
    const untilMs = job.calls > 0 ? Number.POSITIVE_INFINITY : fromMs + job.seconds * 1000;
    let cpu = process.cpuUsage();
    let clusterCpu = clusterCpuMicros(job);
    let started = 0;
    let underWay = 0;
    let counted = 0;
    let failures = 0;
    let isMeasuring = job.warmupSeconds === 0;
    let isOver = false;

    function end(nowMs: number): void {
      if (isOver) return;
      isOver = true;
      const { user, system } = process.cpuUsage(cpu);
      const seconds = (nowMs - fromMs) / 1000;
      resolve({
        calls: counted,
        seconds,
        latency: latency.snapshot(),
        cpuMicros: user + system,
        clusterCpuMicros: clusterCpuMicros(job) - clusterCpu,
      });
    }

    function next(): void {
      const number = started++;
      const sentMs = performance.now();
      underWay++;
      caller.call(job, number, (isOk) => {
        underWay--;
        const nowMs = performance.now();
        if (!isMeasuring && nowMs >= fromMs) {
          isMeasuring = true;
          cpu = process.cpuUsage();
          clusterCpu = clusterCpuMicros(job);
        }
        if (!isOk && ++failures > FAILURES_MAX) return reject(new BenchError('protocol', 'calls fail'));
        if (isOk && isMeasuring && nowMs < untilMs) {
          counted++;
          latency.record(Math.round((nowMs - sentMs) * 1000));
        }
        if (nowMs >= untilMs) return end(untilMs);
        if (job.calls === 0 || started < job.calls) next();
        else if (underWay === 0) end(nowMs);
      });
    }
    const first = job.calls === 0 ? job.window : Math.min(job.window, job.calls);
    for (let i = 0; i < first; i++) next();
  });
}

function clusterCpuMicros({ pids }: MetaJob): number {
  return pids.reduce((sum, pid) => sum + (cpuMicros(pid) ?? 0), 0);
}
