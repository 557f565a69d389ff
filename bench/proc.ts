/** CPU time and memory of a process as Linux tells them; `undefined` where there is no /proc or the process is gone. */
import { readFileSync } from 'node:fs';

/** USER_HZ: the unit of /proc/PID/stat, fixed by the kernel's interface to user space. */
const TICKS_PER_SECOND = 100;

/** utime + stime of all threads, also of ended ones, in microseconds. `text` is /proc/PID/stat. */
export function parseCpuMicros(text: string): number | undefined {
  // The second field is the command in brackets and may hold spaces and brackets, so count from the last one.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const ticks = Number(fields[11]) + Number(fields[12]);
  return Number.isFinite(ticks) ? (ticks * 1e6) / TICKS_PER_SECOND : undefined;
}

/** Resident bytes from /proc/PID/smaps_rollup ("Rss:") or /proc/PID/status ("VmRSS:"). */
export function parseRssBytes(text: string): number | undefined {
  const line = /^(?:Rss|VmRSS):\s+(\d+) kB$/m.exec(text);
  return line === null ? undefined : Number(line[1]) * 1024;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

export function cpuMicros(pid: number): number | undefined {
  const text = read(`/proc/${pid}/stat`);
  return text === undefined ? undefined : parseCpuMicros(text);
}

export function rssBytes(pid: number): number | undefined {
  const text = read(`/proc/${pid}/smaps_rollup`) ?? read(`/proc/${pid}/status`);
  return text === undefined ? undefined : parseRssBytes(text);
}
