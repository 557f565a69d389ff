/**
 * Failures of back ends in the log: the first at once, then one line per interval with how many were not written, so that a dead database does not fill the disk.
 * Only the kind of an error is written: what a driver says may hold a connection string or what a client has sent.
 */
import { FAILURE_LOG_INTERVAL_MS } from '../../base/limits.ts';
import type { Log } from '../log.ts';

export class FailureLog {
  readonly #log: Log;
  readonly #now: () => number;
  readonly #said = new Map<string, { at: number; suppressed: number }>();

  constructor(log: Log, now: () => number = () => performance.now()) {
    this.#log = log;
    this.#now = now;
  }

  report(backEnd: string, error: unknown): void {
    const said = this.#said.get(backEnd);
    const now = this.#now();
    if (said !== undefined && now - said.at < FAILURE_LOG_INTERVAL_MS) {
      said.suppressed++;
      return;
    }
    this.#said.set(backEnd, { at: now, suppressed: 0 });
    this.#log.warn({ backEnd, failure: describeFailure(error), suppressed: said?.suppressed ?? 0 }, 'a security back end failed');
  }
}

/** An error whose text was written here, so that it may be shown. */
export class BackEndError extends Error {
  override readonly name = 'BackEndError';
}

export function describeFailure(error: unknown): string {
  if (error instanceof BackEndError) return error.message;
  const code = (error as { code?: unknown } | undefined)?.code;
  if (typeof code === 'string' && /^[A-Za-z0-9_]{1,64}$/.test(code)) return code;
  return error instanceof Error ? error.name : 'error';
}
