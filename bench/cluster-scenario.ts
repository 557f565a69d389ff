/**
 * The scenarios of replicated groups in three real nodes, with registers in the groups (cluster/): `failover`, how long nobody can write when a leader is killed, handed over or stopped, and
 * `groups`, what many groups cost beside one.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { groupId, groupIds, groupName } from '../src/actors/raft/group-id.ts';
import { Histogram } from '../src/base/histogram.ts';
import type { RaftView } from '../src/nodes/raft/routes.ts';
import { LocalCluster, type LocalNode } from './cluster/local-cluster.ts';
import type { RegisterClient } from './cluster/register-client.ts';
import type { RawRun } from './load/job.ts';
import { cpuMicros } from './proc.ts';
import type { Params } from './scenario.ts';

const NODES = 3;
const GROUP = groupId('metadata', 0);
const SETTLE_MS = 500;
/** Of the load of `groups`: requests under way over all groups. */
const UNDER_WAY = 256;
const IDLE_MS = 10_000;
/** Before that: a node that has just started compiles what it runs. */
const REST_MS = 30_000;
const VALUE = 'x'.repeat(200);

async function withCluster<T>(settings: Record<string, number>, use: (cluster: LocalCluster) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-bench-cluster-'));
  const cluster = await LocalCluster.make({ directory, nodes: NODES, settings: { 'log.level': 'warn', ...settings } });
  const killAll = (): void => {
    for (const { child } of cluster.nodes) child?.kill('SIGKILL');
  };
  process.once('exit', killAll);
  try {
    await cluster.start();
    return await use(cluster);
  } finally {
    process.off('exit', killAll);
    await cluster.end();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Writes one thing after the other, wherever that is possible, and knows when it was possible. */
class Writer {
  readonly #cluster: LocalCluster;
  readonly #clients = new Map<LocalNode, RegisterClient>();
  readonly acks: number[] = [];
  #isStopped = false;
  #node = 1;

  constructor(cluster: LocalCluster) {
    this.#cluster = cluster;
  }

  async run(): Promise<void> {
    while (!this.#isStopped) {
      const client = await this.#client(this.#cluster.node(this.#node));
      const reply = await client?.ask({ group: GROUP, op: 'put', key: 'a', value: VALUE });
      if (reply?.result === 'ok') {
        this.acks.push(performance.now());
        continue;
      }
      this.#node =
        reply?.leader !== undefined && reply.leader > 0 && reply.leader !== this.#node ? reply.leader : 1 + (this.#node % NODES);
      await pause(1);
    }
    for (const client of this.#clients.values()) client.close();
  }

  stop(): void {
    this.#isStopped = true;
  }

  /** The longest time without an acknowledgement around what happens in `happen`, until one that came after it. */
  async gapMs(happen: () => Promise<void>): Promise<number> {
    const from = this.acks.length - 1;
    await happen();
    const happenedAt = performance.now();
    while (this.acks.at(-1)! <= happenedAt) await pause(5);
    await pause(SETTLE_MS);
    let gap = 0;
    for (let i = Math.max(1, from + 1); i < this.acks.length; i++) gap = Math.max(gap, this.acks[i]! - this.acks[i - 1]!);
    return gap;
  }

  async #client(node: LocalNode): Promise<RegisterClient | undefined> {
    const known = this.#clients.get(node);
    if (known !== undefined && !known.isClosed) return known;
    const client = await node.client().catch(() => undefined);
    if (client !== undefined) this.#clients.set(node, client);
    return client;
  }
}

async function leaderOf(cluster: LocalCluster): Promise<LocalNode> {
  for (;;) {
    for (const node of cluster.nodes) {
      const view = (await node.http('GET', '/api/v1/raft').catch(() => undefined))?.body as RaftView | undefined;
      if (view?.groups.find(({ group }) => group === groupName(GROUP))?.role === 'leader') return node;
    }
    await pause(20);
  }
}

const quantile = (values: readonly number[], share: number): number =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))]!;

