/**
 * Decides when a client that does not keep up may hold its publishers back, and when it has lost that right. Pure.
 *
 *   at ease ──backlog above high──▶ pressing ──backlog below low──▶ at ease
 *                                      │ for SLOW_GRACE_MS
 *                                      ▼
 *                                    slow: presses nobody for SLOW_PENALTY_MS; its QoS 0 messages are dropped at the bound instead
 *
 * So a burst loses nothing, a subscriber that reads steadily sets the pace of those who publish to it, and one that has stopped reading costs them at most
 * SLOW_GRACE_MS in every SLOW_PENALTY_MS.
 */
import { SLOW_GRACE_MS, SLOW_PENALTY_MS } from '../../base/limits.ts';
import { PressureSource } from '../router/pressure.ts';

export class Slowness {
  readonly source: PressureSource = new PressureSource();
  #pressing = false;
  #pressingSince = 0;
  #watched = false;
  #slowUntil = 0;

  get pressing(): boolean {
    return this.#pressing;
  }

  /** The backlog is above the high mark. 'watch': press, and call `check` in SLOW_GRACE_MS; 'press': press; 'slow': it has lost that right. */
  above(now: number): 'watch' | 'press' | 'slow' {
    if (now < this.#slowUntil) return 'slow';
    if (!this.#pressing) {
      this.#pressing = true;
      this.#pressingSince = now;
    }
    if (this.#watched) return 'press';
    this.#watched = true;
    return 'watch';
  }

  /** The backlog is below the low mark. */
  below(): void {
    if (!this.#pressing) return;
    this.#pressing = false;
    this.source.relieve();
  }

  /** Judges whether it has pressed too long. Returns after how many milliseconds to check again, 0 for not at all. */
  check(now: number): number {
    this.#watched = false;
    if (!this.#pressing) return 0;
    const leftMs = this.#pressingSince + SLOW_GRACE_MS - now;
    if (leftMs > 0) {
      this.#watched = true;
      return leftMs;
    }
    this.#slowUntil = this.#pressingSince + SLOW_PENALTY_MS;
    this.below();
    return 0;
  }
}
