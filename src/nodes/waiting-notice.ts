/** A start that waits for something says so, from time to time, for as long as it lasts. */
import type { Log } from './log.ts';

export interface Awaited {
  /** What operators call it. */
  readonly what: string;
  readonly promise: Promise<unknown>;
}

/** Resolves when all have, or `signal` is aborted. Every `everyMs` until then the log has a warning with `code` and what is missing. */
export async function untilAll(
  awaited: readonly Awaited[],
  { log, code, message, everyMs, signal }: { log: Log; code: string; message: string; everyMs: number; signal: AbortSignal },
): Promise<void> {
  const missing = new Set(awaited.map(({ what }) => what));
  const notice = setInterval(() => log.warn({ code, waitsFor: [...missing] }, message), everyMs);
  const aborted = new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
  const all = Promise.all(awaited.map(({ what, promise }) => promise.then(() => missing.delete(what))));
  try {
    await Promise.race([all, aborted]);
  } finally {
    clearInterval(notice);
  }
}
