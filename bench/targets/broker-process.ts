/** Starts a broker as a child process, waits until it serves, and stops it for certain. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { BenchError } from '../load/bench-error.ts';
import type { Endpoint } from '../load/connection.ts';

const START_MS_MAX = 60_000;
const STOP_MS_MAX = 12_000;
const STDERR_LINES_MAX = 20;
const PORTS_FROM = 12_000;
const PORTS = 18_000;
const PORT_TRIES_MAX = 1000;
/** Ports that this process has given away. */
const given = new Set<number>();

export interface BrokerProcess {
  readonly child: ChildProcess;
  /** Last lines of standard error, for messages. */
  readonly complaints: readonly string[];
  stop(): Promise<void>;
}

export function startProcess(
  command: string,
  args: readonly string[],
  environment: NodeJS.ProcessEnv = process.env,
): BrokerProcess {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: environment });
  const complaints: string[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => {
    complaints.push(line);
    if (complaints.length > STDERR_LINES_MAX) complaints.shift();
  });
  const exited = new Promise<void>((resolve) => child.once('close', () => resolve()));
  child.once('error', () => undefined);
  // A command that is interrupted must not leave its broker behind.
  const orphaned = (): void => void child.kill('SIGKILL');
  process.once('exit', orphaned);
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null && child.pid !== undefined) {
      child.kill('SIGTERM');
      const late = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX);
      await exited;
      clearTimeout(late);
    }
    process.off('exit', orphaned);
  };
  return { child, complaints, stop };
}

function failure(what: string, complaints: readonly string[]): BenchError {
  return new BenchError('target', [what, ...complaints.slice(-5)].join('\n  '));
}

/** Resolves with the first line of standard output that starts with `READY `, without that word. The rest of the output is discarded. */
export function readyLine(
  { child, complaints }: BrokerProcess,
  name: string,
  startMsMax: number = START_MS_MAX,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(failure(`${name} was not ready within ${startMsMax} ms`, complaints)), startMsMax);
    child.once('error', (error) => reject(failure(`${name} did not start: ${error.message}`, complaints)));
    child.once('close', (code) => {
      clearTimeout(late);
      reject(failure(`${name} ended with ${code} before it was ready`, complaints));
    });
    createInterface({ input: child.stdout! }).on('line', (line) => {
      if (!line.startsWith('READY ')) return;
      clearTimeout(late);
      resolve(line.slice('READY '.length));
    });
  });
}

/**
 * A port of 127.0.0.1 that nobody listens on, for a process that has yet to start. From below what the kernel gives away by itself (from 32,768 on, on Linux): there any connection
 * could get it in between.
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < PORT_TRIES_MAX; tries++) {
    const port = PORTS_FROM + randomInt(PORTS);
    if (given.has(port) || !(await canListen(port)) || given.has(port)) continue;
    given.add(port);
    return port;
  }
  throw new BenchError('target', 'no port is free');
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}

function accepts(endpoint: Endpoint): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(endpoint);
    const done = (ok: boolean): void => {
      socket.destroy();
      resolve(ok);
    };
    socket.once('connect', () => done(true));
    socket.once('error', () => done(false));
  });
}

/** For brokers that print no ready line: tries to connect until it works. */
export async function untilAccepting(
  { child, complaints }: BrokerProcess,
  name: string,
  endpoint: Endpoint,
  startMsMax: number = START_MS_MAX,
): Promise<void> {
  const stepMs = 50;
  child.stdout?.resume();
  for (let waited = 0; waited < startMsMax; waited += stepMs) {
    if (child.exitCode !== null || child.pid === undefined) break;
    if (await accepts(endpoint)) return;
    await new Promise((resolve) => setTimeout(resolve, stepMs));
  }
  throw failure(`${name} does not accept connections on ${endpoint.host}:${endpoint.port}`, complaints);
}
