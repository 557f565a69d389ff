/**
 * A rate limit that lets through first and asks for patience afterwards: what is spent beyond the rate is a debt, and whoever spends waits until it is paid off. So a limit
 * never cuts anything in two, and the rate holds over any time that is longer than one debt.
 *
 * Counts in thousandths, of which one second's rate is that many per millisecond: whole numbers, so whoever waits as long as told is never asked to wait for a rounding error.
 */
const PARTS = 1000;

export class TokenBucket {
  /** Thousandths per millisecond. */
  readonly #rate: number;
  readonly #burst: number;
  #parts: number;
  #filledAt: number | undefined;

  /** `burst` is what may come at once after a rest; by default what comes in a second. */
  constructor(perSecond: number, burst: number = perSecond) {
    this.#rate = perSecond;
    this.#burst = burst * PARTS;
    this.#parts = this.#burst;
  }

  /** Takes `amount` and returns for how long nothing more may be taken, milliseconds. `now` is monotonic. */
  spend(amount: number, now: number): number {
    this.#parts = this.#after(amount, now);
    this.#filledAt = now;
    return this.#waitMs(this.#parts);
  }

  /** For how long to wait so that `spend` of this does not make a debt, milliseconds. */
  delayMs(amount: number, now: number): number {
    return this.#waitMs(this.#after(amount, now));
  }

  #after(amount: number, now: number): number {
    const restedMs = now - (this.#filledAt ?? now);
    return Math.min(this.#parts + restedMs * this.#rate, this.#burst) - amount * PARTS;
  }

  #waitMs(parts: number): number {
    return parts >= 0 ? 0 : Math.ceil(-parts / this.#rate);
  }
}
