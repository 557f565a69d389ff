/** What one other reactor has said about its members, as the interest machine keeps it: no topic is ever matched against it. */
import type { KnownFilters } from '../router/interest-machine.ts';

export class KnownEntries implements KnownFilters {
  readonly #entries = new Set<string>();

  get size(): number {
    return this.#entries.size;
  }

  set(entry: string): void {
    this.#entries.add(entry);
  }

  delete(entry: string): boolean {
    return this.#entries.delete(entry);
  }

  has(entry: string): boolean {
    return this.#entries.has(entry);
  }

  filters(): Iterable<string> {
    return this.#entries;
  }

  matches(): boolean {
    return false;
  }
}
