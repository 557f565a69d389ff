/**
 * What a flood of logins does to everybody else: pairs at a fixed rate are measured alone, then again while a process of its own connects, is answered and goes, so many times a second. A message is stamped when it is
 * sent: how late the generator was is a figure of its own (`sendLag`), for on a small machine the flood takes the generator's time as well.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Histogram, type HistogramSnapshot } from '../../src/base/histogram.ts';
import type { LoginsJob, RawRun } from './job.ts';
import type { LoginFigures, LoginFlood } from './login-flood.ts';
import { measurePairs } from './paced.ts';
import type { RunContext } from './run-context.ts';

const ENTRY = fileURLToPath(new URL('./login-flood.js', import.meta.url));

async function startFlood(orders: LoginFlood): Promise<ChildProcess> {
  const child = fork(ENTRY, [], { execArgv: ['--max-semi-space-size=32'], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  await once(child, 'message');
  child.send(orders);
  return child;
}

async function stopFlood(child: ChildProcess): Promise<LoginFigures> {
  const answer = once(child, 'message');
  child.send('stop');
  return (await answer)[0] as LoginFigures;
}

/** Microseconds in, milliseconds out. */
function milliseconds(snapshot: HistogramSnapshot, quantile: number): number {
  const histogram = new Histogram();
  histogram.merge(snapshot);
  return histogram.quantile(quantile) / 1000;
}

export async function runLogins(job: LoginsJob, context: RunContext): Promise<RawRun> {
  const { endpoint, level, login, isCold, connectsPerSecond } = job;
  const quiet = await measurePairs(job, context);
  const child = await startFlood({
    endpoint,
    level,
    isCold,
    perSecond: connectsPerSecond,
    ...(login === undefined ? {} : { login }),
  });
  try {
    const run = await measurePairs(job, context);
    const flood = await stopFlood(child);
    const floodSeconds = flood.begun / connectsPerSecond;
    return {
      ...run,
      facts: {
        quietP50Ms: milliseconds(quiet.latency, 0.5),
        quietP99Ms: milliseconds(quiet.latency, 0.99),
        loginsPerSecond: (flood.accepted + flood.refused) / floodSeconds,
        loginP50Ms: milliseconds(flood.latency, 0.5),
        loginP99Ms: milliseconds(flood.latency, 0.99),
        accepted: flood.accepted,
        refused: flood.refused,
        unanswered: flood.unanswered,
        floodCores: flood.cpuMicros / 1e6 / floodSeconds,
      },
    };
  } finally {
    child.kill();
  }
}
