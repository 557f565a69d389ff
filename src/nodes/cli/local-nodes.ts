/**
 * Nodes of one cluster as processes of this machine. The directory says what there is: `cluster.json` the plan (nodes, ports, settings), and per node `node-N/` its data, `node-N.log` what it
 * writes, `node-N.json` its process and where it listens, as long as it runs.
 */
import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseReady, type Ready } from '../ready-line.ts';
import { CommandError, EXIT } from './exit-codes.ts';

// From dist/src/nodes/cli/.
const ENTRY = new URL('../../../node.js', import.meta.url).pathname;
const READY_MS_MAX = 60_000;
/** So long the others are waited for when one has failed: without it they may be too few to serve. */
const OTHERS_MS_MAX = 10_000;
const STOP_MS_MAX = 15_000;
const POLL_MS = 50;

export interface StartPlan {
  readonly directory: string;
  readonly nodes: number;
  readonly portBase: number;
  /** `key=value` each. */
  readonly settings: readonly string[];
}

interface Plan {
  readonly settings: readonly string[];
  readonly nodes: readonly {
    readonly node: number;
    readonly mqtt: number;
    readonly ws: number;
    readonly http: number;
    readonly wire: number;
  }[];
}

/** Of nodes that start together. */
interface Starting {
  deadlineMs: number;
  /** Of the first one that failed. */
  failure: unknown;
}

export interface NodeFacts {
  readonly node: number;
  readonly state: 'running' | 'stopped';
  readonly data: string;
  readonly pid?: number;
  readonly mqtt?: string;
  readonly http?: string;
  readonly wire?: string;
}

/** Starts those that do not run; resolves when all of them serve. One that does not serve in time is stopped again. */
export async function startNodes({ directory, nodes, portBase, settings }: StartPlan): Promise<NodeFacts[]> {
  const folder = resolve(directory);
  mkdirSync(folder, { recursive: true });
  const plan = readPlan(folder) ?? (await makePlan(folder, nodes, portBase, settings));
  if (plan.nodes.length !== nodes) {
    throw new CommandError(
      EXIT.usage,
      `${folder} holds a cluster of ${plan.nodes.length} nodes; use -n ${plan.nodes.length}, or another --dir`,
    );
  }
  const stopped = plan.nodes.filter(({ node }) => factsOf(folder, node).state === 'stopped');
  const starting: Starting = { deadlineMs: performance.now() + READY_MS_MAX, failure: undefined };
  const failed = (error: unknown): void => {
    starting.failure ??= error;
    starting.deadlineMs = Math.min(starting.deadlineMs, performance.now() + OTHERS_MS_MAX);
  };
  await Promise.all(stopped.map(({ node }) => startNode(folder, plan, node, starting).catch(failed)));
  if (starting.failure !== undefined) throw starting.failure;
  return plan.nodes.map(({ node }) => factsOf(folder, node));
}

/** In order, each when the one before has ended: what leads hands over to those that are left. */
export async function stopNodes(directory: string): Promise<NodeFacts[]> {
  const folder = resolve(directory);
  const plan = demandPlan(folder);
  for (const { node } of plan.nodes) {
    const { pid, data } = factsOf(folder, node);
    if (pid === undefined) continue;
    process.kill(pid, 'SIGTERM');
    const deadline = performance.now() + STOP_MS_MAX;
    while (isAlive(pid, data)) {
      if (performance.now() > deadline) throw new CommandError(EXIT.failed, `node ${node} (process ${pid}) does not stop`);
      await pause(POLL_MS);
    }
    rmSync(stateFile(folder, node), { force: true });
  }
  return plan.nodes.map(({ node }) => factsOf(folder, node));
}

/** All nodes of the cluster in a directory, those that do not run included. */
export function runningNodes(directory: string): NodeFacts[] {
  const folder = resolve(directory);
  return demandPlan(folder).nodes.map(({ node }) => factsOf(folder, node));
}

