/**
 * When the leases of a group end, as its leader sees it. A new leader gives every lease its whole time anew: it does not know when others heard of them. So a lease may
 * last longer than it says, and never shorter: what ends one is a command that is void when a renewal came before it.
 */
import type { MetaMachine } from '../machine.ts';

/** A lease that was proposed to end is proposed again after this, milliseconds. */
const AGAIN_MS = 1000;

export class LeaseClock {
  readonly #machine: MetaMachine;
  readonly #dueMs = new Map<number, number>();
  #term = 0;

  constructor(machine: MetaMachine) {
    this.#machine = machine;
  }

  get isLeading(): boolean {
    return this.#term > 0;
  }

  /** `term` 0: another replica leads, or nobody. */
  leads(term: number, nowMs: number): void {
    if (term === this.#term) return;
    this.#term = term;
    this.#dueMs.clear();
    if (term > 0) for (const { id, ttlMs } of this.#machine.leases.all()) this.#dueMs.set(id, nowMs + ttlMs);
  }

  /** It was granted or renewed just now, or has ended. */
  noted(id: number, nowMs: number): void {
    if (!this.isLeading) return;
    const lease = this.#machine.leases.get(id);
    if (lease === undefined) this.#dueMs.delete(id);
    else this.#dueMs.set(id, nowMs + lease.ttlMs);
  }

  /** Those whose time is over. */
  due(nowMs: number): { readonly id: number; readonly renewals: number }[] {
    const due: { id: number; renewals: number }[] = [];
    for (const [id, dueMs] of this.#dueMs) {
      if (dueMs > nowMs) continue;
      const lease = this.#machine.leases.get(id);
      if (lease === undefined) {
        this.#dueMs.delete(id);
      } else {
        due.push({ id, renewals: lease.renewals });
        this.#dueMs.set(id, nowMs + AGAIN_MS);
      }
    }
    return due;
  }
}
