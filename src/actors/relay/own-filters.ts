/**
 * The filters that the clients of this node have, on whichever reactor, and the shared subscriptions that have members among them (`$share/name/filter`): what other nodes are to send. Filters that change are noted and looked at together, at the end of a turn; filters of the server's own topics
 * stay out, as each node tells its own.
 */
import type { InterestMachine, LocalFilters } from '../router/interest-machine.ts';
import type { Router } from '../router/router.ts';
import type { ShareTable } from '../share/table.ts';

/** In front of the key of a shared subscription; no filter of a client's own begins like that. */
export const SHARE_PREFIX = '$share/';
const SERVER_TOPICS = ['$SYS/', '$events/'];

export class OwnFilters implements LocalFilters {
  readonly #router: Router;
  readonly #shares: ShareTable;
  readonly #wanted = new Set<string>();
  #changed = new Set<string>();
  #isAllChanged = true;

  constructor(router: Router, shares: ShareTable) {
    this.#router = router;
    this.#shares = shares;
  }

  get size(): number {
    return this.#wanted.size;
  }

  has(filter: string): boolean {
    return this.#wanted.has(filter);
  }

  filters(): Iterator<string> {
    return this.#wanted.values();
  }

  /** Undefined: any may have changed. True the first time since `settle`. */
  note(filter: string | undefined): boolean {
    const isFirst = this.#changed.size === 0 && !this.#isAllChanged;
    if (filter === undefined) this.#isAllChanged = true;
    else this.#changed.add(filter);
    return isFirst;
  }

  /** Looks at what has been noted, and tells `machine` of each filter that is wanted now or no more. */
  settle(machine: InterestMachine): void {
    const candidates = this.#isAllChanged ? this.#all() : this.#changed;
    this.#changed = new Set();
    this.#isAllChanged = false;
    for (const filter of candidates) this.#decide(filter, machine);
  }

  #decide(filter: string, machine: InterestMachine): void {
    const isWanted = this.#isWanted(filter);
    if (isWanted === this.#wanted.has(filter)) return;
    // A reactor that has not said yet what it wants may want it still.
    if (!isWanted && !this.#router.interest.synced) return;
    if (isWanted) this.#wanted.add(filter);
    else this.#wanted.delete(filter);
    machine.filterChanged(filter);
  }

  #isWanted(filter: string): boolean {
    if (!filter.startsWith(SHARE_PREFIX)) return !isOfServer(filter) && this.#router.isWantedByClients(filter);
    const key = filter.slice(SHARE_PREFIX.length);
    return !isOfServer(key.slice(key.indexOf('/') + 1)) && this.#shares.isKnownGroup(key);
  }

  #all(): Set<string> {
    const all = new Set(this.#wanted);
    for (const filter of this.#router.knownFilters()) all.add(filter);
    for (const key of this.#shares.groupKeys()) all.add(SHARE_PREFIX + key);
    return all;
  }
}

/** Whether messages by that filter come from other nodes. */
export function isRelayedFilter(filter: string): boolean {
  return !isOfServer(filter);
}

function isOfServer(filter: string): boolean {
  return SERVER_TOPICS.some((prefix) => filter.startsWith(prefix));
}
