// A group of the metadata in memory, for what follows it: claims, pages and watches as the real one gives them, answers late and in another order.
import type { WatchHandle, WatchListener } from '../../../src/actors/meta/client/watch.ts';
import type { WatchedStep } from '../../../src/actors/meta/codec/answer-codec.ts';
import type { ClaimResult, MetaCommand, MetaReply } from '../../../src/actors/meta/command.ts';
import type { RangeRequest } from '../../../src/actors/meta/state/range.ts';
import type { MetaKey, MetaRecord } from '../../../src/actors/meta/state/record.ts';
import { SluiceError } from '../../../src/base/errors.ts';
import type { TableSource } from '../../../src/nodes/meta/meta-table.ts';

interface Watcher {
  readonly from: MetaKey;
  readonly to: MetaKey;
  readonly listener: WatchListener;
  told: number;
}

export class FakeSource implements TableSource {
  readonly records: Map<MetaKey, MetaRecord> = new Map();
  revision = 0;
  /** Calls fail before anything is done. */
  isAway = false;
  /** Entries of a page. */
  readonly pageMax: number = 3;
  readonly #history: WatchedStep[] = [];
  readonly #watchers = new Set<Watcher>();
  readonly #delay: () => Promise<void>;

  constructor(delay: () => Promise<void> = async () => {}) {
    this.#delay = delay;
  }

  async command(_group: number, command: MetaCommand): Promise<MetaReply> {
    await this.#delay();
    if (this.isAway) throw new SluiceError('SLUICE_META_UNAVAILABLE', 'away');
    if (command.type !== 'claim') throw new Error('claims alone');
    const next = this.revision + 1;
    const changes: { key: MetaKey; record: MetaRecord | undefined }[] = [];
    const results = command.claims.map(({ key, expected, value }): ClaimResult => {
      const before = this.records.get(key);
      if (expected !== -1 && expected !== (before?.modified ?? 0))
        return { isDone: false, modified: before?.modified ?? 0, before };
      const record =
        value === undefined
          ? undefined
          : { key, value, valueBytes: value.length, created: before?.created ?? next, modified: next, version: 1, lease: 0 };
      if (record === undefined) this.records.delete(key);
      else this.records.set(key, record);
      changes.push({ key, record });
      return { isDone: true, modified: next, before };
    });
    if (changes.length > 0) {
      this.revision = next;
      this.#history.push({ revision: next, changes });
    }
    const reply: MetaReply = { type: 'claimed', revision: this.revision, results };
    void this.#tell();
    await this.#delay();
    return reply;
  }

  async range(_group: number, { from, to, revision }: RangeRequest): ReturnType<TableSource['range']> {
    await this.#delay();
    if (this.isAway) throw new SluiceError('SLUICE_META_UNAVAILABLE', 'away');
    if (revision !== 0 && revision !== this.revision) throw new SluiceError('SLUICE_META_COMPACTED', 'compacted');
    const all = [...this.records.values()].filter(({ key }) => key >= from && key < to).sort((a, b) => (a.key < b.key ? -1 : 1));
    return { revision: this.revision, isMore: all.length > this.pageMax, records: all.slice(0, this.pageMax) };
  }

  watch(_group: number, from: MetaKey, to: MetaKey, since: number, listener: WatchListener): WatchHandle {
    const watcher: Watcher = { from, to, listener, told: since - 1 };
    this.#watchers.add(watcher);
    void this.#tell();
    return { stop: () => this.#watchers.delete(watcher) };
  }

  /** Forgets the history: watchers have to read anew. */
  compact(): void {
    for (const { listener } of this.#watchers) listener.compacted(this.revision);
    this.#watchers.clear();
  }

  async #tell(): Promise<void> {
    await this.#delay();
    for (const watcher of this.#watchers) {
      const steps = this.#history
        .filter(({ revision }) => revision > watcher.told)
        .map(({ revision, changes }) => ({
          revision,
          changes: changes.filter(({ key }) => key >= watcher.from && key < watcher.to),
        }));
      if (steps.length === 0) continue;
      watcher.told = this.revision;
      watcher.listener.changed(steps, this.revision);
    }
  }
}
