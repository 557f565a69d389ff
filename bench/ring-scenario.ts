/** The `ring` scenario: no broker and no load process, two reactor threads of this process and one direction between them. */
import type { HistogramSnapshot } from '../src/base/histogram.ts';
import { Histogram } from '../src/base/histogram.ts';
import type { RawRun } from './load/job.ts';
import type { Params } from './scenario.ts';

export async function runRingScenario({ messages, payloadBytes, batch }: Params): Promise<RawRun> {
  // Loaded on use: the other scenarios and commands do without the runtime.
  const { runRing } = await import('./ring/ring.ts');
  const before = process.cpuUsage();
  const { seconds } = await runRing({ messages, bytes: payloadBytes, batch });
  const cpu = process.cpuUsage(before);
  const empty: HistogramSnapshot = new Histogram().snapshot();
  return {
    seconds,
    sent: messages,
    received: messages,
    delivered: messages,
    lost: 0,
    latency: empty,
    ackLatency: empty,
    sendLag: empty,
    loadCpuMicros: cpu.user + cpu.system,
    perClient: [],
  };
}
