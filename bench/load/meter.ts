/**
 * The measured window of a run: warm-up, open, measure, close. Both edges read the counters, the clock and both processes' CPU time
 * in one go, so a rate and a CPU figure speak of the same stretch of time.
 */
import { cpuMicros, rssBytes } from '../proc.ts';
import type { StampSpan } from './stamp-span.ts';

interface Counters {
  readonly sent: number;
  readonly received: number;
  readonly perClient: readonly number[];
}

export interface MeterOptions {
  readonly warmupSeconds: number;
  readonly seconds: number;
  readonly brokerPid?: number;
  /** Milliseconds, steady. */
  readonly now: () => number;
  readonly counters: () => Counters;
  /** Opened and closed at the edges: latencies count for what was sent in between. */
  readonly span: StampSpan;
  readonly progress: (fraction: number, phase: string, perClient: readonly number[]) => void;
}

export interface WindowFigures {
  readonly seconds: number;
  readonly sent: number;
  readonly received: number;
  readonly perClient: readonly number[];
  readonly brokerCpuMicros?: number;
  readonly loadCpuMicros: number;
  readonly brokerRssBytes?: number;
}

interface Edge extends Counters {
  readonly at: number;
  readonly brokerCpu: number | undefined;
  readonly loadCpu: number;
}

const PROGRESS_MS = 200;

export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

function edge(options: MeterOptions): Edge {
  const load = process.cpuUsage();
  const brokerCpu = options.brokerPid === undefined ? undefined : cpuMicros(options.brokerPid);
  return { ...options.counters(), at: options.now(), brokerCpu, loadCpu: load.user + load.system };
}

/** What happened between two edges. */
export function between(open: Edge, close: Edge): WindowFigures {
  const brokerCpu = open.brokerCpu === undefined || close.brokerCpu === undefined ? undefined : close.brokerCpu - open.brokerCpu;
  return {
    seconds: (close.at - open.at) / 1000,
    sent: close.sent - open.sent,
    received: close.received - open.received,
    perClient: close.perClient.map((count, i) => count - (open.perClient[i] ?? 0)),
    loadCpuMicros: close.loadCpu - open.loadCpu,
    ...(brokerCpu === undefined ? {} : { brokerCpuMicros: brokerCpu }),
  };
}

async function pass(options: MeterOptions, seconds: number, phase: string): Promise<void> {
  const start = options.now();
  const end = start + seconds * 1000;
  for (let now = start; now < end; now = options.now()) {
    options.progress((now - start) / (end - start), phase, options.counters().perClient);
    await sleep(Math.min(PROGRESS_MS, end - now));
  }
}

/** Runs the window over a load that is already flowing. */
export async function measure(options: MeterOptions): Promise<WindowFigures> {
  await pass(options, options.warmupSeconds, 'warm-up');
  const open = edge(options);
  options.span.open(open.at);
  await pass(options, options.seconds, 'measure');
  const close = edge(options);
  options.span.close(close.at);
  const rss = options.brokerPid === undefined ? undefined : rssBytes(options.brokerPid);
  return { ...between(open, close), ...(rss === undefined ? {} : { brokerRssBytes: rss }) };
}

/** Waits until `received` has reached `due` or has stood still for `stillMs`; returns what is missing. */
export async function drain(due: number, received: () => number, stillMs = 1500, limitMs = 60_000): Promise<number> {
  const stepMs = 25;
  let last = received();
  for (let waited = 0, still = 0; last < due && still < stillMs && waited < limitMs; waited += stepMs) {
    await sleep(stepMs);
    const current = received();
    still = current === last ? still + stepMs : 0;
    last = current;
  }
  return due - last;
}
