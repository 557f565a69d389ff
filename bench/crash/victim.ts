/** The node that is killed: a process of this tree on free ports, and what its HTTP interface says. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseReady } from '../../src/nodes/ready-line.ts';

const ENTRY = fileURLToPath(new URL('../../node.js', import.meta.url));
const STDERR_LINES_MAX = 40;

export interface DeclaredTopic {
  readonly name: string;
  readonly filter: string;
  readonly partitions: number;
  readonly model: 'shared' | 'dedicated';
  readonly fsync?: 'always' | 'interval' | 'never';
  readonly retentionBytes?: number;
}

interface PartitionFacts {
  readonly shard: number;
  readonly start: number;
  readonly end: number;
}

export class Victim {
  readonly #process: ChildProcess;
  readonly #ended: Promise<string>;
  /** Last lines of standard error. */
  readonly complaints: string[] = [];
  port = 0;
  #http = '';
  #onReady: (isReady: boolean) => void = () => {};

  constructor(settings: readonly string[]) {
    const args = ['mqtt.tcp.port=0', 'mqtt.ws.port=-1', 'http.port=0', 'log.level=warn', ...settings].flatMap((setting) => [
      '--set',
      setting,
    ]);
    this.#process = spawn(process.execPath, [ENTRY, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    const orphaned = (): void => void this.#process.kill('SIGKILL');
    process.once('exit', orphaned);
    this.#ended = once(this.#process, 'close').then(([code, signal]) => {
      process.off('exit', orphaned);
      this.#onReady(false);
      return String(code ?? signal);
    });
    createInterface({ input: this.#process.stderr! }).on('line', (line) => {
      this.complaints.push(line);
      if (this.complaints.length > STDERR_LINES_MAX) this.complaints.shift();
    });
  }

  /** False when it ends before. */
  ready(): Promise<boolean> {
    return new Promise((resolve) => {
      this.#onReady = resolve;
      createInterface({ input: this.#process.stdout! }).on('line', (line) => {
        const ready = parseReady(line);
        if (ready === undefined) return;
        this.port = Number(ready.mqtt!.tcp!.split(':').pop());
        this.#http = `http://${ready.http}`;
        resolve(true);
      });
    });
  }

  /** Exit code, or the signal that ended it. */
  async kill(signal: 'SIGKILL' | 'SIGTERM'): Promise<string> {
    this.#process.kill(signal);
    return this.#ended;
  }

  async topics(): Promise<string[]> {
    const { topics } = (await this.#request('/api/v1/topics')) as { topics: { name: string }[] };
    return topics.map(({ name }) => name);
  }

  async declare(topic: DeclaredTopic): Promise<void> {
    await this.#request('/api/v1/topics', topic);
  }

  async partitions(name: string): Promise<readonly PartitionFacts[]> {
    const { partitionFacts } = (await this.#request(`/api/v1/topics/${name}`)) as { partitionFacts: PartitionFacts[] };
    return partitionFacts;
  }

  async #request(path: string, body?: object): Promise<unknown> {
    const post = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
    const answer = await fetch(`${this.#http}${path}`, body === undefined ? {} : post);
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  }
}
