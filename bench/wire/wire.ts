/** A run of the wire bench: two processes on loopback, one sends, one receives; a warm-up of a tenth, then what counts. */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { BenchError } from '../load/bench-error.ts';
import type { Order, Report, WireOptions, WireRun } from './orders.ts';

const ROUND_TRIPS = 2000;
/** Young generation, MiB per half, as for the load of the other scenarios. */
const FLAGS = ['--max-semi-space-size=32'];

export interface WireResult extends WireRun {
  readonly senderCpuMicros: number;
}

class BenchProcess {
  readonly #child: ChildProcess = fork(fileURLToPath(new URL('./node-process.js', import.meta.url)), [], {
    execArgv: FLAGS,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });

  ask(order: Order): Promise<Exclude<Report, { type: 'failed' }>> {
    return new Promise((resolve, reject) => {
      const onExit = (code: number | null): void =>
        reject(new BenchError('protocol', `a process of the bench ended with ${code}`));
      this.#child.once('exit', onExit);
      this.#child.once('message', (report: Report) => {
        this.#child.off('exit', onExit);
        if (report.type === 'failed') reject(new BenchError('protocol', report.message));
        else resolve(report);
      });
      this.#child.send(order);
    });
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const gone = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.send({ type: 'stop' } satisfies Order);
    await gone;
  }
}

export async function runWire(options: WireOptions): Promise<WireResult> {
  const receiver = new BenchProcess();
  const sender = new BenchProcess();
  try {
    const there = await receiver.ask({ type: 'start', role: 'receiver', options, peerPort: 0 });
    const peerPort = there.type === 'started' ? there.port : 0;
    await sender.ask({ type: 'start', role: 'sender', options, peerPort });
    await sender.ask({ type: 'run', messages: Math.max(1, Math.floor(options.messages / 10)), roundTrips: ROUND_TRIPS / 10 });
    const done = await sender.ask({ type: 'run', messages: options.messages, roundTrips: ROUND_TRIPS });
    if (done.type !== 'done') throw new BenchError('protocol', 'the sender did not run');
    return { ...done.run, senderCpuMicros: done.cpuMicros };
  } finally {
    await Promise.all([sender.stop(), receiver.stop()]);
  }
}
