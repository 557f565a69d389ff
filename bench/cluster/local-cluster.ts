/** Nodes of one cluster as child processes on this machine, with registers in their groups: for benches, chaos and specs. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseReady, type Ready } from '../../src/nodes/ready-line.ts';
import { freePort } from '../targets/broker-process.ts';
import { RegisterClient } from './register-client.ts';

const ENTRY = new URL('./register-node.js', import.meta.url).pathname;
const READY_MS_MAX = 90_000;

export interface ClusterOptions {
  readonly directory: string;
  readonly nodes: number;
  /** By configuration key, for all nodes. */
  readonly settings?: Readonly<Record<string, string | number>>;
  /** What the nodes run; nodes with registers in their groups otherwise. */
  readonly entry?: string;
  /** Where the nodes listen for each other; free ones otherwise. */
  readonly ports?: readonly number[];
  /** Where each node reaches another one, when that is not where it listens: `[from][to]`, by node. */
  readonly routes?: (from: number, to: number) => number;
}

export class LocalNode {
  readonly id: number;
  readonly data: string;
  readonly port: number;
  ready: Ready | undefined;
  child: ChildProcess | undefined;
  /** Resolves with the exit code or the signal. */
  ended: Promise<number | string> = Promise.resolve(0);
  readonly #entry: string;
  readonly #args: () => string[];

  constructor(id: number, data: string, port: number, entry: string, args: () => string[]) {
    this.id = id;
    this.#entry = entry;
    this.data = data;
    this.port = port;
    this.#args = args;
  }

  get isRunning(): boolean {
    return this.child !== undefined && this.child.exitCode === null && this.child.signalCode === null;
  }

  get log(): string {
    return join(this.data, 'node.log');
  }

  /** Resolves when the node says that it is ready. */
  async start(): Promise<Ready> {
    mkdirSync(this.data, { recursive: true });
    rmSync(join(this.data, 'raft', 'register-port'), { force: true });
    const child = spawn(process.execPath, [this.#entry, ...this.#args()], { stdio: ['pipe', 'pipe', 'pipe'] });
    this.child = child;
    this.ready = undefined;
    this.ended = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | string);
    createInterface({ input: child.stderr! }).on('line', (line) => {
      // What is written after the end belongs to a directory that may be gone.
      if (this.child === child) appendFileSync(this.log, `${line}\n`);
    });
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`node ${this.id} is not ready in time\n${this.logTail()}`)), READY_MS_MAX);
      createInterface({ input: child.stdout! }).on('line', (line) => {
        const ready = parseReady(line);
        if (ready === undefined) return;
        clearTimeout(late);
        this.ready = ready;
        resolve(ready);
      });
      void this.ended.then((end) => {
        clearTimeout(late);
        reject(new Error(`node ${this.id} ended with ${end}\n${this.logTail()}`));
      });
    });
  }

  /** The end of what it has logged. */
  logTail(): string {
    try {
      return readFileSync(this.log, 'utf8').split('\n').slice(-20).join('\n');
    } catch {
      return '';
    }
  }

  async kill(signal: NodeJS.Signals): Promise<number | string> {
    this.child?.kill(signal);
    return this.ended;
  }

  signal(signal: NodeJS.Signals): void {
    this.child?.kill(signal);
  }

  /** All of its threads are stopped; a signal takes a moment to reach them. */
  get isAsleep(): boolean {
    const threads = `/proc/${this.child?.pid}/task`;
    return readdirSync(threads).every((thread) => /^State:\s+T/m.test(readFileSync(`${threads}/${thread}/status`, 'utf8')));
  }

  client(): Promise<RegisterClient> {
    return RegisterClient.connect(this.data);
  }

  async http(method: string, path: string, body?: unknown): Promise<{ readonly status: number; readonly body: unknown }> {
    const response = await fetch(`http://${this.ready!.http}${path}`, {
      method,
      ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
  }
}

export class LocalCluster {
  readonly nodes: readonly LocalNode[];

  private constructor(nodes: readonly LocalNode[]) {
    this.nodes = nodes;
  }

  static async make({
    directory,
    nodes: count,
    settings = {},
    entry = ENTRY,
    routes,
    ...given
  }: ClusterOptions): Promise<LocalCluster> {
    const ports: number[] = [...(given.ports ?? [])];
    while (ports.length < count) ports.push(await freePort());
    const ids = ports.map((_, i) => i + 1);
    const args = (id: number) => (): string[] => {
      const meta = ids.map((to) => `${to}@127.0.0.1:${to === id ? ports[to - 1] : (routes?.(id, to) ?? ports[to - 1])}`);
      const all: Record<string, string | number> = {
        'node.id': id,
        'node.data': join(directory, `node-${id}`),
        'node.threads': 1,
        'cluster.meta': meta.join(','),
        'wire.port': ports[id - 1]!,
        'mqtt.tcp.port': 0,
        'mqtt.ws.port': -1,
        'http.port': 0,
        'log.level': 'info',
        ...settings,
      };
      return Object.entries(all).flatMap(([key, value]) => ['--set', `${key}=${value}`]);
    };
    return new LocalCluster(ids.map((id) => new LocalNode(id, join(directory, `node-${id}`), ports[id - 1]!, entry, args(id))));
  }

  async start(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.start()));
  }

  node(id: number): LocalNode {
    return this.nodes[id - 1]!;
  }

  /** Ends all that run, the hard way. */
  async end(): Promise<void> {
    await Promise.all(this.nodes.filter(({ child }) => child !== undefined).map((node) => node.kill('SIGKILL')));
  }
}
