/**
 * Named values of the metadata as main sees them: what lies under a prefix in one group, read once and followed from there on. Nothing but the watch changes what is known here, so changes of other nodes and
 * of this one come the same way and in the same order. A change rests on a condition on what was known; whoever is overtaken looks again.
 *
 * Bound: what the metadata takes. Without a leader what is known stays.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { WatchHandle } from '../../actors/meta/client/watch.ts';
import type { WatchedChange, WatchedStep } from '../../actors/meta/codec/answer-codec.ts';
import { ABSENT, type Claim, type ClaimResult, type MetaReply } from '../../actors/meta/command.ts';
import { endOfPrefix, keyOf, type MetaKey, type MetaRecord, textOf } from '../../actors/meta/state/record.ts';
import { isCoded, SluiceError } from '../../base/errors.ts';
import { META_DEADLINE_MS, META_TABLE_ATTEMPTS_MAX, META_TABLE_PAGE, META_TABLE_RETRY_MS } from '../../base/limits.ts';
import type { NodeMeta } from './node-meta.ts';

/** By name; undefined: it is gone. */
export type Changes<T> = ReadonlyMap<string, T | undefined>;

/** What a name is to be: undefined leaves it as it is, null takes it away. */
export type Decide<T> = (before: T | undefined) => T | null | undefined;

export interface MetaTableOptions<T> {
  readonly prefix: string;
  readonly group: number;
  readonly encode: (value: T) => Uint8Array;
  /** Undefined: not of this version; then what was known of that name stays. */
  readonly decode: (bytes: Uint8Array, name: string) => T | undefined;
  /** Settles when the changes are in force; those that come meanwhile wait. The first time it is everything, perhaps nothing. */
  readonly onChange: (changes: Changes<T>) => Promise<void>;
  readonly onUnreadable: (name: string) => void;
}

/** The part of the metadata that a table uses. */
export type TableSource = Pick<NodeMeta, 'command' | 'range' | 'watch'>;

interface Waiter {
  readonly revision: number;
  readonly resolve: () => void;
}

export class MetaTable<T> {
  readonly #options: MetaTableOptions<T>;
  readonly #prefix: MetaKey;
  readonly #entries = new Map<string, T>();
  /** Revision that last changed a name, of those that are there. */
  readonly #modified = new Map<string, number>();
  readonly #ended = new AbortController();
  readonly #waiters = new Set<Waiter>();
  /** Resolves when it has been read for the first time, and is in force. */
  readonly loaded: Promise<void>;
  #onLoaded: () => void = () => {};
  #meta: TableSource | undefined;
  #watch: WatchHandle | undefined;
  #isLoaded = false;
  /** In force up to this revision. */
  #revision = 0;
  /** Settled when all changes before are in force. */
  #last: Promise<void> = Promise.resolve();

  constructor(options: MetaTableOptions<T>) {
    this.#options = options;
    this.#prefix = keyOf(options.prefix);
    this.loaded = new Promise((resolve) => {
      this.#onLoaded = resolve;
    });
  }

  get entries(): ReadonlyMap<string, T> {
    return this.#entries;
  }

  /** `brings`: entries that are put there first, as far as there is nothing of their names. */
  start(meta: TableSource, brings?: ReadonlyMap<string, T>): void {
    this.#meta = meta;
    void this.#load(meta, brings);
  }

  /** What waits gives up. */
  close(): void {
    this.#ended.abort();
    this.#watch?.stop();
  }

  /** Resolves when it is in force here; with false when `decide` leaves things as they are. Rejects with a code of the metadata. */
  async update(name: string, decide: Decide<T>): Promise<boolean> {
    if (!this.#isLoaded) {
      throw new SluiceError('SLUICE_META_UNAVAILABLE', 'this node has not heard from the metadata yet; nothing was done');
    }
    const key = this.#keyOf(name);
    let before = this.#entries.get(name);
    let expected = this.#modified.get(name) ?? ABSENT;
    for (let attempt = 0; attempt < META_TABLE_ATTEMPTS_MAX; attempt++) {
      const next = decide(before);
      if (next === undefined || (next === null && expected === ABSENT)) return false;
      const value = next === null ? undefined : this.#options.encode(next);
      const { results, revision } = await this.#claim([{ key, expected, value, lease: 0 }]);
      const [{ isDone, modified, before: found }] = results as [ClaimResult];
      if (isDone) {
        await this.#untilInForce(revision);
        return true;
      }
      before = found?.value === undefined ? undefined : this.#options.decode(found.value, name);
      expected = modified;
    }
    throw new SluiceError('SLUICE_META_CONFLICT', `others change ${JSON.stringify(name)} all the time; nothing was done`);
  }

