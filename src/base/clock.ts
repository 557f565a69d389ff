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

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/;

/** An instant as RFC 3339 writes it, with its offset, in milliseconds since 1970; undefined when it is none. */
export function parseInstant(text: string): number | undefined {
  const ms = INSTANT.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(ms) ? undefined : ms;
}