export function runFailoverScenario({ messages: rounds }: Params): Promise<RawRun> {
  return withCluster({}, async (cluster) => {
    const began = performance.now();
    const writer = new Writer(cluster);
    const running = writer.run();
    while (writer.acks.length < 10) await pause(10);
    const kills: number[] = [];
    const transfers: number[] = [];
    const stops: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const first = await leaderOf(cluster);
      kills.push(await writer.gapMs(async () => void (await first.kill('SIGKILL'))));
      await first.start();
      const from = await leaderOf(cluster);
      const to = cluster.node(1 + (from.id % NODES));
      const body = { group: groupName(GROUP), node: to.id };
      transfers.push(await writer.gapMs(async () => void (await from.http('POST', '/api/v1/raft/transfer', body))));
      if (round % 4 > 0) continue;
      const stopped = await leaderOf(cluster);
      stops.push(await writer.gapMs(async () => void (await stopped.kill('SIGTERM'))));
      await stopped.start();
    }
    writer.stop();
    await running;
    const latency = new Histogram();
    for (const gap of kills) latency.record(Math.round(gap * 1000));
    return rawRun((performance.now() - began) / 1000, kills.length, latency, {
      transferMsP50: quantile(transfers, 0.5),
      transferMsMax: Math.max(...transfers),
      stopMsP50: quantile(stops, 0.5),
      stopMsMax: Math.max(...stops),
    });
  });
}

export async function runGroupsScenario({ seconds, messages: idleGroups }: Params): Promise<RawRun> {
  const one = await withCluster({}, (cluster) => throughput(cluster, [GROUP], seconds));
  const sixteen = await withCluster({ 'meta.groups.data': 16 }, (cluster) =>
    throughput(
      cluster,
      Array.from({ length: 16 }, (_, i) => groupId('data', i)),
      seconds,
    ),
  );
  const few = await withCluster({}, idleCores);
  const half = Math.floor((idleGroups - 1) / 2);
  const many = await withCluster({ 'meta.groups.offset': half, 'meta.groups.data': idleGroups - 1 - half }, idleCores);
  return rawRun(seconds, Math.round(sixteen * seconds), new Histogram(), {
    oneGroupPerSecond: one,
    sixteenGroupsPerSecond: sixteen,
    ratio: sixteen / one,
    idleGroups: groupIds({ metadata: 1, offset: half, data: idleGroups - 1 - half }).length,
    idleCoresPerNode: many,
    idleCoresPerNodeFew: few,
  });
}

/** Puts per second with so many under way, each to whoever leads its group. */
async function throughput(cluster: LocalCluster, groups: readonly number[], seconds: number): Promise<number> {
  const clients = await Promise.all(cluster.nodes.map((node) => node.client()));
  const leaders = new Map<number, number>();
  let done = 0;
  let isOver = false;
  const worker = async (group: number): Promise<void> => {
    while (!isOver) {
      const reply = await clients[leaders.get(group) ?? 0]!.ask({ group, op: 'put', key: 'a', value: VALUE });
      if (reply.result === 'ok') done++;
      else {
        leaders.set(group, reply.leader !== undefined && reply.leader > 0 ? reply.leader - 1 : 0);
        await pause(1);
      }
    }
  };
  const workers = Array.from({ length: UNDER_WAY }, (_, i) => worker(groups[i % groups.length]!));
  await pause(SETTLE_MS);
  const before = done;
  const began = performance.now();
  await pause(seconds * 1000);
  const rate = (done - before) / ((performance.now() - began) / 1000);
  isOver = true;
  await Promise.all(workers);
  for (const client of clients) client.close();
  return rate;
}

/** Cores that a node takes while nothing happens, on average over the nodes. */
async function idleCores(cluster: LocalCluster): Promise<number> {
  await pause(REST_MS);
  const total = (): number => cluster.nodes.reduce((micros, { ready }) => micros + (cpuMicros(ready!.pid) ?? 0), 0);
  const before = total();
  const began = performance.now();
  await pause(IDLE_MS);
  return (total() - before) / 1000 / (performance.now() - began) / NODES;
}

function rawRun(seconds: number, count: number, latency: Histogram, facts: Readonly<Record<string, number>>): RawRun {
  const empty = new Histogram().snapshot();
  return {
    seconds,
    sent: count,
    received: count,
    delivered: count,
    lost: 0,
    latency: latency.snapshot(),
    ackLatency: empty,
    sendLag: empty,
    loadCpuMicros: 0,
    perClient: [],
    facts,
  };
}
