/** What main knows about its node while it runs: phase, threads, listeners. The source of health, metrics and `/api/v1`. */
import type { ThreadHost } from '../runtime/thread-host.ts';
import type { Config } from './config/schema.ts';
import type { NodeFacts, NodePhase } from './health.ts';
import type { HttpSources } from './http-server.ts';
import type { Log } from './log.ts';
import { createMetrics, type ThreadReading } from './metrics.ts';
import { ownMetrics, type ThreadVitals } from './own-metrics.ts';
import { PER_THREAD_METRICS, PROBE_TABLES } from './probes.ts';
import { VERSION } from './version.ts';

export class NodeState {
  readonly #config: Config;
  readonly #reactors: ('up' | 'down')[];
  readonly #restarts: number[];
  readonly #listeners: Record<string, string> = {};
  #phase: NodePhase = 'starting';
  #host: ThreadHost | undefined;

  constructor(config: Config, reactors: number) {
    this.#config = config;
    this.#reactors = Array.from({ length: reactors }, () => 'down');
    this.#restarts = Array.from({ length: reactors }, () => 0);
  }

  enter(phase: NodePhase): void {
    this.#phase = phase;
  }

  bound(role: string, address: string): void {
    this.#listeners[role] = address;
  }

  /** All reactors have booted; from now on their deaths and returns are followed. */
  observe(host: ThreadHost, log: Log): void {
    this.#host = host;
    this.#reactors.fill('up');
    host.system.onThreadChange((thread, state) => {
      if (thread === 0 || this.#reactors[thread - 1] === state) return;
      this.#reactors[thread - 1] = state;
      if (state === 'up') this.#restarts[thread - 1]! += 1;
      if (state === 'up') log.info({ thread }, 'reactor is back');
      else if (this.#phase === 'running') log.error({ thread }, 'reactor died');
    });
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

  sources(): Omit<HttpSources, 'describeConfig'> {
    const metrics = createMetrics({
      tables: PROBE_TABLES,
      perThread: PER_THREAD_METRICS,
      own: ownMetrics(() => this.#vitals(), this.#config.node.id),
      readThreads: () => this.#readings(),
    });
    return {
      facts: () => this.facts(),
      metrics,
      describeNode: () => this.#describe(),
      inspectActors: () => this.#inspect(),
    };
  }

  #threads(): number[] {
    return this.#host === undefined ? [] : [0, ...this.#reactors.map((_, i) => i + 1)];
  }

  #readings(): ThreadReading[] {
    const host = this.#host;
    return host === undefined ? [] : this.#threads().map((thread) => ({ thread, slots: host.slotsOf(thread) }));
  }

  #vitals(): ThreadVitals[] {
    const host = this.#host;
    if (host === undefined) return [];
    return this.#threads().map((thread) => ({
      thread,
      up: thread === 0 || this.#reactors[thread - 1] === 'up',
      utilization: host.utilization(thread),
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
      authentication: this.#config.auth.users_file === '' ? 'none' : 'users file',
      threads: this.#vitals(),
    };
  }

  async #inspect(): Promise<unknown> {
    return { threads: this.#host === undefined ? [] : [this.#host.system.inspect()] };
  }
}
