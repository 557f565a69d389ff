/**
 * The leases of a group. The state knows no clock: it counts how often each was renewed. The leader watches the time and proposes to end a lease as of a number of
 * renewals; a renewal that came into the log before makes that void.
 */
import type { MetaKey } from './record.ts';

export interface Lease {
  readonly id: number;
  readonly ttlMs: number;
  readonly renewals: number;
}

interface Entry extends Lease {
  renewals: number;
  readonly keys: Set<MetaKey>;
}

export class Leases {
  readonly #leases = new Map<number, Entry>();
  /** For leases that do not bring an id. */
  #nextId = 1;

  get size(): number {
    return this.#leases.size;
  }

  get nextId(): number {
    return this.#nextId;
  }

  get(id: number): Lease | undefined {
    return this.#leases.get(id);
  }

  /** In order of ids, so that all replicas agree. */
  all(): Lease[] {
    return [...this.#leases.values()].sort((a, b) => a.id - b.id);
  }

  /** The keys that end with it, in order. */
  keysOf(id: number): MetaKey[] {
    return [...(this.#leases.get(id)?.keys ?? [])].sort();
  }

  unusedId(): number {
    while (this.#leases.has(this.#nextId)) this.#nextId++;
    return this.#nextId++;
  }

  grant(id: number, ttlMs: number, renewals = 0): void {
    this.#leases.set(id, { id, ttlMs, renewals, keys: new Set() });
  }

  /** False: there is none. */
  renew(id: number): boolean {
    const lease = this.#leases.get(id);
    if (lease !== undefined) lease.renewals++;
    return lease !== undefined;
  }

  remove(id: number): void {
    this.#leases.delete(id);
  }

  attach(id: number, key: MetaKey): void {
    this.#leases.get(id)?.keys.add(key);
  }

  detach(id: number, key: MetaKey): void {
    this.#leases.get(id)?.keys.delete(key);
  }

  clear(nextId: number): void {
    this.#leases.clear();
    this.#nextId = nextId;
  }
}
