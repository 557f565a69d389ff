// A node as a child process: its lines, its READY, its end.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import * as net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseReady, type Ready } from '../../src/nodes/ready-line.ts';

const STANDIN = new URL('./standin-node.js', import.meta.url).pathname;
/** The real one. */
export const NODE: string = new URL('../../node.js', import.meta.url).pathname;

export class NodeChild {
  readonly stdout: string[] = [];
  readonly stderr: string[] = [];
  /** Exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>;
  readonly #process: ChildProcess;
  #onLine: () => void = () => {};

  constructor(args: readonly string[], environment: Readonly<Record<string, string>> = {}, entry: string = STANDIN) {
    // A data directory of its own, unless the caller names one.
    const data = mkdtempSync(join(tmpdir(), 'sluice-node-'));
    this.#process = spawn(process.execPath, [entry, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      // Many nodes run at once: only a listener that a spec asks for is on.
      env: { PATH: process.env.PATH ?? '', SLUICE_NODE__DATA: data, SLUICE_MQTT__WS__PORT: '-1', ...environment },
    });
    this.#collect('stdout');
    this.#collect('stderr');
    this.ended = once(this.#process, 'close').then(([code, signal]) => {
      rmSync(data, { recursive: true, force: true });
      return (code ?? signal) as number | string;
    });
    this.ended.then(() => this.#onLine());
  }

  #collect(name: 'stdout' | 'stderr'): void {
    createInterface({ input: this.#process[name]! }).on('line', (line) => {
      this[name].push(line);
      this.#onLine();
    });
  }

  /** Resolves with the first line, past or future, for which `pick` gives something. */
  async #line<T>(name: 'stdout' | 'stderr', pick: (line: string) => T | undefined): Promise<T> {
    let isOver = false;
    void this.ended.then(() => {
      isOver = true;
    });
    for (;;) {
      for (const line of this[name]) {
        const picked = pick(line);
        if (picked !== undefined) return picked;
      }
      if (isOver) throw new Error(`the node ended first; stderr:\n${this.stderr.join('\n')}`);
      await new Promise<void>((resolve) => {
        this.#onLine = resolve;
      });
    }
  }

  ready(): Promise<Ready> {
    return this.#line('stdout', parseReady);
  }

  logged(message: string): Promise<Record<string, unknown>> {
    return this.#line('stderr', (line) => {
      const record = line.startsWith('{') ? (JSON.parse(line) as Record<string, unknown>) : {};
      return record.msg === message ? record : undefined;
    });
  }

  kill(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }
}

/** What a stand-in reactor answers to `command`. */
export function say(address: string, command: string): Promise<string> {
  const colon = address.lastIndexOf(':');
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = net.connect({ host: address.slice(0, colon), port: Number(address.slice(colon + 1)) }, () =>
      socket.write(command),
    );
    socket.on('data', (chunk) => {
      answer += chunk;
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(answer));
  });
}
