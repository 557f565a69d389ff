/**
 * A rate limit that lets through first and asks for patience afterwards: what is spent beyond the rate is a debt, and whoever spends waits until it is paid off. So a limit
 * never cuts anything in two, and the rate holds over any time that is longer than one debt.
 */
export class TokenBucket {
  readonly #perMs: number;
  readonly #burst: number;
  #tokens: number;
  #filledAt: number | undefined;

  /** `burst` is what may come at once after a rest; by default what comes in a second. */
  constructor(perSecond: number, burst: number = perSecond) {
    this.#perMs = perSecond / 1000;
    this.#burst = burst;
    this.#tokens = burst;
  }

  /** Takes `amount` and returns for how long nothing more may be taken, milliseconds. `now` is monotonic. */
  spend(amount: number, now: number): number {
    const rested = now - (this.#filledAt ?? now);
    this.#filledAt = now;
    this.#tokens = Math.min(this.#tokens + rested * this.#perMs, this.#burst) - amount;
    return this.#tokens >= 0 ? 0 : Math.ceil(-this.#tokens / this.#perMs);
  }

  /** For how long to wait so that `spend` of this does not make a debt, milliseconds. */
  delayMs(amount: number, now: number): number {
    const tokens = Math.min(this.#tokens + (now - (this.#filledAt ?? now)) * this.#perMs, this.#burst) - amount;
    return tokens >= 0 ? 0 : Math.ceil(-tokens / this.#perMs);
  }
}
