/** The `meta` scenarios: a cluster of ours, or of etcd, fresh for every run, and a process that calls it. */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Histogram } from '../src/base/histogram.ts';
import { BenchError } from './load/bench-error.ts';
import type { RawRun } from './load/job.ts';
import type { MetaOrder, MetaReport } from './meta/load-process.ts';
import type { MetaJob } from './meta/orders.ts';
import type { Params, Scenario } from './scenario.ts';
import { startEtcdCluster, startSluiceCluster } from './targets/cluster.ts';
import type { TargetOptions } from './targets/target.ts';

/** Young generation, MiB per half, as for the load of the other scenarios. */
const FLAGS = ['--max-semi-space-size=32'];
const KEYS = 10_000;

export async function runMetaScenario(
  { name }: Scenario,
  params: Params,
  target: string,
  options: TargetOptions,
): Promise<{ readonly version: string; readonly run: RawRun }> {
  if (target !== 'sluice' && target !== 'etcd') throw new BenchError('usage', `${name} has the targets sluice and etcd`);
  const { members, window, batch, payloadBytes, seconds, warmupSeconds, messages } = params;
  const cluster = target === 'sluice' ? await startSluiceCluster(members, options) : await startEtcdCluster(members);
  try {
    const load = name === 'meta-read' ? 'read' : batch > 1 ? 'claim' : 'put';
    const calls = Math.ceil(messages / batch);
    const job: MetaJob = {
      load,
      window,
      batch,
      payloadBytes,
      keys: KEYS,
      warmupSeconds: calls > 0 ? 0 : warmupSeconds,
      seconds,
      calls,
      pids: cluster.pids,
    };
    // What is read is there, and every node of the cluster has been spoken to.
    const first: MetaJob = { ...job, load: 'put', window: 64, warmupSeconds: 0, calls: load === 'read' ? KEYS : 100 };
    const [, run] = await runJobs({ target, endpoints: cluster.endpoints, jobs: [first, job] });
    const empty = new Histogram().snapshot();
    const done = run!.calls * batch;
    return {
      version: cluster.version,
      run: {
        seconds: run!.seconds,
        sent: done,
        received: done,
        delivered: done,
        lost: 0,
        latency: run!.latency,
        ackLatency: empty,
        sendLag: empty,
        loadCpuMicros: run!.cpuMicros,
        brokerCpuMicros: run!.clusterCpuMicros,
        perClient: [],
      },
    };
  } finally {
    await cluster.stop();
  }
}

function runJobs(order: MetaOrder): Promise<Extract<MetaReport, { runs: unknown }>['runs']> {
  return new Promise((resolve, reject) => {
    const entry = fileURLToPath(new URL('./meta/load-process.js', import.meta.url));
    const child = fork(entry, [], { execArgv: FLAGS, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    let report: MetaReport | undefined;
    child.once('message', (message: MetaReport) => (report = message));
    child.once('exit', (code) => {
      if (report !== undefined && 'runs' in report) resolve(report.runs);
      else reject(new BenchError('protocol', report?.failed ?? `the load process ended with ${code}`));
    });
    child.send(order);
  });
}
