// Loaded into a node by `--import`: each of its reactor threads keeps writing the most CPU time that one round of its event loop has taken, milliseconds, to a
// file of its own in the folder $LOOP_DELAY, and begins anew when that file is removed. CPU time and not the clock's, so that whatever else this machine
// is doing does not count; the kernel accounts for it in ticks of some 4 ms.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isMainThread, threadId } from 'node:worker_threads';

const cpuMs = (): number => Number(readFileSync('/proc/thread-self/schedstat', 'utf8').split(' ')[0]) / 1e6;

if (!isMainThread && process.env.LOOP_DELAY !== undefined) {
  const file = join(process.env.LOOP_DELAY, String(threadId));
  let longest = 0;
  let before = cpuMs();
  const round = (): void => {
    const now = cpuMs();
    longest = Math.max(longest, now - before);
    before = now;
    setImmediate(round).unref();
  };
  setInterval(() => {
    if (!existsSync(file)) longest = 0;
    writeFileSync(file, String(longest));
  }, 100).unref();
  round();
}
