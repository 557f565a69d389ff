/** Clusters under load: members on loopback, each a process of its own with a folder of its own, all of them started fresh. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BenchError } from '../load/bench-error.ts';
import type { Endpoint } from '../meta/orders.ts';
import { type BrokerProcess, freePort, readyLine, startProcess, untilAccepting } from './broker-process.ts';
import { findProgram } from './find-program.ts';
import type { TargetOptions } from './target.ts';

export interface Cluster {
  readonly version: string;
  readonly endpoints: readonly Endpoint[];
  readonly pids: readonly number[];
  stop(): Promise<void>;
}

const HOST = '127.0.0.1';
const NODE_ENTRY = new URL('../../node.js', import.meta.url);

export async function startSluiceCluster(members: number, { settings = [], nodeFlags = [] }: TargetOptions): Promise<Cluster> {
  const endpoints = await newEndpoints(members);
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-cluster-'));
  const meta = JSON.stringify(endpoints.map(({ node, host, port }) => `${node}@${host}:${port}`));
  const processes = endpoints.map(({ node, port }) => {
    const all = [
      `node.id=${node}`,
      `node.data=${join(folder, String(node))}`,
      'mqtt.tcp.port=0',
      'mqtt.ws.port=-1',
      'http.port=0',
      `wire.port=${port}`,
      'cluster.name=bench',
      'wire.secret=bench',
      `cluster.meta=${meta}`,
      ...settings,
    ];
    return startProcess(process.execPath, [...nodeFlags, NODE_ENTRY.pathname, ...all.flatMap((setting) => ['--set', setting])]);
  });
  return running(endpoints, processes, folder, 'sluice', () => Promise.all(processes.map((each) => readyLine(each, 'sluice'))));
}

/** With etcd's defaults: it syncs before it acknowledges. */
export async function startEtcdCluster(members: number): Promise<Cluster> {
  const file = findProgram('etcd');
  if (file === undefined) throw new BenchError('target', 'etcd is not installed (Debian: apt install etcd-server)');
  const endpoints = await newEndpoints(members);
  const peers = await newEndpoints(members);
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-etcd-'));
  const url = ({ host, port }: Endpoint): string => `http://${host}:${port}`;
  const cluster = peers.map((peer) => `m${peer.node}=${url(peer)}`).join(',');
  const processes = endpoints.map((endpoint, i) =>
    startProcess(file, [
      ...['--name', `m${endpoint.node}`, '--data-dir', join(folder, String(endpoint.node)), '--log-level', 'error'],
      ...['--listen-client-urls', url(endpoint), '--advertise-client-urls', url(endpoint)],
      ...['--listen-peer-urls', url(peers[i]!), '--initial-advertise-peer-urls', url(peers[i]!), '--initial-cluster', cluster],
    ]),
  );
  const version = /etcd Version: (\S+)/.exec(execFileSync(file, ['--version'], { encoding: 'utf8' }))?.[1] ?? '';
  return running(endpoints, processes, folder, `etcd ${version}`, () =>
    Promise.all(processes.map((each, i) => untilAccepting(each, 'etcd', endpoints[i]!))),
  );
}

async function running(
  endpoints: readonly Endpoint[],
  processes: readonly BrokerProcess[],
  folder: string,
  version: string,
  ready: () => Promise<unknown>,
): Promise<Cluster> {
  const stop = async (): Promise<void> => {
    await Promise.all(processes.map((each) => each.stop()));
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await ready();
  } catch (error) {
    await stop();
    throw error;
  }
  return { version, endpoints, pids: processes.map(({ child }) => child.pid!), stop };
}

async function newEndpoints(count: number): Promise<Endpoint[]> {
  const ports = await Promise.all(Array.from({ length: count }, freePort));
  return ports.map((port, i) => ({ node: i + 1, host: HOST, port }));
}
