// Loaded into a node by `--import`: each of its reactor threads keeps writing how long its event loop has been held up at most, milliseconds, to a file of
// its own in the folder $LOOP_DELAY, and begins anew when that file is removed.
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { isMainThread, threadId } from 'node:worker_threads';

const RESOLUTION_MS = 1;

if (!isMainThread && process.env.LOOP_DELAY !== undefined) {
  const file = join(process.env.LOOP_DELAY, String(threadId));
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delays.enable();
  setInterval(() => {
    if (!existsSync(file)) delays.reset();
    writeFileSync(file, String(delays.max / 1e6 - RESOLUTION_MS));
  }, 100).unref();
}
