/**
 * What a reactor has to write of the retained messages of one group: one write is under way, and what is published meanwhile gathers behind it, the last one of each topic. Load makes the batches. Pure.
 *
 * Two writes are never under way at once, so a topic's messages get into the metadata in the order in which they were published.
 */
export interface QueuedMessage<W> {
  readonly name: string;
  /** Null: nothing is to be retained any more. */
  record: Uint8Array | null;
  /** Numbers the messages of the reactor. */
  seq: number;
  /** Who waits for it; also those who have published what it replaces. */
  readonly waiters: W[];
}

export interface QueueBounds {
  readonly messagesMax: number;
  /** A larger message goes alone. */
  readonly bytesMax: number;
}

/** What a message costs beside its record, about. */
const OVERHEAD_BYTES = 200;

export class WriteQueue<W> {
  readonly #bounds: QueueBounds;
  #waiting = new Map<string, QueuedMessage<W>>();
  #underWay: readonly QueuedMessage<W>[] | null = null;
  /** Of what waits and what is under way. */
  bytes = 0;

  constructor(bounds: QueueBounds) {
    this.#bounds = bounds;
  }

  get isUnderWay(): boolean {
    return this.#underWay !== null;
  }

  put(name: string, record: Uint8Array | null, seq: number, waiter: W | undefined): void {
    const message = this.#waiting.get(name);
    if (message === undefined) {
      this.#waiting.set(name, { name, record, seq, waiters: waiter === undefined ? [] : [waiter] });
      this.bytes += cost(name, record);
      return;
    }
    this.bytes += cost(name, record) - cost(name, message.record);
    message.record = record;
    message.seq = seq;
    if (waiter !== undefined) message.waiters.push(waiter);
  }

  /** The next write; undefined: nothing waits, or one is under way. */
  take(): readonly QueuedMessage<W>[] | undefined {
    if (this.#underWay !== null || this.#waiting.size === 0) return undefined;
    const { messagesMax, bytesMax } = this.#bounds;
    const taken: QueuedMessage<W>[] = [];
    let bytes = 0;
    for (const message of this.#waiting.values()) {
      const size = cost(message.name, message.record);
      if (taken.length > 0 && (taken.length === messagesMax || bytes + size > bytesMax)) break;
      taken.push(message);
      bytes += size;
      this.#waiting.delete(message.name);
    }
    this.#underWay = taken;
    return taken;
  }

  /** The write has an end, for good or ill; returns it. */
  done(): readonly QueuedMessage<W>[] {
    const done = this.#underWay ?? [];
    this.#underWay = null;
    for (const { name, record } of done) this.bytes -= cost(name, record);
    return done;
  }

  /** The write is to be tried again, as far as nothing newer has come, and `isWanted`; returns the rest of it. */
  again(isWanted: (message: QueuedMessage<W>) => boolean = () => true): readonly QueuedMessage<W>[] {
    const waiting = new Map<string, QueuedMessage<W>>();
    const rest: QueuedMessage<W>[] = [];
    for (const message of this.#underWay ?? []) {
      const newer = this.#waiting.get(message.name);
      if (isWanted(message) && newer === undefined) {
        waiting.set(message.name, message);
        continue;
      }
      this.bytes -= cost(message.name, message.record);
      if (isWanted(message)) newer!.waiters.unshift(...message.waiters);
      else rest.push(message);
    }
    for (const [name, message] of this.#waiting) waiting.set(name, message);
    this.#waiting = waiting;
    this.#underWay = null;
    return rest;
  }
}

function cost(name: string, record: Uint8Array | null): number {
  return OVERHEAD_BYTES + name.length + (record?.length ?? 0);
}
