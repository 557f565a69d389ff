/** The engines of a node by name, and the numbers of their shards. */
import { assert } from '../../base/assert.ts';
import type { Engine, ShardId } from '../../storage/engine.ts';
import type { DedicatedJournals } from '../../storage/engines/journal.ts';
import type { Journal } from '../../storage/journal.ts';
import type { EngineName } from './messages.ts';

export interface EngineSet {
  readonly engines: Readonly<Partial<Record<EngineName, Engine>>>;
  /** The log of the shared engine: also keeps fan-outs and marks. */
  readonly shared: Journal;
  /** The dedicated engine: keeps marks beside records. */
  readonly dedicated: DedicatedJournals;
  /** All logs, for collecting what nobody keeps. */
  readonly journals: () => Iterable<Journal>;
}

/** Gives the lowest free numbers, so that tables by number stay dense. */
export class ShardNumbers {
  readonly #engine: Engine;
  #next = 1;
  readonly #free: ShardId[] = [];

  constructor(engine: Engine) {
    this.#engine = engine;
    const taken = [...engine.shards()].sort((a, b) => a - b);
    for (const shard of taken) {
      for (; this.#next < shard; this.#next++) this.#free.push(this.#next);
      this.#next = shard + 1;
    }
    this.#free.reverse();
  }

  take(): ShardId {
    const shard = this.#free.pop() ?? this.#next++;
    assert(!this.#engine.has(shard), 'a number is given once');
    return shard;
  }

  giveBack(shard: ShardId): void {
    this.#free.push(shard);
  }
}
