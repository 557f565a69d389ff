/**
 * One thread's connection to another: an outlet, an inlet, and what waits for room in the outlet.
 *
 * A full outlet refuses raw bytes (their sender holds back its source and asks `whenWritable`). Tells wait in a bounded
 * overflow; replies and watch notices, which may not be lost, in the same one with a far larger bound. Order is kept: as
 * long as something waits, everything else queues behind it or is refused.
 */
import { assert } from '../base/assert.ts';
import { cloneBytes } from '../base/bytes.ts';
import { LINK_OVERFLOW_MAX, LINK_OVERFLOW_SYSTEM_MAX } from '../base/limits.ts';
import type { Inlet, Outlet } from './channel.ts';
import { isSettlement, isSystem, RECORD } from './envelope.ts';
import { Fifo } from './fifo.ts';
import type { ActorRef } from './ref.ts';

interface Waiting {
  readonly type: number;
  readonly kind: number;
  readonly target: ActorRef;
  readonly sender: ActorRef;
  readonly correlation: number;
  readonly bytes: Uint8Array;
}

export class Link {
  readonly thread: number;
  readonly incarnation: number;
  readonly outlet: Outlet;
  readonly inlet: Inlet;
  /** Not drained while true, so that its writer is pushed back. */
  isHeld = false;
  /** Writes refused for want of room. */
  refusals = 0;
  readonly #overflow = new Fifo<Waiting>();
  #waiters: (() => void)[] = [];

  constructor(thread: number, incarnation: number, outlet: Outlet, inlet: Inlet) {
    this.thread = thread;
    this.incarnation = incarnation;
    this.outlet = outlet;
    this.inlet = inlet;
  }

  get overflow(): number {
    return this.#overflow.size;
  }

  /** False when refused; `bytes` may be reused after the call. */
  send(
    type: number,
    kind: number,
    target: ActorRef,
    sender: ActorRef,
    correlation: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): boolean {
    if (this.#overflow.size === 0 && this.outlet.write(type, kind, target, sender, correlation, bytes, start, end)) return true;
    const mustArrive = isSystem(type) || isSettlement(type);
    if (type === RECORD.bytes || (!mustArrive && this.#overflow.size >= LINK_OVERFLOW_MAX)) {
      this.refusals++;
      return false;
    }
    assert(this.#overflow.size < LINK_OVERFLOW_SYSTEM_MAX, 'link overflow: the other thread takes nothing');
    this.#overflow.push({ type, kind, target, sender, correlation, bytes: cloneBytes(bytes, start, end) });
    return true;
  }

  /** At the end of a turn: what waited goes first, then everything becomes visible. */
  publish(): void {
    do this.#flushOverflow();
    while (this.#overflow.size > 0 && this.outlet.askWritable());
    this.outlet.publish();
  }

  #flushOverflow(): void {
    for (let next = this.#overflow.peek(); next !== undefined; next = this.#overflow.peek()) {
      const { type, kind, target, sender, correlation, bytes } = next;
      if (!this.outlet.write(type, kind, target, sender, correlation, bytes, 0, bytes.length)) return;
      this.#overflow.shift();
    }
  }

  /** Calls `then` once, at the start of a turn in which half of the outlet is free, or when the link ends. */
  whenWritable(then: () => void): void {
    this.#waiters.push(then);
  }

  /** At the start of a turn: what the waiters write is published at its end. */
  serveWaiters(): void {
    if (this.#waiters.length > 0 && this.#overflow.size === 0 && this.outlet.askWritable()) this.#callWaiters();
  }

  /**
   * Something waits for room and there is room. When not, the reader will wake this thread; so this is asked again after
   * the thread has said that it sleeps: a reader that freed the room before that did not find a sleeper to wake.
   */
  canProceed(): boolean {
    return (this.#waiters.length > 0 || this.#overflow.size > 0) && this.outlet.askWritable();
  }

  close(): void {
    this.outlet.close();
    this.inlet.close();
    this.#callWaiters();
  }

  #callWaiters(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const then of waiters) then();
  }
}
