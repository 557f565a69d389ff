/**
 * Who connected last, of two clients with one id on two nodes: by the wall clocks of the nodes, each pushed forward by what it hears from others (a hybrid logical clock), ties by the number of the node. So a client
 * that goes from one node to another is faster than the news of it at no cost, as far as the clocks agree; a node whose clock is behind follows the others. What has connected here is remembered for
 * RELAY_CLIENT_MS, the time in which news of another node may have been under way; who was here before that is older than any news.
 *
 * Bound: RELAY_CLIENTS_MAX; beyond it the oldest sixteenth is forgotten, and taken for older than it is.
 */
import { RELAY_CLIENT_MS, RELAY_CLIENTS_MAX } from '../../base/limits.ts';

interface Recent {
  readonly time: number;
  readonly atMs: number;
}

export class ClientClock {
  readonly #node: number;
  /** In order of time. */
  readonly #recent = new Map<string, Recent>();
  #time = 0;

  constructor(node: number) {
    this.#node = node;
  }

  get size(): number {
    return this.#recent.size;
  }

  /** A client has connected here. Returns when. `wallMs`: milliseconds since the epoch. */
  connected(clientId: string, nowMs: number, wallMs: number): number {
    const time = Math.max(this.#time + 1, Math.floor(wallMs));
    this.#time = time;
    this.#recent.delete(clientId);
    this.#recent.set(clientId, { time, atMs: nowMs });
    if (this.#recent.size > RELAY_CLIENTS_MAX) this.#forgetOldest(RELAY_CLIENTS_MAX / 16);
    return time;
  }

  /** One has connected elsewhere at `time`: whoever connects here from now on is later. */
  heard(time: number): void {
    this.#time = Math.max(this.#time, time);
  }

  /** One has connected on `node` at `time`. Whether that was later than the one of this id here, if there is one. */
  isLater(clientId: string, node: number, time: number): boolean {
    this.heard(time);
    const mine = this.#recent.get(clientId);
    if (mine !== undefined && (mine.time > time || (mine.time === time && this.#node > node))) return false;
    this.#recent.delete(clientId);
    return true;
  }

  sweep(nowMs: number): void {
    for (const [clientId, { atMs }] of this.#recent) {
      if (nowMs - atMs < RELAY_CLIENT_MS) return;
      this.#recent.delete(clientId);
    }
  }

  /** Many in one walk: each walk begins with a look at what has been deleted before. */
  #forgetOldest(count: number): void {
    let left = count;
    for (const clientId of this.#recent.keys()) {
      if (left-- <= 0) return;
      this.#recent.delete(clientId);
    }
  }
}
