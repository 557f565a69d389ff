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
  #slowUntil = 0;

  get pressing(): boolean {
    return this.#pressing;
  }

  /** The backlog is above the high mark. 'begin': press from now on, and call `graceOver` in SLOW_GRACE_MS; 'on': still pressing; 'slow': not its right. */
  above(now: number): 'begin' | 'on' | 'slow' {
    if (now < this.#slowUntil) return 'slow';
    if (this.#pressing) return 'on';
    this.#pressing = true;
    return 'begin';
  }

  /** The backlog is below the low mark. */
  below(): void {
    if (!this.#pressing) return;
    this.#pressing = false;
    this.source.relieve();
  }

  /** SLOW_GRACE_MS have passed since 'begin'. */
  graceOver(now: number): void {
    if (!this.#pressing) return;
    this.#slowUntil = now + SLOW_PENALTY_MS - SLOW_GRACE_MS;
    this.below();
  }
}
