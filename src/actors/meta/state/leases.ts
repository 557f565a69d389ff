/**
 * The leases of a group. The state knows no clock, and nothing of renewals: these the leader notes, who watches the time and proposes to end a lease. That command is void in another term than its own,
 * when somebody else watches, and for a lease that was granted again under the same id.
 */
import type { MetaKey } from './record.ts';

export interface Lease {
  readonly id: number;
  readonly ttlMs: number;
  /** The how many-th grant of the group it was. */
  readonly grant: number;
}

interface Entry extends Lease {
  readonly keys: Set<MetaKey>;
}

export class Leases {
  readonly #leases = new Map<number, Entry>();
  #nextGrant = 1;

  get size(): number {
    return this.#leases.size;
  }

  get nextGrant(): number {
    return this.#nextGrant;
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

  /** `id` 0: one that is free is chosen. Returns the lease's. */
  grant(id: number, ttlMs: number): number {
    while (id === 0 && this.#leases.has(this.#nextGrant)) this.#nextGrant++;
    const grant = this.#nextGrant++;
    const lease = { id: id === 0 ? grant : id, ttlMs, grant };
    this.restore(lease);
    return lease.id;
  }

  /** As it was kept; its keys follow. */
  restore(lease: Lease): void {
    this.#leases.set(lease.id, { ...lease, keys: new Set() });
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

  clear(nextGrant: number): void {
    this.#leases.clear();
    this.#nextGrant = nextGrant;
  }
}
