/**
 * Asks under way on this thread, by correlation number. Each is settled once: by the reply, a refusal (`mailbox_full`,
 * `not_found`, `failed`), its deadline, or the death of the target's thread; whatever comes later is a dead letter.
 * Settlements run in the asker's turn by way of its mailbox, time-outs straight from the wheel.
 */
import { ASKS_MAX } from '../base/limits.ts';
import type { AskContinuation, AskFailure } from './actor.ts';
import { type Cell, STATE } from './cell.ts';
import { runContinuation } from './executor.ts';
import { type ActorRef, NOBODY, nodeOf, threadOf } from './ref.ts';
import type { ThreadSystem } from './thread-system.ts';
import type { TimerEntry } from './timers.ts';

interface PendingAsk {
  readonly asker: Cell;
  readonly target: ActorRef;
  readonly then: AskContinuation<unknown>;
  readonly timer: TimerEntry;
}

export class Asks {
  readonly #system: ThreadSystem;
  readonly #pending = new Map<number, PendingAsk>();
  #correlation = 0;

  constructor(system: ThreadSystem) {
    this.#system = system;
  }

  get size(): number {
    return this.#pending.size;
  }

  ask(asker: Cell, target: ActorRef, message: unknown, deadlineMs: number, then: AskContinuation<unknown>): void {
    const correlation = this.#nextCorrelation();
    const timer = this.#system.after(deadlineMs, correlation, this.#onTimeout);
    this.#pending.set(correlation, { asker, target, then, timer });
    (asker.asks ??= new Set()).add(correlation);
    if (this.#pending.size > ASKS_MAX) this.#system.delivery.refuse(asker.self, correlation, target, 'mailbox_full');
    else this.#system.delivery.ask(target, asker.self, correlation, message);
  }

  /** In the asker's turn. */
  settle(asker: Cell, correlation: number, reply: unknown, failure: AskFailure | undefined): void {
    const pending = this.#pending.get(correlation);
    if (pending === undefined || pending.asker !== asker) {
      this.#system.dead(asker.self, NOBODY, 'too_late', 'reply');
      return;
    }
    this.#remove(correlation, pending);
    if (asker.state === STATE.running) runContinuation(this.#system, asker, pending.then, reply, failure);
  }

  /** The asker's instance is gone; nobody waits any more. */
  forgetAll(asker: Cell): void {
    if (asker.asks === null) return;
    for (const correlation of asker.asks) {
      const pending = this.#pending.get(correlation);
      if (pending === undefined) continue;
      this.#system.cancelAlarm(pending.timer);
      this.#pending.delete(correlation);
    }
    asker.asks = null;
  }

  threadDied(thread: number): void {
    const { node } = this.#system;
    this.lost((ref) => nodeOf(ref) === node && threadOf(ref) === thread);
  }

  /** Those who were asked there are not sure to answer. */
  lost(isThere: (ref: ActorRef) => boolean): void {
    for (const [correlation, { asker, target }] of this.#pending) {
      if (isThere(target)) this.#system.delivery.refuse(asker.self, correlation, target, 'unreachable');
    }
  }

  readonly #onTimeout = (timer: TimerEntry): void => {
    const pending = this.#pending.get(timer.key);
    if (pending === undefined) return;
    this.#system.asksTimedOut++;
    this.settle(pending.asker, timer.key, undefined, 'timeout');
  };

  #remove(correlation: number, pending: PendingAsk): void {
    this.#system.cancelAlarm(pending.timer);
    this.#pending.delete(correlation);
    pending.asker.asks?.delete(correlation);
    if (pending.asker.asks?.size === 0) pending.asker.asks = null;
  }

  /** 1 … 2^32 - 1, skipping those still under way; 0 means no ask. */
  #nextCorrelation(): number {
    do {
      this.#correlation = (this.#correlation + 1) % 2 ** 32;
    } while (this.#correlation === 0 || this.#pending.has(this.#correlation));
    return this.#correlation;
  }
}
