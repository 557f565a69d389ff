/** The process that makes the load, forked: a client of ours on a node of its own, or one of etcd. */
import { wellKnownRef } from '../../src/runtime/ref.ts';
import { startThreads } from '../../src/runtime/thread-host.ts';
import { freePort } from '../targets/broker-process.ts';
import { drive } from './drive.ts';
import { EtcdCaller } from './etcd-caller.ts';
import type { Endpoint, MetaJob, MetaRun } from './orders.ts';
import { LOAD_SLOT, type LoadBoot } from './sluice-boot.ts';

export interface MetaOrder {
  readonly target: 'sluice' | 'etcd';
  readonly endpoints: readonly Endpoint[];
  /** One after the other. */
  readonly jobs: readonly MetaJob[];
}

export type MetaReport = { readonly runs: readonly MetaRun[] } | { readonly failed: string };

/** A number that no member of the bench's cluster has. */
const CLIENT_NODE = 1000;
const JOB_MS_MAX = 600_000;

async function onSluice({ endpoints, jobs }: MetaOrder): Promise<MetaRun[]> {
  const port = await freePort();
  const boot: LoadBoot = { port, incarnation: Date.now(), endpoints };
  const host = await startThreads({
    node: CLIENT_NODE,
    reactors: 1,
    bootModule: new URL('./sluice-boot.js', import.meta.url),
    bootArguments: () => boot,
    onGiveUp: (_thread, error) => {
      throw error;
    },
  });
  const runs: MetaRun[] = [];
  for (const job of jobs) {
    const run = await host.system.ask<MetaRun | { failed: string }>(wellKnownRef(CLIENT_NODE, 1, LOAD_SLOT), job, JOB_MS_MAX);
    if ('failed' in run) throw new Error(run.failed);
    runs.push(run);
  }
  await host.stop(1000);
  return runs;
}

async function onEtcd({ endpoints, jobs }: MetaOrder): Promise<MetaRun[]> {
  const runs: MetaRun[] = [];
  for (const job of jobs) {
    const caller = new EtcdCaller(endpoints, job.window);
    runs.push(await drive(caller, job));
    await caller.close();
  }
  return runs;
}

process.on('message', (order: MetaOrder) => {
  (order.target === 'sluice' ? onSluice(order) : onEtcd(order)).then(
    (runs) => process.send!({ runs } satisfies MetaReport, () => process.exit(0)),
    (error: unknown) =>
      process.send!(
        { failed: error instanceof Error ? (error.stack ?? error.message) : String(error) } satisfies MetaReport,
        () => process.exit(1),
      ),
  );
});
