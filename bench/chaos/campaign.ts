/**
 * A cluster of real processes in trouble, while clients use it (`workload.ts`). Trouble and peace take turns. At the end everything heals: every group must serve on every node, what the clients have seen
 * must make sense, and every log must be sound.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Mutant } from '../../spec/sim/planting/mutant.ts';
import { Prng } from '../../src/base/prng.ts';
import { findLogs } from '../../src/storage/check/find-logs.ts';
import { verifyLog } from '../../src/storage/check/verify-log.ts';
import { FileDisk } from '../../src/storage/disk.ts';
import { LocalCluster } from '../cluster/local-cluster.ts';
import { freePort } from '../targets/broker-process.ts';
import { LinkProxy } from './link-proxy.ts';
import { META_SETTINGS, MetaLoad } from './meta/meta-load.ts';
import { makeTightProgram } from './meta/tight-program.ts';
import { Nemesis } from './nemesis.ts';
import { Registers } from './registers.ts';
import { Sessions } from './sessions.ts';
import type { Workload } from './workload.ts';

export const WORKLOADS = ['registers', 'sessions', 'meta'] as const;
export type WorkloadName = (typeof WORKLOADS)[number];

export interface ChaosOptions {
  readonly seconds: number;
  readonly seed: number;
  readonly nodes: number;
  readonly load: WorkloadName;
  readonly clients: number;
  /** A bug that the nodes of `meta` are to have. */
  readonly plant?: Mutant;
  readonly onEvent: (atMs: number, event: string, answered: number) => void;
}

export interface ChaosReport {
  readonly seed: number;
  readonly seconds: number;
  readonly strikes: Readonly<Record<string, number>>;
  readonly answered: number;
  /** What the clients have done, for people. */
  readonly summary: string;
  /** Longest time in which no client had an answer, milliseconds. */
  readonly silenceMs: number;
  readonly faults: readonly string[];
  readonly directory: string | undefined;
}

const NODE_ENTRY = new URL('../../node.js', import.meta.url).pathname;
const PEACE_MS_MAX = 3000;
/** What a session has no room for is dropped and counted, by intent: with nodes that are away for long that would come into it. */
const ROOMY_SESSIONS = { 'mqtt.queue.messages_max': 1_000_000, 'mqtt.queue.bytes_max': 2 ** 30 };
const SETTINGS = {
  registers: {},
  sessions: ROOMY_SESSIONS,
  meta: META_SETTINGS,
};

export async function runChaos({ seconds, seed, nodes, load, clients, plant, onEvent }: ChaosOptions): Promise<ChaosReport> {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-chaos-'));
  const prng = new Prng(seed);
  const faults: string[] = [];
  const { cluster, links } = await makeCluster(directory, nodes, load, plant);
  process.once('exit', () => {
    for (const { child } of cluster.nodes) child?.kill('SIGKILL');
  });
  const workload = workloadOf(load, cluster, clients, seed);
  let began = performance.now();
  const nemesis = new Nemesis(cluster, links, prng, (event) => onEvent(performance.now() - began, event, workload.answered));
  let silenceMs = 0;
  try {
    await cluster.start();
    began = performance.now();
    await workload.start();
    const watch = watchSilence(workload, (ms) => {
      silenceMs = Math.max(silenceMs, ms);
    });
    try {
      while (performance.now() - began < seconds * 1000) {
        await nemesis.strike();
        if (prng.chance(0.7)) await pause(prng.below(PEACE_MS_MAX));
      }
      await nemesis.heal();
    } finally {
      clearInterval(watch);
      faults.push(...(await workload.finish()));
    }
    await stopAll(cluster, faults);
    checkLogs(directory, nodes, faults);
  } catch (error) {
    faults.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
  } finally {
    await cluster.end();
    for (const link of links.flat()) link?.close();
  }
  rmSync(join(directory, 'program'), { recursive: true, force: true });
  if (faults.length === 0) rmSync(directory, { recursive: true, force: true });
  return {
    seed,
    seconds: Math.round((performance.now() - began) / 1000),
    strikes: Object.fromEntries(nemesis.counts),
    answered: workload.answered,
    summary: workload.summary(),
    silenceMs: Math.round(silenceMs),
    faults,
    directory: faults.length === 0 ? undefined : directory,
  };
}

function workloadOf(load: WorkloadName, cluster: LocalCluster, clients: number, seed: number): Workload {
  switch (load) {
    case 'registers':
      return new Registers(cluster, clients, seed);
    case 'sessions':
      return new Sessions(cluster, clients, seed);
    case 'meta':
      return new MetaLoad(cluster, clients, seed);
  }
}

async function makeCluster(
  directory: string,
  nodes: number,
  load: WorkloadName,
  plant: Mutant | undefined,
): Promise<{ readonly cluster: LocalCluster; readonly links: (LinkProxy | undefined)[][] }> {
  const ports: number[] = [];
  for (let i = 0; i < nodes; i++) ports.push(await freePort());
  const links: (LinkProxy | undefined)[][] = [];
  for (let from = 0; from < nodes; from++) {
    links.push([]);
    for (let to = 0; to < nodes; to++) links[from]!.push(from === to ? undefined : await LinkProxy.to(ports[to]!));
  }
  const cluster = await LocalCluster.make({
    directory,
    nodes,
    ports,
    routes: (from, to) => links[from - 1]![to - 1]!.port,
    settings: { 'log.level': 'warn', ...SETTINGS[load] },
    ...(load === 'sessions' ? { entry: NODE_ENTRY } : {}),
    ...(load === 'meta' ? { entry: makeTightProgram(join(directory, 'program'), plant) } : {}),
  });
  return { cluster, links };
}

function watchSilence(workload: Workload, onSilence: (ms: number) => void): NodeJS.Timeout {
  let seen = 0;
  let since = performance.now();
  return setInterval(() => {
    const now = performance.now();
    if (workload.answered > seen) since = now;
    else onSilence(now - since);
    seen = workload.answered;
  }, 20);
}

async function stopAll(cluster: LocalCluster, faults: string[]): Promise<void> {
  for (const node of cluster.nodes) {
    const end = await node.kill('SIGTERM');
    if (end !== 0) faults.push(`node ${node.id} ended with ${end}\n${node.logTail()}`);
  }
}

function checkLogs(directory: string, nodes: number, faults: string[]): void {
  const disk = new FileDisk();
  for (let id = 1; id <= nodes; id++) {
    for (const log of findLogs(join(directory, `node-${id}`))) {
      const { damages, findings } = verifyLog(disk, log);
      if (damages > 0) faults.push(`the log ${log} is damaged: ${JSON.stringify(findings)}`);
    }
  }
}
