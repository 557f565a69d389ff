/** What main knows about its node while it runs: phase, threads, listeners. The source of health, metrics and `/api/v1`. */
import { AskError } from '../runtime/ask-error.ts';
import { guardianRef } from '../runtime/guardian.ts';
import type { SystemInspection } from '../runtime/inspection.ts';
import type { ThreadHost } from '../runtime/thread-host.ts';
import { chainPlan } from './auth/chains.ts';
import type { Config } from './config/schema.ts';
import type { NodeFacts, NodePhase } from './health.ts';
import type { HttpSources } from './http-server.ts';
import { errorFields, type Log } from './log.ts';
import { clearGauges, createMetrics, type OwnMetric, type ThreadReading } from './metrics.ts';
import { ownMetrics, type ThreadVitals } from './own-metrics.ts';
import { PER_THREAD_METRICS, PROBE_TABLES } from './probes.ts';
import { VERSION } from './version.ts';

/** A thread that has not described itself by then is left out, milliseconds. */
const INSPECT_MS_MAX = 2000;
const UTILIZATION_INTERVAL_MS = 1000;

export class NodeState {
  readonly #config: Config;
  readonly #log: Log;
  readonly #reactors: ('up' | 'down')[];
  readonly #restarts: number[];
  /** By thread, main, reactors, services: the share of the last sampling interval that its event loop was busy. */
  readonly #utilization: number[];
  readonly #listeners: Record<string, string> = {};
  #phase: NodePhase = 'starting';
  #host: ThreadHost | undefined;

  /** @param services threads after the reactors, which are up as long as the node is. */
  constructor(config: Config, reactors: number, services: number, log: Log) {
    this.#config = config;
    this.#log = log;
    this.#reactors = Array.from({ length: reactors }, () => 'down');
    this.#restarts = Array.from({ length: reactors }, () => 0);
    this.#utilization = Array.from({ length: 1 + reactors + services }, () => 0);
  }

  enter(phase: NodePhase): void {
    this.#phase = phase;
  }

  bound(role: string, address: string): void {
    this.#listeners[role] = address;
  }

  /** All reactors have booted; from now on their deaths and returns are followed. */
  observe(host: ThreadHost): void {
    this.#host = host;
    this.#reactors.fill('up');
    // Sampled here and not by those who ask, or two scrapers would cut each other's interval short.
    this.#sampleUtilization(host);
    this.#utilization.fill(0);
    setInterval(() => this.#sampleUtilization(host), UTILIZATION_INTERVAL_MS).unref();
    host.system.onThreadChange((thread, state) => {
      if (thread === 0 || state === 'down' || this.#reactors[thread - 1] === 'up') return;
      this.#reactors[thread - 1] = 'up';
      this.#restarts[thread - 1]! += 1;
      this.#log.info({ thread, incarnation: host.incarnationOf(thread) }, 'reactor is back');
    });
  }

  #sampleUtilization(host: ThreadHost): void {
    for (const thread of this.#utilization.keys()) this.#utilization[thread] = host.utilization(thread);
  }

  /** Between the death of a reactor and its next incarnation. */
  reactorDied(thread: number, incarnation: number, error: unknown): void {
    this.#reactors[thread - 1] = 'down';
    if (this.#host !== undefined) clearGauges(PROBE_TABLES, this.#host.slotsOf(thread));
    this.#log.error({ thread, incarnation, ...errorFields(error) }, 'reactor died and is started again');
  }

  facts(): NodeFacts {
    return {
      node: this.#config.node.id,
      phase: this.#phase,
      uptimeSeconds: process.uptime(),
      reactors: this.#reactors,
      listeners: this.#listeners,
    };
  }

  sources(more: readonly OwnMetric[]): Omit<HttpSources, 'describeConfig' | 'topics' | 'groups' | 'meta'> {
    const metrics = createMetrics({
      tables: PROBE_TABLES,
      perThread: PER_THREAD_METRICS,
      own: [...ownMetrics(() => this.vitals(), this.#config.node.id), ...more],
      readThreads: () => this.readings(),
    });
    return {
      facts: () => this.facts(),
      metrics,
      describeNode: () => this.#describe(),
      inspectActors: () => this.#inspect(),
    };
  }

  /** Services included. */
  #threads(): number[] {
    return this.#host === undefined ? [] : [...this.#utilization.keys()];
  }

  readings(): ThreadReading[] {
    const host = this.#host;
    return host === undefined ? [] : this.#threads().map((thread) => ({ thread, slots: host.slotsOf(thread) }));
  }

  /** Of main and the reactors: a service that is down takes the node with it. */
  vitals(): ThreadVitals[] {
    if (this.#host === undefined) return [];
    return [0, ...this.#reactors.map((_, i) => i + 1)].map((thread) => ({
      thread,
      up: thread === 0 || this.#reactors[thread - 1] === 'up',
      utilization: this.#utilization[thread] ?? 0,
      restarts: this.#restarts[thread - 1] ?? 0,
    }));
  }

  #describe(): unknown {
    return {
      node: this.#config.node.id,
      version: VERSION,
      nodeJs: process.versions.node,
      pid: process.pid,
      phase: this.#phase,
      uptimeSeconds: process.uptime(),
      residentBytes: process.memoryUsage.rss(),
      listeners: this.#listeners,
      authentication: chainPlan(this.#config).get('') ?? [],
      threads: this.vitals(),
    };
  }

  /** Every thread answers for itself; one that is dead or too busy is named with the reason. */
  async #inspect(): Promise<unknown> {
    const system = this.#host?.system;
    if (system === undefined) return { threads: [] };
    const inspectThread = (thread: number): Promise<unknown> =>
      system
        .ask<SystemInspection>(guardianRef(system.node, thread), { type: 'inspect' }, INSPECT_MS_MAX)
        .catch((error: unknown) => ({ thread, error: error instanceof AskError ? error.failure : String(error) }));
    const others = this.#threads().slice(1).map(inspectThread);
    return { threads: [system.inspect(), ...(await Promise.all(others))] };
  }
}
