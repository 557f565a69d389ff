/** Which shards of dedicated logs are compacted by key, and the compaction that is under way: one at a time, in the pool, begun when enough of a log is new. */
import { COMPACTION_KEYS_MAX, COMPACTION_PAUSE_MS, COMPACTION_TOMBSTONE_MS, REWRITE_PAUSE_MS } from '../../base/limits.ts';
import { type CompactionRunner, compactLog, type LogCompactionReport } from '../../storage/compaction/log-compaction.ts';
import type { ShardId } from '../../storage/engine.ts';
import type { EngineSet } from './engines.ts';
import { STORE_PROBE } from './probe.ts';

const { slot } = STORE_PROBE;

export interface Compactor {
  readonly run: CompactionRunner;
  /** Resolves after a while. */
  readonly pause: () => Promise<void>;
}

export class Compactions {
  readonly #engines: EngineSet;
  readonly #slots: Float64Array;
  /** Undefined: nothing is compacted on this node. */
  readonly #compactor: Compactor | undefined;
  /** With the time before which they are left alone, after a failure. */
  readonly #wanted = new Map<ShardId, number>();
  #isBusy = false;

  constructor(engines: EngineSet, slots: Float64Array, compactor: Compactor | undefined) {
    this.#engines = engines;
    this.#slots = slots;
    this.#compactor = compactor;
  }

  set(shard: ShardId, isCompacted: boolean): void {
    if (isCompacted) this.#wanted.set(shard, 0);
    else this.#wanted.delete(shard);
  }

  /** From time to time. */
  begin(nowMs: number): void {
    if (this.#isBusy || this.#compactor === undefined || this.#wanted.size === 0) return;
    this.#isBusy = true;
    void this.#all(nowMs, this.#compactor).finally(() => {
      this.#isBusy = false;
    });
  }

  async #all(nowMs: number, compactor: Compactor): Promise<void> {
    for (const [shard, notBefore] of [...this.#wanted]) {
      if (!this.#engines.dedicated.has(shard)) this.#wanted.delete(shard);
      else if (nowMs >= notBefore) await this.#one(shard, nowMs, compactor);
    }
  }

  async #one(shard: ShardId, nowMs: number, { run, pause }: Compactor): Promise<void> {
    const journal = this.#engines.dedicated.journal(shard);
    const { start, next } = journal.stat(shard);
    const isCancelled = (): boolean => !this.#wanted.has(shard);
    const keysMax = Math.min(COMPACTION_KEYS_MAX, next - start);
    try {
      const terms = { nowMs, tombstoneMs: COMPACTION_TOMBSTONE_MS, keysMax };
      const report = await compactLog(journal, shard, { ...terms, run, pause, isCancelled });
      if (report?.segments === 0) this.#wanted.set(shard, nowMs + COMPACTION_PAUSE_MS);
      else if (report !== undefined) this.#count(report);
    } catch {
      this.#slots[slot.compactionsFailed]!++;
      if (this.#wanted.has(shard)) this.#wanted.set(shard, nowMs + REWRITE_PAUSE_MS);
    }
  }

  #count({ recordsBefore, recordsAfter, freedBytes }: LogCompactionReport): void {
    this.#slots[slot.compactions]!++;
    this.#slots[slot.recordsCompacted]! += recordsBefore - recordsAfter;
    this.#slots[slot.bytesCompacted]! += Math.max(0, freedBytes);
  }
}
