/** A client that reads and writes registers through whichever node answers, one thing at a time, and files what it heard. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Prng } from '../../src/base/prng.ts';
import type { LocalCluster } from '../cluster/local-cluster.ts';
import type { RegisterClient } from '../cluster/register-client.ts';
import type { History, RegisterInput } from './history.ts';

const ANSWER_MS_MAX = 3000;
const PAUSE_MS = 5;

export interface ChaosKeys {
  /** The keys of now: they change from time to time, so that the history of each stays short. */
  readonly keys: () => readonly string[];
  groupOf(key: string): number;
}

export class ChaosClient {
  readonly #cluster: LocalCluster;
  readonly #history: History;
  readonly #keys: ChaosKeys;
  readonly #prng: Prng;
  readonly #name: string;
  readonly #clients = new Map<number, RegisterClient>();
  #node: number;
  #writes = 0;
  #isStopped = false;
  /** What this client has seen last, by key: a cas has a chance with it. */
  readonly #seen = new Map<string, string>();

  constructor(cluster: LocalCluster, history: History, keys: ChaosKeys, prng: Prng, name: string) {
    this.#cluster = cluster;
    this.#history = history;
    this.#keys = keys;
    this.#prng = prng;
    this.#name = name;
    this.#node = 1 + prng.below(cluster.nodes.length);
  }

  async run(): Promise<void> {
    while (!this.#isStopped) {
      await this.#step();
      await pause(this.#prng.below(2 * PAUSE_MS));
    }
    for (const client of this.#clients.values()) client.close();
  }

  stop(): void {
    this.#isStopped = true;
  }

  async #step(): Promise<void> {
    const client = await this.#client();
    if (client === undefined) return this.#elsewhere();
    const input = this.#input();
    const callMs = performance.now();
    const reply = await Promise.race([
      client.ask({ group: this.#keys.groupOf(input.key), ...input }),
      pause(ANSWER_MS_MAX, undefined, { ref: false }),
    ]);
    if (reply === undefined || reply.result === 'unknown') {
      this.#history.lost(input, callMs);
      // What was asked may be answered later, to nobody: the connection is of no use any more.
      client.close();
      return this.#elsewhere();
    }
    if (reply.result === 'not') return this.#elsewhere(reply.leader);
    this.#history.done(input, reply.answer!, callMs, performance.now());
    if (input.op === 'get') this.#seen.set(input.key, reply.answer!);
    else if (reply.answer === 'yes') this.#seen.set(input.key, input.value);
    if (this.#prng.chance(0.05)) this.#elsewhere();
  }

  #input(): RegisterInput {
    const keys = this.#keys.keys();
    const key = keys[this.#prng.below(keys.length)]!;
    const value = `${this.#name}.${++this.#writes}`;
    const op = (['get', 'get', 'put', 'cas'] as const)[this.#prng.below(4)]!;
    return { key, op, expected: op === 'cas' ? (this.#seen.get(key) ?? '') : '', value: op === 'get' ? '' : value };
  }

  #elsewhere(hint = 0): void {
    this.#node = hint > 0 && this.#prng.chance(0.8) ? hint : 1 + this.#prng.below(this.#cluster.nodes.length);
  }

  async #client(): Promise<RegisterClient | undefined> {
    const known = this.#clients.get(this.#node);
    if (known !== undefined && !known.isClosed) return known;
    try {
      const client = await this.#cluster.node(this.#node).client();
      this.#clients.set(this.#node, client);
      return client;
    } catch {
      return undefined;
    }
  }
}
