/**
 * The replays of one reactor on their way to the store: what they read, at most REPLAY_READS_AT_ONCE at a time and in the order in which they asked, so that catching up leaves the store's time to
 * appends; and whom to wake when a shard grows, one question to the store for each shard, however many replays are at its end.
 */
import { REPLAY_FOLLOW_MS, REPLAY_READ_BYTES, REPLAY_READS_AT_ONCE, STORE_ASK_MS } from '../../base/limits.ts';
import type { DeclaredTopics } from '../shard/declared-topics.ts';
import type { Declaration } from '../shard/messages.ts';
import type { StoreClient } from '../store/client.ts';
import type {
  DescribedShards,
  EngineName,
  FoundOffset,
  ShardBytes,
  ShardFacts,
  StoreMessage,
  StoreRefusal,
} from '../store/messages.ts';

type Read = () => void;

/** A shard that somebody has read to its end. */
interface Followed {
  readonly engine: EngineName;
  readonly shard: number;
  /** Woken from there on. */
  readonly offset: number;
  readonly waiting: Set<() => void>;
}

export class ReplayReads {
  readonly #store: StoreClient;
  readonly #declared: DeclaredTopics;
  readonly #queue: Read[] = [];
  #underWay = 0;
  readonly #followed = new Map<string, Followed>();

  constructor(store: StoreClient, declared: DeclaredTopics) {
    this.#store = store;
    this.#declared = declared;
  }

  declarations(): Iterable<Declaration> {
    return this.#declared.declarations();
  }

  declaration(name: string): Declaration | undefined {
    return this.#declared.declaration(name);
  }

  /** Record batches of a partition from the one with `offset` on. `then` may be called when the replay is long gone. */
  read(
    { engine, shards }: Declaration,
    partition: number,
    offset: number,
    then: (answer: ShardBytes | StoreRefusal) => void,
  ): void {
    const shard = shards[partition]!;
    this.#queue.push(() => {
      const message: StoreMessage = { type: 'read', engine, shard, offset, bytesMax: REPLAY_READ_BYTES, raw: false };
      this.#store.ask<ShardBytes>(message, STORE_ASK_MS, (answer) => {
        this.#underWay--;
        this.#next();
        then(answer);
      });
    });
    this.#next();
  }

  /** Calls `then` once, when the partition has, or may have, something from `offset` on. Returns how to forget about it. */
  whenGrown({ engine, shards }: Declaration, partition: number, offset: number, then: () => void): () => void {
    const shard = shards[partition]!;
    const key = `${engine} ${shard}`;
    const known = this.#followed.get(key);
    // Somebody has seen more of it.
    if (known !== undefined && known.offset > offset) then();
    else if (known !== undefined) known.waiting.add(then);
    else this.#follow(key, { engine, shard, offset, waiting: new Set([then]) });
    return () => this.#followed.get(key)?.waiting.delete(then);
  }

  /** What the partitions have; null for one that is not there. */
  describe({ engine, shards }: Declaration, then: (facts: readonly (ShardFacts | null)[] | undefined) => void): void {
    this.#store.ask<DescribedShards>({ type: 'describe', engine, shards }, STORE_ASK_MS, (answer) =>
      then('code' in answer ? undefined : answer.facts),
    );
  }

  /** The offset of the first batch of each partition that has a record of that time or later. */
  findTime(
    { engine, shards }: Declaration,
    partitions: readonly number[],
    timestampMs: number,
    then: (offsets: readonly number[] | undefined) => void,
  ): void {
    const offsets: number[] = [];
    let waiting = partitions.length;
    let isFound = true;
    for (const [i, partition] of partitions.entries()) {
      const message: StoreMessage = { type: 'time', engine, shard: shards[partition]!, timestampMs };
      this.#store.ask<FoundOffset>(message, STORE_ASK_MS, (answer) => {
        if ('code' in answer) isFound = false;
        else offsets[i] = answer.offset;
        if (--waiting === 0) then(isFound ? offsets : undefined);
      });
    }
  }

  inspect(): unknown {
    return { underWay: this.#underWay, waiting: this.#queue.length, followed: this.#followed.size };
  }

  #next(): void {
    while (this.#underWay < REPLAY_READS_AT_ONCE) {
      const read = this.#queue.shift();
      if (read === undefined) return;
      this.#underWay++;
      read();
    }
  }

  #follow(key: string, followed: Followed): void {
    const { engine, shard, offset, waiting } = followed;
    this.#followed.set(key, followed);
    const message: StoreMessage = { type: 'follow', engine, shard, offset, waitMs: REPLAY_FOLLOW_MS };
    this.#store.ask<FoundOffset>(message, REPLAY_FOLLOW_MS + STORE_ASK_MS, () => {
      // Whatever has come of it: those who wait look for themselves.
      this.#followed.delete(key);
      for (const then of waiting) then();
    });
  }
}
