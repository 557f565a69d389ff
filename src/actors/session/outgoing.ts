/**
 * Messages on their way to one client that cannot leave yet, or that may have to leave again.
 */
import { cloneBytes } from '../../base/bytes.ts';
import type { Dialect, Qos } from '../../wire/mqtt/constants.ts';
import { packetEnd } from '../../wire/mqtt/publish-run.ts';

/** Consecutive PUBLISH packets and how this client gets them. The bytes are the session's own: shared by its entries, never changed. */
export interface Outgoing {
  /** Dialect of the bytes. */
  readonly dialect: Dialect;
  /** As it goes to this client, not as it was published. */
  readonly qos: Qos;
  readonly retain: boolean;
  readonly subscriptionIds: readonly number[] | null;
  readonly buffer: Uint8Array;
  readonly start: number;
  readonly end: number;
  readonly count: number;
  /** Wall clock in milliseconds, 0 for never. */
  readonly expiresAt: number;
  /** Key of the shared subscription that chose this client, which another member can stand in for; null for a subscription of its own. */
  readonly share: string | null;
}

/** The first `count` packets, and what is left when that is not all. */
export function splitOutgoing(outgoing: Outgoing, count: number): { head: Outgoing; rest: Outgoing | null } {
  if (count >= outgoing.count) return { head: outgoing, rest: null };
  let at = outgoing.start;
  for (let i = 0; i < count; i++) at = packetEnd(outgoing.buffer, at);
  return {
    head: { ...outgoing, end: at, count },
    rest: { ...outgoing, start: at, count: outgoing.count - count },
  };
}

export interface QueueBounds {
  readonly messagesMax: number;
  readonly bytesMax: number;
}

/**
 * First in, first out, bounded in messages and, but for the entry that crosses the bound, in bytes. What does not fit is refused from the end: older
 * messages keep their place.
 */
export class OutgoingQueue {
  #entries: Outgoing[] = [];
  #first = 0;
  #messages = 0;
  #bytes = 0;

  get messages(): number {
    return this.#messages;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Takes as many packets of `outgoing` as the bounds allow and returns how many that are. */
  push(outgoing: Outgoing, bounds: QueueBounds): number {
    const room = bounds.messagesMax - this.#messages;
    if (room <= 0 || this.#bytes >= bounds.bytesMax) return 0;
    const { head } = splitOutgoing(outgoing, room);
    this.#entries.push(head);
    this.#messages += head.count;
    this.#bytes += head.end - head.start;
    return head.count;
  }

  /** Takes up to `count` packets off the front; undefined when there are none. */
  shift(count: number): Outgoing | undefined {
    const front = this.#entries[this.#first];
    if (front === undefined) return undefined;
    const { head, rest } = splitOutgoing(front, count);
    if (rest === null) this.#dropFirst();
    else this.#entries[this.#first] = rest;
    this.#messages -= head.count;
    this.#bytes -= head.end - head.start;
    return head;
  }

  /** Removes the entries that `take` accepts, in order. */
  takeIf(take: (entry: Outgoing) => boolean): Outgoing[] {
    const taken: Outgoing[] = [];
    const left: Outgoing[] = [];
    for (const entry of this) (take(entry) ? taken : left).push(entry);
    this.#entries = left;
    this.#first = 0;
    for (const { count, start, end } of taken) {
      this.#messages -= count;
      this.#bytes -= end - start;
    }
    return taken;
  }

  *[Symbol.iterator](): Iterator<Outgoing> {
    for (let i = this.#first; i < this.#entries.length; i++) yield this.#entries[i]!;
  }

  #dropFirst(): void {
    this.#first++;
    if (this.#first * 2 >= this.#entries.length) {
      this.#entries = this.#entries.slice(this.#first);
      this.#first = 0;
    }
  }
}

/** The same in memory of its own, exactly as large as it needs to be. */
export function detached(outgoing: Outgoing): Outgoing {
  return {
    ...outgoing,
    buffer: cloneBytes(outgoing.buffer, outgoing.start, outgoing.end),
    start: 0,
    end: outgoing.end - outgoing.start,
  };
}
