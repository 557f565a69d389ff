/**
 * A hierarchical timer wheel: O(1) to start, cancel and fire, whatever the number of timers. Pure: time comes in as an
 * argument, due timers go out through their action.
 *
 *   level 0: 256 buckets of 1 tick        (2.56 s at 10 ms)      a timer due in less than 256 ticks
 *   level 1:  64 buckets of 256 ticks     (164 s)                moves down when its block begins
 *   level 2:  64 buckets of 2^14 ticks    (2.9 h)
 *   level 3:  64 buckets of 2^20 ticks    (7.8 d)                farther ones wait in the last bucket and go round again
 *
 * Buckets are circular lists with a sentinel, so timers of one tick fire in the order in which they were started.
 */
import { TIMER_TICK_MS } from '../base/limits.ts';
import type { TimerHandle } from './actor.ts';

export type TimerAction = (entry: TimerEntry) => void;

const BOTTOM_BITS = 8;
const BOTTOM = 1 << BOTTOM_BITS;
const UPPER_BITS = 6;
const UPPER = 1 << UPPER_BITS;
const LEVELS = 4;
const SPAN_TICKS = 2 ** (BOTTOM_BITS + UPPER_BITS * (LEVELS - 1));

export class TimerEntry implements TimerHandle {
  readonly key: number;
  readonly owner: unknown;
  readonly action: TimerAction;
  dueTick = 0;
  level = 0;
  /** Neighbours in the bucket; null when not pending. */
  next: TimerEntry | null = null;
  previous: TimerEntry | null = null;
  /** Neighbours among the timers of one owner, kept by the owner. */
  nextOfOwner: TimerEntry | null = null;
  previousOfOwner: TimerEntry | null = null;

  constructor(key: number, owner: unknown, action: TimerAction) {
    this.key = key;
    this.owner = owner;
    this.action = action;
  }

  get isPending(): boolean {
    return this.next !== null;
  }
}

export class TimerWheel {
  readonly #buckets: TimerEntry[];
  readonly #firing: TimerEntry = sentinel();
  #tick: number;
  #size = 0;
  #above = 0;
  /** No timer is due, and none moves down, before this tick; what lies in the past is not known. */
  #nextTick = 0;

  constructor(nowMs: number) {
    this.#buckets = Array.from({ length: BOTTOM + UPPER * (LEVELS - 1) }, sentinel);
    this.#tick = Math.floor(nowMs / TIMER_TICK_MS);
  }

  /** Timers pending. */
  get size(): number {
    return this.#size;
  }

  /** Never fires before `nowMs + delayMs`; at most one tick and the turn in progress later. */
  start(nowMs: number, delayMs: number, key: number, owner: unknown, action: TimerAction): TimerEntry {
    const entry = new TimerEntry(key, owner, action);
    entry.dueTick = Math.max(Math.ceil((nowMs + Math.max(0, delayMs)) / TIMER_TICK_MS), this.#tick + 1);
    this.#place(entry);
    this.#size++;
    return entry;
  }

  cancel(entry: TimerEntry): void {
    if (!entry.isPending) return;
    this.#unlink(entry);
    this.#size--;
  }

  /** Fires what is due, at most `max` timers. Returns how many; `nextDueMs()` tells whether some had to stay. */
  advance(nowMs: number, max: number): number {
    const target = Math.floor(nowMs / TIMER_TICK_MS);
    let fired = this.#fire(max);
    while (this.#tick < target && fired < max) {
      if (this.#size === 0) {
        this.#tick = target;
        break;
      }
      this.#tick++;
      if (this.#tick % BOTTOM === 0) this.#cascade();
      splice(this.#buckets[this.#tick % BOTTOM]!, this.#firing);
      fired += this.#fire(max - fired);
    }
    return fired;
  }

  /** When to call `advance` next: the first due timer, or an earlier moment at which timers move down a level or a timer was that is cancelled. */
  nextDueMs(): number {
    if (this.#size === 0) return Number.POSITIVE_INFINITY;
    if (this.#firing.next !== this.#firing) return 0;
    if (this.#nextTick <= this.#tick) this.#nextTick = this.#findNextTick();
    return this.#nextTick * TIMER_TICK_MS;
  }

  #findNextTick(): number {
    const turnover = this.#turnover();
    for (let tick = this.#tick + 1; tick <= this.#tick + BOTTOM; tick++) {
      if (tick === turnover && this.#above > 0) break;
      const bucket = this.#buckets[tick % BOTTOM]!;
      if (bucket.next !== bucket) return tick;
    }
    return turnover;
  }

  /** The tick at which the next block begins and timers move down. */
  #turnover(): number {
    return (Math.floor(this.#tick / BOTTOM) + 1) * BOTTOM;
  }

  #fire(max: number): number {
    let fired = 0;
    while (fired < max) {
      const entry = this.#firing.next!;
      if (entry === this.#firing) break;
      this.#unlink(entry);
      this.#size--;
      fired++;
      entry.action(entry);
    }
    return fired;
  }

  #place(entry: TimerEntry): void {
    const distance = Math.min(entry.dueTick - this.#tick, SPAN_TICKS - 1);
    const tick = this.#tick + distance;
    let level = 0;
    let bits = BOTTOM_BITS;
    while (distance >= 2 ** bits) {
      level++;
      bits += UPPER_BITS;
    }
    entry.level = level;
    if (level > 0) this.#above++;
    this.#nextTick = Math.min(this.#nextTick, level > 0 ? this.#turnover() : tick);
    append(this.#buckets[bucketIndex(level, tick)]!, entry);
  }

  /** At the start of a block of 256 ticks its timers move down, and likewise one level up when that one wraps. */
  #cascade(): void {
    for (let level = 1; level < LEVELS; level++) {
      const bucket = this.#buckets[bucketIndex(level, this.#tick)]!;
      const moving = sentinel();
      splice(bucket, moving);
      for (let entry = moving.next!; entry !== moving; entry = moving.next!) {
        this.#unlink(entry);
        if (entry.dueTick <= this.#tick) append(this.#buckets[this.#tick % BOTTOM]!, relevel(entry));
        else this.#place(entry);
      }
      if (Math.floor(this.#tick / 2 ** (BOTTOM_BITS + UPPER_BITS * (level - 1))) % UPPER !== 0) return;
    }
  }

  #unlink(entry: TimerEntry): void {
    if (entry.level > 0) this.#above--;
    entry.previous!.next = entry.next;
    entry.next!.previous = entry.previous;
    entry.next = null;
    entry.previous = null;
  }
}

function bucketIndex(level: number, tick: number): number {
  if (level === 0) return tick % BOTTOM;
  return BOTTOM + UPPER * (level - 1) + (Math.floor(tick / 2 ** (BOTTOM_BITS + UPPER_BITS * (level - 1))) % UPPER);
}

function relevel(entry: TimerEntry): TimerEntry {
  entry.level = 0;
  return entry;
}

function sentinel(): TimerEntry {
  const entry = new TimerEntry(0, undefined, () => {});
  entry.next = entry;
  entry.previous = entry;
  return entry;
}

function append(bucket: TimerEntry, entry: TimerEntry): void {
  entry.previous = bucket.previous;
  entry.next = bucket;
  bucket.previous!.next = entry;
  bucket.previous = entry;
}

/** Moves all of `from` behind `to`. */
function splice(from: TimerEntry, to: TimerEntry): void {
  if (from.next === from) return;
  const first = from.next!;
  const last = from.previous!;
  first.previous = to.previous;
  to.previous!.next = first;
  last.next = to;
  to.previous = last;
  from.next = from;
  from.previous = from;
}
