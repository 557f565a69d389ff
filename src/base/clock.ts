/**
 * The real clock: the one module that reads time and sets alarms for actors. Everything else is given a `Clock` (or a
 * context that has one), so that the simulator can put a virtual one in its place.
 */

export interface Clock {
  /** Milliseconds on a monotonic clock with an arbitrary zero. */
  now(): number;
  /** Milliseconds since the epoch. */
  wallClock(): number;
}

export const realClock: Clock = {
  now: () => performance.now(),
  wallClock: () => Date.now(),
};

/** One alarm that is moved as needed; it never keeps the process alive by itself. */
export class Alarm {
  #timer: NodeJS.Timeout | undefined;
  #atMs = Number.POSITIVE_INFINITY;
  readonly #ring: () => void;

  constructor(ring: () => void) {
    this.#ring = ring;
  }

  /** Rings once at `atMs` on the real monotonic clock, never earlier; `Infinity` disarms. A later call replaces the former. */
  set(atMs: number): void {
    if (atMs === this.#atMs) return;
    this.#atMs = atMs;
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#timer = undefined;
    if (atMs === Number.POSITIVE_INFINITY) return;
    const delayMs = Math.min(Math.max(1, Math.ceil(atMs - realClock.now())), TIMEOUT_MS_MAX);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#atMs = Number.POSITIVE_INFINITY;
      this.#ring();
    }, delayMs);
    this.#timer.unref();
  }
}

/** setTimeout takes a signed 32-bit delay; a longer one would ring at once. */
const TIMEOUT_MS_MAX = 2 ** 31 - 1;
