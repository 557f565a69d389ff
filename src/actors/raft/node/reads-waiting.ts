/**
 * Reads on their way: first to an index that the leader vouches for, then until that is applied here. `read` is then called once, and looks at the state machine;
 * with a lease its result counts only if the lease still holds afterwards.
 */
import type { ReadAnswer } from '../core/outbox.ts';

/** `isOk` false: not served here and now; ask again or elsewhere. The callee looks at the state and returns what it saw. */
export interface ReadClient {
  /** Called at most once, when the state machine is recent enough. */
  look(answer: ReadAnswer): unknown;
  done(isOk: boolean, seen: unknown): void;
}

interface Ready {
  readonly answer: ReadAnswer;
  readonly client: ReadClient;
}

export class WaitingReads {
  readonly #clients = new Map<number, ReadClient>();
  /** Confirmed, waiting for the state machine. */
  #confirmed: Ready[] = [];
  #nextId = 1;

  get size(): number {
    return this.#clients.size + this.#confirmed.length;
  }

  add(client: ReadClient): number {
    const id = this.#nextId++;
    this.#clients.set(id, client);
    return id;
  }

  answered(answer: ReadAnswer): void {
    const client = this.#clients.get(answer.id);
    if (client === undefined) return;
    this.#clients.delete(answer.id);
    if (answer.index < 0) client.done(false, undefined);
    else this.#confirmed.push({ answer, client });
  }

  /** Serves what can be. `isLeaseValid` is asked after the look: a pause in between must not make an old state look new. */
  serve(applied: number, isLeaseValid: (answer: ReadAnswer) => boolean): void {
    if (this.#confirmed.length === 0) return;
    const waiting: Ready[] = [];
    const { length } = this.#confirmed;
    for (let i = 0; i < length; i++) {
      const ready = this.#confirmed[i]!;
      if (ready.answer.index > applied) {
        waiting.push(ready);
        continue;
      }
      const seen = ready.client.look(ready.answer);
      const isOk = isLeaseValid(ready.answer);
      ready.client.done(isOk, isOk ? seen : undefined);
    }
    this.#confirmed = waiting;
  }

  abandon(): void {
    for (const client of this.#clients.values()) client.done(false, undefined);
    for (const { client } of this.#confirmed) client.done(false, undefined);
    this.#clients.clear();
    this.#confirmed = [];
  }
}
