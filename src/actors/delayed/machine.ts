/**
 * Messages that are for later, in the order in which they fall due: a binary heap beside a map by id. What is deleted leaves the map at once and the heap when it
 * comes to its top, or when half of the heap is such. Pure; times are wall clock, for a delay goes on while the node is down.
 */

export interface DelayedMessage {
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly dueAt: number;
  readonly topic: string;
  readonly clientId: string;
  /** A PUBLISH with its topic written out. */
  readonly packet: Uint8Array;
  readonly dialect: 0 | 1;
  /** It is on disk as well. */
  readonly isKept: boolean;
}

export interface DelayedBounds {
  readonly messagesMax: number;
  readonly bytesMax: number;
}

/** What a message costs beside its packet, roughly, bytes. */
const OVERHEAD_BYTES = 256;

interface Entry extends DelayedMessage {
  /** Messages of the same time come out in the order in which they went in. */
  readonly order: number;
}

export class DelayedMachine {
  bounds: DelayedBounds;
  readonly #byId = new Map<string, Entry>();
  #heap: Entry[] = [];
  #bytes = 0;
  #order = 0;

  constructor(bounds: DelayedBounds) {
    this.bounds = bounds;
  }

  get size(): number {
    return this.#byId.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  hasRoom(messages: number, bytes: number): boolean {
    return (
      this.size + messages <= this.bounds.messagesMax && this.#bytes + bytes + messages * OVERHEAD_BYTES <= this.bounds.bytesMax
    );
  }

  /** Takes it whatever the bounds say: what was taken before a restart is not refused after it. */
  add(message: DelayedMessage): void {
    const entry: Entry = { ...message, order: this.#order++ };
    this.#byId.set(entry.id, entry);
    this.#bytes += costOf(entry);
    this.#heap.push(entry);
    this.#rise(this.#heap.length - 1);
  }

  /** When the next one is due; undefined when there is none. */
  nextDueAt(): number | undefined {
    this.#dropDeleted();
    return this.#heap[0]?.dueAt;
  }

  /** Takes out what is due, at most `max`, in order. */
  takeDue(now: number, max: number): DelayedMessage[] {
    const due: DelayedMessage[] = [];
    while (due.length < max) {
      this.#dropDeleted();
      const first = this.#heap[0];
      if (first === undefined || first.dueAt > now) break;
      this.#pop();
      this.#forget(first);
      due.push(first);
    }
    return due;
  }

  delete(id: string): DelayedMessage | undefined {
    const entry = this.#byId.get(id);
    if (entry === undefined) return undefined;
    this.#forget(entry);
    if (this.#heap.length > 2 * this.size + 64) this.#rebuild();
    return entry;
  }

  /** Those behind the one with the id `after`, in the order in which they came, at most `limit`. */
  page(after: string | undefined, limit: number): DelayedMessage[] {
    const page: DelayedMessage[] = [];
    const start = after === undefined ? -1 : (this.#byId.get(after)?.order ?? -1);
    for (const entry of this.#byId.values()) {
      if (entry.order <= start) continue;
      if (page.length === limit) break;
      page.push(entry);
    }
    return page;
  }

  #forget(entry: Entry): void {
    this.#byId.delete(entry.id);
    this.#bytes -= costOf(entry);
  }

  #dropDeleted(): void {
    while (this.#heap.length > 0 && this.#byId.get(this.#heap[0]!.id) !== this.#heap[0]) this.#pop();
  }

  #rebuild(): void {
    // In the order of the heap's keys an array is a heap.
    this.#heap = [...this.#byId.values()].sort((a, b) => (isBefore(a, b) ? -1 : 1));
  }

  #pop(): void {
    const last = this.#heap.pop()!;
    if (this.#heap.length === 0) return;
    this.#heap[0] = last;
    this.#sink(0);
  }

  #rise(index: number): void {
    const heap = this.#heap;
    for (let i = index; i > 0; ) {
      const parent = (i - 1) >> 1;
      if (!isBefore(heap[i]!, heap[parent]!)) return;
      [heap[i], heap[parent]] = [heap[parent]!, heap[i]!];
      i = parent;
    }
  }

  #sink(index: number): void {
    const heap = this.#heap;
    for (let i = index; ; ) {
      let least = i;
      for (const child of [2 * i + 1, 2 * i + 2]) if (child < heap.length && isBefore(heap[child]!, heap[least]!)) least = child;
      if (least === i) return;
      [heap[i], heap[least]] = [heap[least]!, heap[i]!];
      i = least;
    }
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.dueAt < b.dueAt || (a.dueAt === b.dueAt && a.order < b.order);
}

function costOf({ packet }: DelayedMessage): number {
  return packet.length + OVERHEAD_BYTES;
}
