/**
 * The in-flight window towards one client: which packet ids are out and what is awaited for each, in the order they were sent.
 * Ids are handed out in sequence, so acknowledgements arrive nearly in order and the window is a ring over the id space:
 *
 *   slot = id & (capacity - 1)        capacity: 16, doubling with demand up to 65,536 (then slot = id)
 *
 *     oldest ─┐                 ┌─ next
 *     … free  │ a a r a · a a a │ free …      a awaiting PUBACK/PUBREC   r awaiting PUBCOMP   · acknowledged out of order
 *
 * A slot holds `awaited << 16 | id`, 0 when it is free: one array, because a window is touched once per message and cold by then.
 * A slot that a slow id still holds makes the allocator pass over the new id that would share it. What is out is thus in order of age from `next`
 * on, all the way round; except for an id that the allocator has come round to and passed over while it was out: those are listed apart. Messages are kept only for sessions that may
 * be resumed (`keep`): without resumption nothing is ever sent again [MQTT-4.4.0-1], and a bare window costs 4 bytes an id.
 * Bounded by `limit`, the smaller of the client's receive maximum and the configured one.
 */
import { assert } from '../../base/assert.ts';

export const FREE = 0;
export const AWAIT_PUBACK = 1;
export const AWAIT_PUBREC = 2;
export const AWAIT_PUBCOMP = 3;

const CAPACITY_MIN = 16;
const PACKET_ID_MAX = 65_535;
const STATE_SHIFT = 16;
const ID_MASK = 0xffff;

export class OutboundWindow<Message> {
  /** Most ids that may be out at once. */
  limit: number;
  #keep: boolean;
  #capacity = 0;
  #slots = NO_SLOTS;
  #messages: (Message | null)[] = [];
  #count = 0;
  #next = 1;
  /** Ids that were still out when `next` had come round to them, oldest first: older than all others. Nearly always empty. */
  #passed: Set<number> | null = null;

  constructor(limit: number, keep: boolean) {
    assert(limit >= 1 && limit <= PACKET_ID_MAX, 'in-flight limit out of range');
    this.limit = limit;
    this.#keep = keep;
  }

  /** Keeps messages from now on. Those that are out already have none. */
  keep(): void {
    if (this.#keep) return;
    this.#keep = true;
    this.#messages = new Array<Message | null>(this.#capacity).fill(null);
  }

  /** Ids that are out. */
  get count(): number {
    return this.#count;
  }

  /** How many more may go out. */
  get room(): number {
    return this.limit - this.#count;
  }

  /** Takes the next free id and marks what is awaited for it. The caller has checked `room`. */
  take(awaiting: number, message: Message | null): number {
    assert(this.#count < this.limit, 'the in-flight window is full');
    if (this.#count * 2 >= this.#capacity && this.#capacity <= PACKET_ID_MAX) this.#grow();
    while (this.#slots[this.#next & (this.#capacity - 1)] !== FREE) this.#passOver();
    const id = this.#next;
    this.#next = after(id);
    this.#put(id, awaiting, message);
    return id;
  }

  /** Takes a certain id, which is free, behind all that are out. The caller has checked `room`. */
  takeAt(id: number, awaiting: number, message: Message | null): void {
    assert(this.awaiting(id) === FREE, 'a packet id is taken once');
    while (
      this.#capacity <= PACKET_ID_MAX &&
      (this.#count * 2 >= this.#capacity || this.#slots[id & (this.#capacity - 1)] !== FREE)
    )
      this.#grow();
    if (this.#count === 0) this.#next = id;
    while (this.#next !== id) this.#passOver();
    this.#put(id, awaiting, message);
    this.#next = after(id);
  }

  /** How many ids in a row are free from `id` on, at most `max`. */
  freeFrom(id: number, max: number): number {
    let free = 0;
    for (let next = id; free < max && this.awaiting(next) === FREE; next = after(next)) free++;
    return free;
  }

  /** What is awaited for `id`: FREE when it is not out. */
  awaiting(id: number): number {
    if (this.#capacity === 0) return FREE;
    const entry = this.#slots[id & (this.#capacity - 1)]!;
    return (entry & ID_MASK) === id ? entry >>> STATE_SHIFT : FREE;
  }

  /** The message is with the client for good, but its id is still taken: PUBREC came. */
  received(id: number): void {
    assert(this.awaiting(id) === AWAIT_PUBREC, 'not awaiting PUBREC');
    const slot = id & (this.#capacity - 1);
    this.#slots[slot] = (AWAIT_PUBCOMP << STATE_SHIFT) | id;
    if (this.#keep) this.#messages[slot] = null;
  }

  release(id: number): void {
    assert(this.awaiting(id) !== FREE, 'releasing an id that is not out');
    const slot = id & (this.#capacity - 1);
    this.#slots[slot] = FREE;
    if (this.#keep) this.#messages[slot] = null;
    this.#count--;
    this.#passed?.delete(id);
  }

  /** Visits what is out, oldest first: the order in which it must be sent again [MQTT-4.6.0-1]. */
  forEach(visit: (id: number, awaiting: number, message: Message | null) => void): void {
    const one = (id: number): void => visit(id, this.awaiting(id), this.#messages[id & (this.#capacity - 1)] ?? null);
    const passed = this.#passed;
    if (passed !== null) for (const id of passed) one(id);
    let left = this.#count - (passed?.size ?? 0);
    for (let i = 0, id = this.#next; left > 0 && i < PACKET_ID_MAX; i++, id = after(id)) {
      if (this.awaiting(id) === FREE || passed?.has(id)) continue;
      left--;
      one(id);
    }
  }

  /** Puts back what another thread handed over; called oldest first on an empty window. */
  restore(id: number, awaiting: number, message: Message | null): void {
    this.takeAt(id, awaiting, message);
  }

  #passOver(): void {
    const id = this.#next;
    if (this.awaiting(id) !== FREE) {
      this.#passed ??= new Set();
      this.#passed.add(id);
    }
    this.#next = after(id);
  }

  #put(id: number, awaiting: number, message: Message | null): void {
    const slot = id & (this.#capacity - 1);
    this.#slots[slot] = (awaiting << STATE_SHIFT) | id;
    if (this.#keep) this.#messages[slot] = message;
    this.#count++;
  }

  #grow(): void {
    const capacity = Math.max(CAPACITY_MIN, this.#capacity * 2);
    const slots = new Uint32Array(capacity);
    const messages: (Message | null)[] = this.#keep ? new Array<Message | null>(capacity).fill(null) : [];
    for (let slot = 0; slot < this.#capacity; slot++) {
      const entry = this.#slots[slot]!;
      if (entry === FREE) continue;
      const to = entry & ID_MASK & (capacity - 1);
      slots[to] = entry;
      if (this.#keep) messages[to] = this.#messages[slot] ?? null;
    }
    this.#capacity = capacity;
    this.#slots = slots;
    this.#messages = messages;
  }
}

function after(id: number): number {
  return id === PACKET_ID_MAX ? 1 : id + 1;
}

const NO_SLOTS = new Uint32Array(0);
