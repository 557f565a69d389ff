/**
 * The in-flight window towards one client: which packet ids are out and what is awaited for each, in the order they were sent.
 * Ids are handed out in sequence, so acknowledgements arrive nearly in order and the window is a ring over the id space:
 *
 *   slot = id & (capacity - 1)        capacity: 16, doubling with demand up to 65,536 (then slot = id)
 *
 *     oldest ─┐                 ┌─ next
 *     … free  │ a a r a · a a a │ free …      a awaiting PUBACK/PUBREC   r awaiting PUBCOMP   · acknowledged out of order
 *
 * A slot that a slow id still holds makes the allocator pass over the new id that would share it. Messages are kept only for sessions that may
 * be resumed (`keep`): without resumption nothing is ever sent again [MQTT-4.4.0-1], and a bare window costs 3 bytes an id.
 * Bounded by `limit`, the smaller of the client's receive maximum and the configured one.
 */
import { assert } from '../../base/assert.ts';

export const FREE = 0;
export const AWAIT_PUBACK = 1;
export const AWAIT_PUBREC = 2;
export const AWAIT_PUBCOMP = 3;

const CAPACITY_MIN = 16;
const PACKET_ID_MAX = 65_535;

export class OutboundWindow<Message> {
  /** Most ids that may be out at once. */
  limit: number;
  #keep: boolean;
  #capacity = 0;
  #states = new Uint8Array(0);
  #ids = new Uint16Array(0);
  #messages: (Message | null)[] = [];
  #count = 0;
  #next = 1;

  constructor(limit: number, keep: boolean) {
    assert(limit >= 1 && limit <= PACKET_ID_MAX, 'in-flight limit out of range');
    this.limit = limit;
    this.#keep = keep;
  }

  /** Ids that are out. */
  get count(): number {
    return this.#count;
  }

  /** How many more may go out. */
  get room(): number {
    return this.limit - this.#count;
  }

  get keepsMessages(): boolean {
    return this.#keep;
  }

  /** Takes the next free id and marks what is awaited for it. The caller has checked `room`. */
  take(awaiting: number, message: Message | null): number {
    assert(this.#count < this.limit, 'the in-flight window is full');
    if (this.#count * 2 >= this.#capacity && this.#capacity <= PACKET_ID_MAX) this.#grow();
    let id = this.#next;
    while (this.#states[id & (this.#capacity - 1)] !== FREE) id = id === PACKET_ID_MAX ? 1 : id + 1;
    this.#next = id === PACKET_ID_MAX ? 1 : id + 1;
    this.#put(id, awaiting, message);
    return id;
  }

  /** What is awaited for `id`: FREE when it is not out. */
  awaiting(id: number): number {
    if (this.#capacity === 0) return FREE;
    const slot = id & (this.#capacity - 1);
    return this.#ids[slot] === id ? this.#states[slot]! : FREE;
  }

  /** The message is with the client for good, but its id is still taken: PUBREC came. */
  received(id: number): void {
    const slot = id & (this.#capacity - 1);
    assert(this.#ids[slot] === id && this.#states[slot] === AWAIT_PUBREC, 'not awaiting PUBREC');
    this.#states[slot] = AWAIT_PUBCOMP;
    if (this.#keep) this.#messages[slot] = null;
  }

  release(id: number): void {
    const slot = id & (this.#capacity - 1);
    assert(this.#ids[slot] === id && this.#states[slot] !== FREE, 'releasing an id that is not out');
    this.#states[slot] = FREE;
    if (this.#keep) this.#messages[slot] = null;
    this.#count--;
  }

  /** Visits what is out, oldest first: the order in which it must be sent again [MQTT-4.6.0-1]. */
  forEach(visit: (id: number, awaiting: number, message: Message | null) => void): void {
    let left = this.#count;
    for (let i = 0, id = this.#next; left > 0 && i < PACKET_ID_MAX; i++, id = id === PACKET_ID_MAX ? 1 : id + 1) {
      const slot = id & (this.#capacity - 1);
      if (this.#states[slot] === FREE || this.#ids[slot] !== id) continue;
      left--;
      visit(id, this.#states[slot]!, this.#messages[slot] ?? null);
    }
  }

  /** Puts back what another thread handed over; called oldest first on an empty window. */
  restore(id: number, awaiting: number, message: Message | null): void {
    while (
      this.#capacity <= PACKET_ID_MAX &&
      (this.#count * 2 >= this.#capacity || this.#states[id & (this.#capacity - 1)] !== FREE)
    )
      this.#grow();
    assert(this.awaiting(id) === FREE, 'restoring an id twice');
    this.#put(id, awaiting, message);
    this.#next = id === PACKET_ID_MAX ? 1 : id + 1;
  }

  #put(id: number, awaiting: number, message: Message | null): void {
    const slot = id & (this.#capacity - 1);
    this.#states[slot] = awaiting;
    this.#ids[slot] = id;
    if (this.#keep) this.#messages[slot] = message;
    this.#count++;
  }

  #grow(): void {
    const capacity = Math.max(CAPACITY_MIN, this.#capacity * 2);
    const states = new Uint8Array(capacity);
    const ids = new Uint16Array(capacity);
    const messages: (Message | null)[] = this.#keep ? new Array<Message | null>(capacity).fill(null) : [];
    for (let slot = 0; slot < this.#capacity; slot++) {
      if (this.#states[slot] === FREE) continue;
      const to = this.#ids[slot]! & (capacity - 1);
      states[to] = this.#states[slot]!;
      ids[to] = this.#ids[slot]!;
      if (this.#keep) messages[to] = this.#messages[slot] ?? null;
    }
    this.#capacity = capacity;
    this.#states = states;
    this.#ids = ids;
    this.#messages = messages;
  }
}
