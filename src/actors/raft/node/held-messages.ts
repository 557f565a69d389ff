/** Messages that wait for the disk, in the order of the writes that they wait for. Bounded by what is under way: each answers a message that was let in. */
import type { RaftMessage } from '../message.ts';

interface Held {
  readonly batch: number;
  readonly message: RaftMessage;
}

export class HeldMessages {
  #queue: Held[] = [];
  #start = 0;

  get size(): number {
    return this.#queue.length - this.#start;
  }

  hold(batch: number, message: RaftMessage): void {
    this.#queue.push({ batch, message });
  }

  /** Batches up to this one are durable. */
  release(batch: number, send: (message: RaftMessage) => void): void {
    const queue = this.#queue;
    let at = this.#start;
    for (; at < queue.length && queue[at]!.batch <= batch; at++) send(queue[at]!.message);
    this.#start = at;
    if (at < queue.length) return;
    this.#queue = [];
    this.#start = 0;
  }
}
