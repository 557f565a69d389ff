/**
 * The turn: the unit of work of a thread. It runs once per iteration of the event loop that had any activity:
 *
 *   clock → due timers → records from other threads → mailboxes, round-robin → publish to other threads and nodes → turn-end hooks
 *
 * Every step has a budget (src/base/limits.ts), so no step starves the next, no actor starves another, and sockets get
 * their share between turns. When work is left the next turn is asked for at once; with none the thread sleeps until
 * its doorbell, a socket or the next timer. The clock is read at the start of a turn, and again when something enters
 * from a socket after the turn has ended.
 */
import { assert } from '../base/assert.ts';
import { CELL_MESSAGES_MAX, TURN_MESSAGES_MAX, TURN_MS_MAX, TURN_RECORDS_MAX, TURN_TIMERS_MAX } from '../base/limits.ts';
import type { Cell } from './cell.ts';
import type { Drain } from './drain.ts';
import { hasWork, runCell } from './executor.ts';
import { Fifo } from './fifo.ts';
import type { Platform } from './platform.ts';
import { RUNTIME_PROBE } from './probe.ts';
import type { ThreadSystem } from './thread-system.ts';
import type { TimerWheel } from './timers.ts';

/** The most messages that pass between two looks at the clock. */
const CLOCK_EVERY_MAX = 64;
/** As long as the messages between two looks have taken no more than this, there are twice as many before the next. */
const CLOCK_QUICK_MS = 0.1;

export class TurnLoop {
  readonly #system: ThreadSystem;
  readonly #platform: Platform;
  readonly #wheel: TimerWheel;
  readonly #runQueue = new Fifo<Cell>();
  readonly #hooks: (() => void)[] = [];
  #once: (() => void)[] = [];
  #drains: Drain[] = [];
  /** The counters as the former incarnation of this thread left them: they go on from there. */
  readonly #base: Float64Array;
  #now: number;
  #isClockStale = false;
  #isRequested = false;
  #isInTurn = false;
  #isHalted = false;
  /** Until when the step in progress may take messages, real monotonic milliseconds. */
  #lateAfterMs = 0;

  constructor(system: ThreadSystem, platform: Platform, wheel: TimerWheel) {
    this.#system = system;
    this.#platform = platform;
    this.#wheel = wheel;
    this.#now = platform.now();
    this.#base = system.slots.slice();
  }

  now(): number {
    if (this.#isClockStale) this.#readClock();
    return this.#now;
  }

  request(): void {
    if (this.#isRequested || this.#isInTurn || this.#isHalted) return;
    this.#isRequested = true;
    this.#platform.scheduleTurn();
  }

  schedule(cell: Cell): void {
    if (cell.isScheduled) return;
    cell.isScheduled = true;
    this.#runQueue.push(cell);
    this.request();
  }

  atEnd(hook: () => void): void {
    this.#hooks.push(hook);
  }

  nextTurn(then: () => void): void {
    this.#once.push(then);
    this.request();
  }

  drain(drain: Drain): void {
    this.#drains.push(drain);
    this.request();
  }

  /** The thread is beyond repair: no more turns. */
  halt(): void {
    this.#isHalted = true;
  }

  turn(): void {
    if (this.#isHalted) return;
    assert(!this.#isInTurn, 'a turn within a turn');
    const system = this.#system;
    this.#platform.awake();
    this.#isRequested = false;
    this.#isInTurn = true;
    system.turns++;
    this.#readClock();
    this.#wheel.advance(this.#now, TURN_TIMERS_MAX);
    this.#lateAfterMs = this.#now + TURN_MS_MAX;
    system.records += system.links.drain(system.delivery, TURN_RECORDS_MAX, this.#isLate);
    this.#runOnce();
    system.links.serveWaiters();
    this.#pump();
    if (this.#drains.length > 0) this.#drains = this.#drains.filter((drain) => !drain.advance());
    // First, because hooks write to sockets: what a client is told must not be ahead of what other threads can see.
    this.#publish();
    for (const hook of this.#hooks) hook();
    this.#publish();
    this.#publishCounters();
    this.#isInTurn = false;
    this.#isClockStale = true;
    this.#continueOrSleep();
  }

  /**
   * Each scheduled cell in turn gets up to CELL_MESSAGES_MAX messages, then goes to the back. How often the clock is looked at follows from how long messages take: small ones are not slowed down
   * by it, and of dear ones (walks over many names take a millisecond) only one runs past the end.
   */
  #pump(): void {
    const system = this.#system;
    let clock = this.#platform.now();
    const lateAfter = clock + TURN_MS_MAX;
    let budget = TURN_MESSAGES_MAX;
    let clockEvery = 1;
    let unclocked = 0;
    for (let cell = this.#runQueue.shift(); cell !== undefined; cell = this.#runQueue.shift()) {
      cell.isScheduled = false;
      let share = Math.min(CELL_MESSAGES_MAX, budget);
      budget -= share;
      while (share > 0 && clock <= lateAfter) {
        const max = Math.min(share, clockEvery - unclocked);
        const done = runCell(system, cell, max);
        unclocked += Math.max(1, done);
        if (unclocked >= clockEvery) {
          const before = clock;
          clock = this.#platform.now();
          clockEvery = clock - before > CLOCK_QUICK_MS ? 1 : Math.min(2 * clockEvery, CLOCK_EVERY_MAX);
          unclocked = 0;
        }
        share -= done;
        if (done < max) break;
      }
      budget += share;
      if (hasWork(cell)) this.schedule(cell);
      if (budget <= 0 || clock > lateAfter || this.#isHalted) return;
    }
  }

  /** To other threads and nodes. */
  #publish(): void {
    this.#system.links.publish();
    this.#system.remote.link.publish();
  }

  #runOnce(): void {
    if (this.#once.length === 0) return;
    const once = this.#once;
    this.#once = [];
    for (const then of once) then();
  }

  #continueOrSleep(): void {
    if (this.#isHalted) return;
    if (this.#runQueue.size > 0 || this.#once.length > 0) {
      this.request();
      return;
    }
    const dueMs = this.#wheel.nextDueMs();
    if (dueMs <= this.#now) this.request();
    else this.#platform.sleep(dueMs, this.#hasWork);
  }

  readonly #hasWork = (): boolean => this.#system.links.hasWork();

  readonly #isLate = (): boolean => this.#platform.now() > this.#lateAfterMs;

  #readClock(): void {
    this.#now = this.#platform.now();
    this.#isClockStale = false;
  }

  #publishCounters(): void {
    const system = this.#system;
    const { slot } = RUNTIME_PROBE;
    const slots = system.slots;
    const base = this.#base;
    slots[slot.turns] = base[slot.turns]! + system.turns;
    slots[slot.messages] = base[slot.messages]! + system.handled;
    slots[slot.records] = base[slot.records]! + system.records;
    slots[slot.deadLetters] = base[slot.deadLetters]! + system.deadLetters.total;
    slots[slot.restarts] = base[slot.restarts]! + system.restarts;
    slots[slot.failures] = base[slot.failures]! + system.failures;
    slots[slot.asksTimedOut] = base[slot.asksTimedOut]! + system.asksTimedOut;
    slots[slot.linkRefusals] = base[slot.linkRefusals]! + system.links.refusals();
    slots[slot.actors] = system.cells.size;
    slots[slot.mailboxDepth] = system.queued;
    slots[slot.timers] = this.#wheel.size;
    slots[slot.asks] = system.asks.size;
    slots[slot.ringBytes] = system.links.inboundBytes();
  }
}
