/**
 * How far a replay is in each of its partitions. Pure.
 *
 *            acknowledged to      next            known end
 *   ─────────────┴─ in flight ──────┴─── not sent ────┴────▶ offsets of a partition
 *
 * Messages in flight are the session's, which sends them again to a client that comes back; `acknowledgedTo` is where another life of this node would have to go on.
 */
import { assert } from '../../base/assert.ts';

/** What a session keeps of a replay, in memory of another thread and on disk. */
export interface ReplayState {
  readonly filter: string;
  readonly qos: 0 | 1 | 2;
  readonly subscriptionId: number;
  /** Name of the declared topic. */
  readonly topic: string;
  readonly partitions: readonly number[];
  /** For each of them the next offset to be sent. */
  readonly next: readonly number[];
  /** Packet id, index of the partition and offset of what has been sent and not been acknowledged. */
  readonly inFlight: readonly (readonly [number, number, number])[];
}

/** A partition, by its index among those of the replay. */
export interface ReplayPosition {
  readonly partition: number;
  next: number;
  /** Nothing is known beyond it: to be followed. */
  end: number;
  isFollowed: boolean;
  /** What is older does not count, up to the first record that is not: a batch may begin before the time that was asked for. */
  sinceMs: number;
}

export class ReplayMachine {
  readonly positions: readonly ReplayPosition[];
  readonly #inFlight: Map<number, { readonly index: number; readonly offset: number }>;
  #turn = 0;

  constructor({ partitions, next, inFlight }: Pick<ReplayState, 'partitions' | 'next' | 'inFlight'>, sinceMs = 0) {
    assert(partitions.length === next.length, 'a place for each partition');
    this.positions = partitions.map((partition, i) => ({
      partition,
      next: next[i]!,
      end: Number.POSITIVE_INFINITY,
      isFollowed: false,
      sinceMs,
    }));
    this.#inFlight = new Map(inFlight.map(([packetId, index, offset]) => [packetId, { index, offset }]));
  }

  /** The index of the partition to read from now; the partitions take turns. Undefined: all are read to their ends. */
  choose(): number | undefined {
    const { positions } = this;
    for (let i = 0; i < positions.length; i++) {
      const index = (this.#turn + i) % positions.length;
      const { next, end } = positions[index]!;
      if (next >= end) continue;
      this.#turn = index + 1;
      return index;
    }
    return undefined;
  }

  /** The record has left, or is not for the client. */
  passed(index: number, offset: number): void {
    const position = this.positions[index]!;
    assert(offset >= position.next, 'offsets of a partition only grow');
    this.passedTo(index, offset + 1);
  }

  /** Nothing more is to come from before `next`. */
  passedTo(index: number, next: number): void {
    const position = this.positions[index]!;
    if (next <= position.next) return;
    position.next = next;
    position.sinceMs = 0;
  }

  /** It is in flight with this packet id. */
  sent(packetId: number, index: number, offset: number): void {
    this.#inFlight.set(packetId, { index, offset });
  }

  /** Forgets what is no longer in flight. An id that has been taken by another message meanwhile counts as if it were still this one: too early is safe. */
  prune(isOut: (packetId: number) => boolean): void {
    for (const packetId of this.#inFlight.keys()) if (!isOut(packetId)) this.#inFlight.delete(packetId);
  }

  /** For each partition, where everything before has been acknowledged. */
  acknowledgedTo(): number[] {
    const to = this.positions.map(({ next }) => next);
    for (const { index, offset } of this.#inFlight.values()) if (offset < to[index]!) to[index] = offset;
    return to;
  }

  inFlight(): [number, number, number][] {
    return Array.from(this.#inFlight, ([packetId, { index, offset }]) => [packetId, index, offset]);
  }
}