async function startNode(folder: string, plan: Plan, node: number, starting: Starting): Promise<void> {
  const ports = plan.nodes.find((one) => one.node === node)!;
  const settings = {
    'node.id': node,
    'cluster.meta': plan.nodes.map((one) => `${one.node}@127.0.0.1:${one.wire}`).join(','),
    'mqtt.tcp.port': ports.mqtt,
    'mqtt.ws.port': ports.ws,
    'http.port': ports.http,
    'wire.port': ports.wire,
  };
  const own = [dataSetting(dataOf(folder, node)), ...Object.entries(settings).map(([key, value]) => `${key}=${value}`)];
  const args = [...own, ...plan.settings].flatMap((text) => ['--set', text]);
  const logPath = join(folder, `node-${node}.log`);
  const outPath = join(folder, `node-${node}.out`);
  const log = openSync(logPath, 'a');
  const out = openSync(outPath, 'w');
  // It goes on when this command has ended.
  const child = spawn(process.execPath, [ENTRY, ...args], { detached: true, stdio: ['ignore', out, log] });
  closeSync(out);
  closeSync(log);
  let end: number | string | undefined;
  child.once('exit', (code, signal) => {
    end = code ?? signal ?? 'an error';
  });
  child.once('error', (error) => {
    end = error.message;
  });
  // Nor does this command wait for it when another one has failed.
  child.unref();
  for (;;) {
    const ready = readFileSync(outPath, 'utf8').split('\n').map(parseReady).find(Boolean);
    if (ready !== undefined) {
      writeFileSync(stateFile(folder, node), JSON.stringify(ready));
      return;
    }
    if (end !== undefined) throw new CommandError(EXIT.failed, `node ${node} ended with ${end}; see ${logPath}`);
    if (performance.now() > starting.deadlineMs) {
      child.kill('SIGTERM');
      throw new CommandError(EXIT.failed, `node ${node} does not serve; see ${logPath}`);
    }
    await pause(POLL_MS);
  }
}

function factsOf(folder: string, node: number): NodeFacts {
  const data = dataOf(folder, node);
  const ready = readState(folder, node);
  if (ready === undefined || !isAlive(ready.pid, data)) return { node, state: 'stopped', data };
  const { pid, http, wire, mqtt } = ready;
  return {
    node,
    state: 'running',
    data,
    pid,
    ...(mqtt?.tcp === undefined ? {} : { mqtt: mqtt.tcp }),
    ...(http === undefined ? {} : { http }),
    ...(wire === undefined ? {} : { wire }),
  };
}

function readState(folder: string, node: number): Ready | undefined {
  const path = stateFile(folder, node);
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Ready) : undefined;
}

/** A process that has ended may be listed until its parent takes notice, and its number may be another's by now: what counts is what it was started with, where the system tells. */
function isAlive(pid: number, data: string): boolean {
  try {
    if (existsSync('/proc/self/cmdline'))
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(dataSetting(data));
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function dataSetting(data: string): string {
  return `node.data=${data}`;
}

function stateFile(folder: string, node: number): string {
  return join(folder, `node-${node}.json`);
}

function dataOf(folder: string, node: number): string {
  return join(folder, `node-${node}`);
}

function readPlan(folder: string): Plan | undefined {
  const path = join(folder, 'cluster.json');
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Plan) : undefined;
}

function demandPlan(folder: string): Plan {
  const plan = readPlan(folder);
  if (plan === undefined) throw new CommandError(EXIT.usage, `${folder} holds no cluster; \`sluice cluster start\` makes one`);
  return plan;
}

async function makePlan(folder: string, count: number, portBase: number, settings: readonly string[]): Promise<Plan> {
  const nodes: Plan['nodes'][number][] = [];
  const free = portBase > 0 ? [] : await freePorts(4 * count);
  const portOf = (offset: number): number => free.pop() ?? portBase + offset;
  for (let node = 1; node <= count; node++) {
    const [mqtt, http, wire, ws] = [portOf(node), portOf(100 + node), portOf(200 + node), portOf(300 + node)];
    nodes.push({ node, mqtt, http, wire, ws });
  }
  const plan: Plan = { settings, nodes };
  writeFileSync(join(folder, 'cluster.json'), `${JSON.stringify(plan, null, 2)}\n`);
  return plan;
}

/** All are held until the last one is there: what is let go may be given again. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, () => held()));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  return ports;
}

function held(): Promise<Server> {
  return new Promise((done, fail) => {
    const server = createServer().once('error', fail);
    server.listen(0, '127.0.0.1', () => done(server));
  });
}
