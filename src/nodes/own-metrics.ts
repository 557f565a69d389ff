/** The metrics that main knows itself: the process, and each thread as seen from outside. */
import type { OwnMetric } from './metrics.ts';
import { VERSION } from './version.ts';

export interface ThreadVitals {
  readonly thread: number;
  readonly up: boolean;
  /** Share of the last second that the event loop was busy, 0 … 1. */
  readonly utilization: number;
  readonly restarts: number;
}

/** Everything is read at the scrape. */
export function ownMetrics(readVitals: () => readonly ThreadVitals[], node: number): readonly OwnMetric[] {
  return [
    {
      name: 'sluice_node_build_info',
      kind: 'gauge',
      help: 'Always 1; the labels say what runs.',
      labelNames: ['version', 'node', 'node_js'],
      read: () => [{ labels: { version: VERSION, node: String(node), node_js: process.versions.node }, value: 1 }],
    },
    {
      name: 'sluice_node_uptime_seconds',
      kind: 'gauge',
      help: 'Time since the process started.',
      read: () => [{ value: process.uptime() }],
    },
    {
      name: 'sluice_node_resident_memory_bytes',
      kind: 'gauge',
      help: 'Resident set of the process, all threads.',
      read: () => [{ value: process.memoryUsage.rss() }],
    },
    {
      name: 'sluice_node_cpu_seconds_total',
      kind: 'counter',
      help: 'Processor time of the process, all threads.',
      labelNames: ['mode'],
      read: () => {
        const { user, system } = process.cpuUsage();
        return [
          { labels: { mode: 'user' }, value: user / 1e6 },
          { labels: { mode: 'system' }, value: system / 1e6 },
        ];
      },
    },
    {
      name: 'sluice_runtime_event_loop_utilization_ratio',
      kind: 'gauge',
      help: 'Share of the last second that a thread was busy. Thread 0 is main, the others are reactors.',
      labelNames: ['thread'],
      read: () => readVitals().map(({ thread, utilization }) => ({ labels: { thread: String(thread) }, value: utilization })),
    },
    {
      name: 'sluice_runtime_reactors_up',
      kind: 'gauge',
      help: 'Reactor threads that are running.',
      read: () => [{ value: readVitals().filter(({ thread, up }) => thread > 0 && up).length }],
    },
    {
      name: 'sluice_runtime_reactor_restarts_total',
      kind: 'counter',
      help: 'Reactor threads that died and were started again.',
      read: () => [{ value: readVitals().reduce((sum, { restarts }) => sum + restarts, 0) }],
    },
  ];
}
