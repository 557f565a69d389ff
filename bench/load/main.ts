/**
 * The load process. One job comes over the IPC channel, one result (or failure) goes back, then the process ends: a run never
 * inherits the heap or the compiled code of the run before it.
 */
import { BenchError } from './bench-error.ts';
import { runConnect } from './connect.ts';
import { runDurable } from './durable/durable.ts';
import { runOffline } from './durable/offline.ts';
import { runFlood } from './flood.ts';
import type { FromLoad, Job, RawRun } from './job.ts';
import { runLogins } from './logins.ts';
import { runPaced } from './paced.ts';
import { runRetained } from './retained.ts';
import type { RunContext } from './run-context.ts';

function report(message: FromLoad, then?: () => void): void {
  process.send?.(message, undefined, undefined, then && ((): void => then()));
}

function runJob(job: Job, context: RunContext): Promise<RawRun> {
  switch (job.kind) {
    case 'flood':
      return runFlood(job, context);
    case 'paced':
      return runPaced(job, context);
    case 'logins':
      return runLogins(job, context);
    case 'durable':
      return runDurable(job, context);
    case 'offline':
      return runOffline(job, context);
    case 'connect':
      return runConnect(job, context);
    case 'retained':
      return runRetained(job, context);
  }
}

function finish(message: FromLoad): void {
  report(message, () => process.exit(0));
}

process.once('disconnect', () => process.exit(1));
process.once('message', (job: Job) => {
  const failed = (error: Error): void => {
    const kind = error instanceof BenchError ? error.kind : 'protocol';
    finish({ type: 'failed', kind, message: error.message });
  };
  const context: RunContext = {
    fail: failed,
    progress: (fraction, phase, perClient) => report({ type: 'progress', fraction, phase, perClient }),
  };
  runJob(job, context).then((run) => finish({ type: 'result', run }), failed);
});
report({ type: 'ready' });
