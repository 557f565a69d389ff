/**
 * Who waits for a shard of one engine to grow: readers that have come to its end. Asked once and answered once, by the commit that brings more or after the time that
 * was given; who wants to go on asks again. Bounded by the shards that reactors follow, one question of a reactor for each.
 */
import type { ReplyTo } from '../../runtime/actor.ts';
import type { ShardId } from '../../storage/engine.ts';

interface Waiting {
  readonly to: ReplyTo;
  readonly dueAt: number;
}

export class Followers {
  readonly #waiting = new Map<ShardId, Waiting[]>();
  /** Followed shards with something staged. */
  #grown: ShardId[] = [];

  wait(shard: ShardId, to: ReplyTo, dueAt: number): void {
    const waiting = this.#waiting.get(shard);
    if (waiting === undefined) this.#waiting.set(shard, [{ to, dueAt }]);
    else waiting.push({ to, dueAt });
  }

  /** Something is staged for the shard. */
  appended(shard: ShardId): void {
    if (this.#waiting.size > 0 && this.#waiting.has(shard) && !this.#grown.includes(shard)) this.#grown.push(shard);
  }

  /** The shards that the commit which begins now makes grow. */
  takeGrown(): readonly ShardId[] {
    const grown = this.#grown;
    if (grown.length > 0) this.#grown = [];
    return grown;
  }

  /** Those who wait for the shard; they do no more. */
  take(shard: ShardId): readonly ReplyTo[] {
    const waiting = this.#waiting.get(shard) ?? [];
    this.#waiting.delete(shard);
    return waiting.map(({ to }) => to);
  }

  /** Calls `answer` for those who have waited long enough. */
  expire(now: number, answer: (shard: ShardId, to: ReplyTo) => void): void {
    for (const [shard, waiting] of this.#waiting) {
      for (const { to, dueAt } of waiting) if (dueAt <= now) answer(shard, to);
      const left = waiting.filter(({ dueAt }) => dueAt > now);
      if (left.length === 0) this.#waiting.delete(shard);
      else if (left.length < waiting.length) this.#waiting.set(shard, left);
    }
  }
}
