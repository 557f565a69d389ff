/** Which shards of a node are trimmed by age or size. Applied from time to time by the store. */
import type { Engine, ShardId } from '../../storage/engine.ts';
import { cutoffMs, type Retention, retainedFrom } from '../../storage/retention.ts';
import type { EngineName, RetainShard } from './messages.ts';

export class RetentionPolicies {
  readonly #engines: Readonly<Partial<Record<EngineName, Engine>>>;
  readonly #policies = new Map<EngineName, Map<ShardId, Retention>>();

  constructor(engines: Readonly<Partial<Record<EngineName, Engine>>>) {
    this.#engines = engines;
  }

  set({ engine, shard, retentionMs, retentionBytes }: RetainShard): void {
    let policies = this.#policies.get(engine);
    if (policies === undefined) {
      policies = new Map();
      this.#policies.set(engine, policies);
    }
    if (retentionMs === 0 && retentionBytes === 0) policies.delete(shard);
    else {
      policies.set(shard, {
        ...(retentionMs === 0 ? {} : { ageMsMax: retentionMs }),
        ...(retentionBytes === 0 ? {} : { bytesMax: retentionBytes }),
      });
    }
  }

  /** Trims what has outlived its policy; `touched` is called for each engine of which something has been trimmed. */
  apply(nowMs: number, touched: (engine: EngineName) => void): void {
    for (const [name, policies] of this.#policies) {
      const engine = this.#engines[name];
      if (engine === undefined) continue;
      for (const [shard, policy] of policies) {
        if (!engine.has(shard)) policies.delete(shard);
        else this.#trim(engine, shard, policy, nowMs, () => touched(name));
      }
    }
  }

  #trim(engine: Engine, shard: ShardId, retention: Retention, nowMs: number, touched: () => void): void {
    const trim = (offsetAtCutoff: number | undefined): void => {
      const stat = engine.stat(shard);
      const from = retainedFrom(retention, stat, offsetAtCutoff);
      if (from <= stat.start) return;
      engine.trim(shard, from);
      touched();
    };
    const cutoff = cutoffMs(retention, nowMs);
    if (cutoff === undefined) return trim(undefined);
    engine.offsetForTime(shard, cutoff, (error, offset) => {
      if (error === undefined && engine.has(shard)) trim(offset);
    });
  }
}
