/**
 * Who waits for what they proposed. An outcome is one of three, and only `not` may be tried again without thinking: it has not happened and never will. `unknown`
 * may have happened or may still.
 */

import type { Proposed, Refusal } from '../core/outbox.ts';
import type { Entry } from '../entry.ts';

export type ProposalOutcome =
  | { readonly result: 'ok'; readonly index: number; readonly reply: unknown }
  | { readonly result: 'not'; readonly reason: Refusal | 'replaced' }
  | { readonly result: 'unknown' };

export type ProposalDone = (outcome: ProposalOutcome) => void;

interface Waiter {
  readonly term: number;
  readonly done: ProposalDone;
}

const UNKNOWN: ProposalOutcome = { result: 'unknown' };

export class Proposals {
  /** By index, in the order of indexes but where an entry was replaced. */
  readonly #waiters = new Map<number, Waiter>();

  get size(): number {
    return this.#waiters.size;
  }

  /** `dones` in the order in which their data was proposed. */
  add({ firstIndex, count, term, refusal }: Proposed, dones: readonly ProposalDone[]): void {
    for (let i = 0; i < dones.length; i++) {
      if (i < count) this.#wait(firstIndex + i, { term, done: dones[i]! });
      else dones[i]!({ result: 'not', reason: refusal! });
    }
  }

  #wait(index: number, waiter: Waiter): void {
    // We proposed at this index before and lost it: another leader has replaced the entry, or we would not append here.
    this.#waiters.get(index)?.done({ result: 'not', reason: 'replaced' });
    this.#waiters.set(index, waiter);
  }

  applied(entries: readonly Entry[], replies: readonly unknown[]): void {
    if (this.#waiters.size === 0) return;
    for (let i = 0; i < entries.length; i++) {
      const { index, term } = entries[i]!;
      const waiter = this.#waiters.get(index);
      if (waiter === undefined) continue;
      this.#waiters.delete(index);
      waiter.done(waiter.term === term ? { result: 'ok', index, reply: replies[i] } : { result: 'not', reason: 'replaced' });
    }
  }

  /** A snapshot has taken the place of the entries up to `index`: what became of ours is not in it. */
  skippedTo(index: number): void {
    for (const [at, waiter] of this.#waiters) if (at <= index) this.#giveUp(at, waiter);
  }

  /** Nobody will tell any more. */
  abandon(): void {
    for (const [at, waiter] of this.#waiters) this.#giveUp(at, waiter);
  }

  #giveUp(index: number, waiter: Waiter): void {
    this.#waiters.delete(index);
    waiter.done(UNKNOWN);
  }
}
