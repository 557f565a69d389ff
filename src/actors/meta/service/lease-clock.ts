/**
 * When the leases of a group end, as its leader sees it; in memory alone, a renewal is no entry of the log.
 *
 * A lease lasts its whole time from when its holder asked last, and never shorter:
 *
 *   who renews has confirmed, after it was asked, that it leads in the term of this clock. Whoever leads later was elected later, and gives every lease its whole time anew;
 *   what an earlier leader wanted to end has ended before that confirmation, or is void: commands to end leases count in the term in which they were made;
 *   a lease that is about to end is not renewed: until that command's fate is known, nobody is told anything.
 *
 * It may last longer: by an election, and by what the leader stood still.
 */
import { META_LEASE_STEP_MS, META_OPS_MAX } from '../../../base/limits.ts';
import type { MetaMachine } from '../machine.ts';
import type { Lease } from '../state/leases.ts';

/** A lease that was proposed to end is proposed again after this, milliseconds. */
const AGAIN_MS = 1000;

export class LeaseClock {
  readonly #machine: MetaMachine;
  readonly #dueMs = new Map<number, number>();
  /** Those that were proposed to end, and nobody knows yet whether they have. */
  readonly #ending = new Set<number>();
  #term = 0;
  #lookedMs = 0;

  constructor(machine: MetaMachine) {
    this.#machine = machine;
  }

  /** In which the leader is here, as far as is known; 0: it is not. */
  get term(): number {
    return this.#term;
  }

  /** `term` 0: another replica leads, or nobody. */
  leads(term: number, nowMs: number): void {
    if (term === this.#term) return;
    this.#term = term;
    this.#dueMs.clear();
    this.#ending.clear();
    this.#lookedMs = nowMs;
    if (term > 0) for (const { id, ttlMs } of this.#machine.leases.all()) this.#dueMs.set(id, nowMs + ttlMs);
  }

  /** It was granted just now, or has ended. */
  noted(id: number, nowMs: number): void {
    if (this.#term === 0) return;
    this.#ending.delete(id);
    const lease = this.#machine.leases.get(id);
    if (lease === undefined) this.#dueMs.delete(id);
    else this.#dueMs.set(id, nowMs + lease.ttlMs);
  }

  /**
   * Somebody holds them still. `term`: of the leader, that is here, and has confirmed so since it was asked. Returns their times, 0 for a lease that is not there; undefined: one of them is about
   * to end, ask again.
   */
  renew(ids: readonly number[], term: number, nowMs: number): readonly number[] | undefined {
    if (term < this.#term) return undefined;
    this.leads(term, nowMs);
    if (ids.some((id) => this.#ending.has(id))) return undefined;
    return ids.map((id) => {
      const lease = this.#machine.leases.get(id);
      if (lease === undefined) return 0;
      this.#dueMs.set(id, nowMs + lease.ttlMs);
      return lease.ttlMs;
    });
  }

  /** Those whose time is over, as many as a command may have: to be proposed to end. Looked at every META_TICK_MS; time in which nobody looked, and so nobody was heard, does not count. */
  due(nowMs: number): readonly Lease[] {
    this.#stoodFor(nowMs - this.#lookedMs - META_LEASE_STEP_MS, nowMs);
    this.#lookedMs = nowMs;
    const due: Lease[] = [];
    for (const [id, dueMs] of this.#dueMs) {
      if (due.length === META_OPS_MAX) break;
      if (dueMs > nowMs) continue;
      const lease = this.#machine.leases.get(id);
      if (lease === undefined) {
        this.#dueMs.delete(id);
        continue;
      }
      due.push(lease);
      this.#ending.add(id);
      this.#dueMs.set(id, nowMs + AGAIN_MS);
    }
    return due;
  }

  /** Of its time no lease gets more than there is. */
  #stoodFor(ms: number, nowMs: number): void {
    if (ms <= 0) return;
    for (const [id, dueMs] of this.#dueMs) {
      const ttlMs = this.#machine.leases.get(id)?.ttlMs ?? 0;
      this.#dueMs.set(id, Math.min(dueMs + ms, nowMs + ttlMs));
    }
  }

  /** They were not proposed, in that term, and may be renewed. */
  spared(leases: readonly Lease[], term: number): void {
    if (term === this.#term) for (const { id } of leases) this.#ending.delete(id);
  }
}
