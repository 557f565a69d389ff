/** How long to wait before the next attempt: doubled with each failure, and anything between half of that and all, so that many who lost one peer do not return together. */
import { WIRE_BACKOFF_MAX_MS, WIRE_BACKOFF_MIN_MS } from '../base/limits.ts';

/** `failures` in a row, at least 1; `chance` in [0, 1). */
export function backoffMs(failures: number, chance: number): number {
  const whole = Math.min(WIRE_BACKOFF_MIN_MS * 2 ** Math.min(failures - 1, 30), WIRE_BACKOFF_MAX_MS);
  return whole * (0.5 + chance / 2);
}
