/**
 * The changes of one command on their way: they show at once, and become one step of the history. A key that is changed twice has changed once; commands that do that are
 * rare, so changes are looked up by key from the first such key on.
 */
import type { Change } from './history.ts';
import type { Keyspace } from './keyspace.ts';
import type { Leases } from './leases.ts';
import { HotRecord, type MetaKey, type MetaRecord, type PutBytes } from './record.ts';

export class Revision {
  readonly revision: number;
  readonly #keyspace: Keyspace;
  readonly #leases: Leases;
  #changes: Change[] = [];
  /** Keys that this command has deleted: nothing else tells that it has changed them already. */
  #deleted: Set<MetaKey> | undefined;
  /** Where in `#changes` a key is; made when one is changed again. */
  #places: Map<MetaKey, number> | undefined;

  constructor(revision: number, keyspace: Keyspace, leases: Leases) {
    this.revision = revision;
    this.#keyspace = keyspace;
    this.#leases = leases;
  }

  /** The bytes are the record's from now on; `before` is what is there. */
  put(key: MetaKey, bytes: PutBytes, lease: number, before: MetaRecord | undefined = this.#keyspace.get(key)): void {
    const isAgain = before !== undefined && before.modified === this.revision;
    const record = new HotRecord(key, bytes, lease, this.revision, before);
    this.#keyspace.set(record, before);
    if (before !== undefined && before.lease !== lease && before.lease !== 0) this.#leases.detach(before.lease, key);
    if (lease !== 0) this.#leases.attach(lease, key);
    this.#note(key, before, record, isAgain || this.#deleted?.has(key) === true);
  }

  /** Whether it was there. */
  delete(key: MetaKey, before: MetaRecord | undefined = this.#keyspace.get(key)): boolean {
    if (before === undefined) return false;
    this.#keyspace.remove(before);
    if (before.lease !== 0) this.#leases.detach(before.lease, key);
    this.#note(key, before, undefined, before.modified === this.revision);
    this.#deleted ??= new Set();
    this.#deleted.add(key);
    return true;
  }

  /** What has come of it; keys that are as absent as they were do not count. */
  changes(): readonly Change[] {
    if (this.#places === undefined) return this.#changes;
    return this.#changes.filter(({ before, after }) => before !== undefined || after !== undefined);
  }

  #note(key: MetaKey, before: MetaRecord | undefined, after: MetaRecord | undefined, isAgain: boolean): void {
    if (isAgain) {
      this.#places ??= new Map(this.#changes.map((change, place) => [change.key, place]));
      const place = this.#places.get(key)!;
      this.#changes[place] = { key, before: this.#changes[place]!.before, after };
      return;
    }
    this.#places?.set(key, this.#changes.length);
    this.#changes.push({ key, before, after });
  }
}
