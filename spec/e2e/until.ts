// Waiting for a condition: asked again until it holds, with a deadline that only a defect reaches.
import { setTimeout as pause } from 'node:timers/promises';

const DEADLINE_MS = 20_000;
const INTERVAL_MS = 10;

export async function until(what: string | (() => string), isDone: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS;
  while (!(await isDone())) {
    if (performance.now() > deadline) throw new Error(`waited in vain until ${typeof what === 'string' ? what : what()}`);
    await pause(INTERVAL_MS);
  }
}

/** `promise`, or an error that says what was waited for. */
export async function within<T>(what: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited in vain for ${what}`)), DEADLINE_MS);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