  async #claim(claims: readonly Claim[]): Promise<Extract<MetaReply, { type: 'claimed' }>> {
    const reply = await this.#meta!.command(this.#options.group, { type: 'claim', claims, wantsBefore: claims.length === 1 });
    if (reply.type !== 'claimed') throw new SluiceError('SLUICE_META_REFUSED', `an answer of another kind: ${reply.type}`);
    return reply;
  }

  // ---- following ----

  async #load(meta: TableSource, brings?: ReadonlyMap<string, T>): Promise<void> {
    const { signal } = this.#ended;
    while (!signal.aborted) {
      try {
        // Again after a failure: what is there already stays.
        if (brings !== undefined) await this.#bring(brings);
        const { records, revision } = await this.#read(meta);
        this.#replace(records, revision);
        if (!signal.aborted) this.#follow(meta, revision + 1);
        return;
      } catch (error) {
        // Anything else is a defect, and main says so as it ends.
        if (!isCoded(error)) throw error;
        await pause(META_TABLE_RETRY_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  async #bring(entries: ReadonlyMap<string, T>): Promise<void> {
    const claims = [...entries].map(([name, value]) => ({
      key: this.#keyOf(name),
      expected: ABSENT,
      value: this.#options.encode(value),
      lease: 0,
    }));
    for (let from = 0; from < claims.length; from += META_TABLE_PAGE)
      await this.#claim(claims.slice(from, from + META_TABLE_PAGE));
  }

  /** All of one revision. */
  async #read(meta: TableSource): Promise<{ readonly records: readonly MetaRecord[]; readonly revision: number }> {
    const to = endOfPrefix(this.#prefix);
    const records: MetaRecord[] = [];
    let from = this.#prefix;
    let revision = 0;
    for (;;) {
      const page = await meta.range(this.#options.group, { from, to, limit: META_TABLE_PAGE, revision }, false);
      records.push(...page.records);
      if (revision === 0) revision = page.revision;
      if (!page.isMore) return { records, revision };
      from = `${page.records.at(-1)!.key}\0`;
    }
  }

  #follow(meta: TableSource, since: number): void {
    const { group } = this.#options;
    this.#watch = meta.watch(group, this.#prefix, endOfPrefix(this.#prefix), since, {
      changed: (steps, through) => this.#changed(steps, through),
      compacted: () => void this.#load(meta),
    });
  }

  #changed(steps: readonly WatchedStep[], through: number): void {
    const changes = new Map<string, T | undefined>();
    for (const step of steps) for (const change of step.changes) this.#take(change, changes);
    this.#inForce(changes, through);
  }

  #replace(records: readonly MetaRecord[], revision: number): void {
    const changes = new Map<string, T | undefined>();
    const there = new Set(records.map(({ key }) => key));
    for (const name of [...this.#modified.keys()]) {
      const key = this.#keyOf(name);
      if (!there.has(key)) this.#take({ key, record: undefined }, changes);
    }
    for (const record of records) this.#take({ key: record.key, record }, changes);
    this.#inForce(changes, revision);
  }

  #take({ key, record }: WatchedChange, changes: Map<string, T | undefined>): void {
    const name = textOf(key.slice(this.#prefix.length));
    if (record === undefined) {
      this.#modified.delete(name);
      if (this.#entries.delete(name)) changes.set(name, undefined);
      return;
    }
    if (this.#modified.get(name) === record.modified) return;
    this.#modified.set(name, record.modified);
    const value = this.#options.decode(record.value!, name);
    if (value === undefined) return this.#options.onUnreadable(name);
    // What has changed last is the last.
    this.#entries.delete(name);
    this.#entries.set(name, value);
    changes.set(name, value);
  }

  #inForce(changes: Changes<T>, revision: number): void {
    const isNews = changes.size > 0 || !this.#isLoaded;
    this.#isLoaded = true;
    this.#last = this.#last
      .then(() => (isNews ? this.#options.onChange(changes) : undefined))
      .then(() => {
        this.#revision = Math.max(this.#revision, revision);
        this.#onLoaded();
        for (const waiter of this.#waiters) if (waiter.revision <= this.#revision) waiter.resolve();
      });
  }

  /** It is done; a node that does not hear of it in time says so all the same. */
  async #untilInForce(revision: number): Promise<void> {
    if (revision <= this.#revision) return;
    await new Promise<void>((resolve) => {
      const waiter: Waiter = {
        revision,
        resolve: () => {
          clearTimeout(late);
          this.#waiters.delete(waiter);
          resolve();
        },
      };
      const late = setTimeout(waiter.resolve, META_DEADLINE_MS);
      this.#waiters.add(waiter);
    });
  }

  #keyOf(name: string): MetaKey {
    return this.#prefix + keyOf(name);
  }
}
