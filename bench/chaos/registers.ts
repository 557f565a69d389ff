/** Clients that read and write registers of the replicated groups. Rounds have keys of their own, so that the history of each stays short; each has to be linearizable. */
import { setTimeout as pause } from 'node:timers/promises';
import { groupIds } from '../../src/actors/raft/group-id.ts';
import { Prng } from '../../src/base/prng.ts';
import type { LocalCluster } from '../cluster/local-cluster.ts';
import { ChaosClient } from './chaos-client.ts';
import { History } from './history.ts';
import type { Workload } from './workload.ts';

const GROUPS: readonly number[] = groupIds({ metadata: 1, offset: 1, data: 1 });
const KEYS_PER_ROUND = 12;
const ROUND_MS = 3000;
const SERVE_MS_MAX = 60_000;

export class Registers implements Workload {
  readonly #cluster: LocalCluster;
  readonly #history = new History();
  readonly #clients: readonly ChaosClient[];
  readonly #began = performance.now();
  #running: readonly Promise<void>[] = [];

  constructor(cluster: LocalCluster, clients: number, seed: number) {
    this.#cluster = cluster;
    const keys = { keys: () => this.#keysNow(), groupOf: (key: string) => GROUPS[Number(key.split('.')[1]) % GROUPS.length]! };
    this.#clients = Array.from(
      { length: clients },
      (_, i) => new ChaosClient(cluster, this.#history, keys, new Prng(seed + 1 + i), `c${i}`),
    );
  }

  get answered(): number {
    return this.#history.ok;
  }

  start(): void {
    this.#running = this.#clients.map((client) => client.run());
  }

  async finish(): Promise<readonly string[]> {
    const faults = await unserved(this.#cluster);
    for (const client of this.#clients) client.stop();
    await Promise.all(this.#running);
    const { verdict, key, part } = this.#history.check();
    if (verdict !== 'ok')
      faults.push(`the history of ${key} is ${verdict}:\n${part.map((one) => JSON.stringify(one)).join('\n')}`);
    return faults;
  }

  summary(): string {
    return `${this.#history.ok} operations answered, ${this.#history.unknown} of which nobody knows`;
  }

  #keysNow(): string[] {
    const round = Math.floor((performance.now() - this.#began) / ROUND_MS);
    return Array.from({ length: KEYS_PER_ROUND }, (_, i) => `${round}.${i}`);
  }
}

/** Reads of every group on every node, by itself. */
async function unserved(cluster: LocalCluster): Promise<string[]> {
  const faults: string[] = [];
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
  return faults;
}
