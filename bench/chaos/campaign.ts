/**
 * A cluster of real processes in trouble, and clients whose histories have to make sense. Rounds of trouble and of peace; each round has keys of its own. At the end everything heals: every group
 * must serve on every node, every history must be linearizable, every log must be sound.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { groupIds } from '../../src/actors/raft/group-id.ts';
import { Prng } from '../../src/base/prng.ts';
import { findLogs } from '../../src/storage/check/find-logs.ts';
import { verifyLog } from '../../src/storage/check/verify-log.ts';
import { FileDisk } from '../../src/storage/disk.ts';
import { LocalCluster } from '../cluster/local-cluster.ts';
import { freePort } from '../targets/broker-process.ts';
import { ChaosClient } from './chaos-client.ts';
import { History } from './history.ts';
import { LinkProxy } from './link-proxy.ts';
import { Nemesis, type Trouble } from './nemesis.ts';

export interface ChaosOptions {
  readonly seconds: number;
  readonly seed: number;
  readonly nodes: number;
  readonly clients: number;
  readonly onStrike: (trouble: Trouble, tookMs: number, answered: number) => void;
}

export interface ChaosReport {
  readonly seed: number;
  readonly seconds: number;
  readonly strikes: Readonly<Record<string, number>>;
  readonly answered: number;
  /** Operations of which nobody knows whether they happened. */
  readonly unknown: number;
  /** Longest time in which no client had an answer, milliseconds. */
  readonly silenceMs: number;
  readonly faults: readonly string[];
  readonly directory: string | undefined;
}

const GROUPS = groupIds({ metadata: 1, offset: 1, data: 1 });
const KEYS_PER_ROUND = 12;
const ROUND_MS = 3000;
const SERVE_MS_MAX = 60_000;

export async function runChaos({ seconds, seed, nodes, clients, onStrike }: ChaosOptions): Promise<ChaosReport> {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-chaos-'));
  const prng = new Prng(seed);
  const faults: string[] = [];
  const { cluster, links } = await makeCluster(directory, nodes);
  process.once('exit', () => {
    for (const { child } of cluster.nodes) child?.kill('SIGKILL');
  });
  let began = performance.now();
  const history = new History();
  const keysNow = (): string[] => {
    const round = Math.floor((performance.now() - began) / ROUND_MS);
    return Array.from({ length: KEYS_PER_ROUND }, (_, i) => `${round}.${i}`);
  };
  const keys = { keys: keysNow, groupOf: (key: string) => GROUPS[Number(key.split('.')[1]) % GROUPS.length]! };
  const nemesis = new Nemesis(cluster, links, prng);
  let silenceMs = 0;
  try {
    await cluster.start();
    began = performance.now();
    const workers = Array.from(
      { length: clients },
      (_, i) => new ChaosClient(cluster, history, keys, new Prng(seed + 1 + i), `c${i}`),
    );
    const running = workers.map((worker) => worker.run());
    const watch = watchSilence(history, (ms) => {
      silenceMs = Math.max(silenceMs, ms);
    });
    try {
      while (performance.now() - began < seconds * 1000) {
        const struckAt = performance.now();
        const trouble = await nemesis.strike();
        onStrike(trouble, performance.now() - struckAt, history.ok);
        if (prng.chance(0.7)) await pause(prng.below(ROUND_MS));
      }
      await nemesis.heal();
      await mustServe(cluster, faults);
    } finally {
      clearInterval(watch);
      for (const worker of workers) worker.stop();
      await Promise.all(running);
    }
    const { verdict, key, part } = history.check();
    if (verdict !== 'ok')
      faults.push(`the history of ${key} is ${verdict}:\n${part.map((one) => JSON.stringify(one)).join('\n')}`);
    await stopAll(cluster, faults);
    checkLogs(directory, nodes, faults);
  } catch (error) {
    faults.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
  } finally {
    await cluster.end();
    for (const link of links.flat()) link?.close();
  }
  if (faults.length === 0) rmSync(directory, { recursive: true, force: true });
  return {
    seed,
    seconds: Math.round((performance.now() - began) / 1000),
    strikes: Object.fromEntries(nemesis.counts),
    answered: history.ok,
    unknown: history.unknown,
    silenceMs: Math.round(silenceMs),
    faults,
    directory: faults.length === 0 ? undefined : directory,
  };
}

async function makeCluster(
  directory: string,
  nodes: number,
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
    settings: { 'log.level': 'warn' },
  });
  return { cluster, links };
}

function watchSilence(history: History, onSilence: (ms: number) => void): NodeJS.Timeout {
  let seen = 0;
  let since = performance.now();
  return setInterval(() => {
    const now = performance.now();
    if (history.ok > seen) since = now;
    else onSilence(now - since);
    seen = history.ok;
  }, 20);
}

/** Reads of every group on every node, by itself. */
async function mustServe(cluster: LocalCluster, faults: string[]): Promise<void> {
  const deadline = performance.now() + SERVE_MS_MAX;
  for (const node of cluster.nodes) {
    for (const group of GROUPS) {
      for (;;) {
        const client = await node.client().catch(() => undefined);
        const reply = await client?.ask({ group, op: 'get', key: 'end' });
        client?.close();
        if (reply?.result === 'ok') break;
        if (performance.now() > deadline) {
          faults.push(`node ${node.id} does not serve group ${group}, though nothing is wrong any more\n${node.logTail()}`);
          break;
        }
        await pause(20);
      }
    }
  }
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
