/**
 * The plugin of a node, on main: starts its thread, ends it when it hangs or never gets ready, starts it again after a pause that doubles, and gives every reactor a
 * channel to it. What reactors do while it is away is theirs to say (actors/plugin/gate.ts).
 */
import { pathToFileURL } from 'node:url';
import { MessageChannel, Worker } from 'node:worker_threads';
import type { GateOptions } from '../../actors/plugin/gate.ts';
import type { AskedHook, ToldHook } from '../../actors/plugin/hooks.ts';
import { SluiceError } from '../../base/errors.ts';
import type { ActorSystem } from '../../runtime/system.ts';
import type { AdmitGuest } from '../bridge/bridges.ts';
import type { Config } from '../config/schema.ts';
import type { Log } from '../log.ts';
import type { OwnMetric } from '../metrics.ts';
import { type FromPlugin, PLUGIN_GUEST, type PluginBirth, type ToPlugin } from './messages.ts';

/** For the module to be loaded, and between two looks at whether the thread still runs, milliseconds. */
const READY_MS_MAX = 10_000;
const PING_MS = 500;
const RESTART_MS_MIN = 500;
const RESTART_MS_MAX = 30_000;
/** A thread that has run for so long starts again at once. */
const SOUND_MS = 60_000;

export class PluginHost {
  readonly #settings: Config['plugin'];
  readonly #birth: PluginBirth;
  readonly #log: Log;
  #hooks: readonly (AskedHook | ToldHook)[] = [];
  #worker: Worker | undefined;
  #system: ActorSystem | undefined;
  #admit: AdmitGuest = () => false;
  #pinger: NodeJS.Timeout | undefined;
  #restarter: NodeJS.Timeout | undefined;
  #pauseMs = RESTART_MS_MIN;
  #restarts = 0;
  #isStopped = false;

  private constructor(config: Config, log: Log) {
    this.#settings = config.plugin;
    this.#log = log;
    const { module, settings } = config.plugin;
    this.#birth = { module: String(pathToFileURL(module)), settings, logLevel: config.log.level, node: config.node.id };
  }

  /** Undefined: there is no plugin. Rejects with SLUICE_PLUGIN_LOAD when it cannot be loaded. */
  static async load(config: Config, log: Log): Promise<PluginHost | undefined> {
    if (config.plugin.module === '') return undefined;
    const host = new PluginHost(config, log);
    try {
      await host.#start();
    } catch (error) {
      host.stop();
      throw new SluiceError(
        'SLUICE_PLUGIN_LOAD',
        `plugin.module = ${config.plugin.module}: ${(error as Error).message.split('\n')[0]}`,
      );
    }
    return host;
  }

  /** For reactors. */
  get gateOptions(): GateOptions {
    const { publish_filters: publishFilters, timeout_ms: timeoutMs, fail_open: failOpen } = this.#settings;
    return { hooks: this.#hooks, publishFilters, timeoutMs, failOpen };
  }

  /** The reactors run. */
  attach(system: ActorSystem, admit: AdmitGuest): void {
    this.#system = system;
    this.#admit = admit;
    system.onThreadChange((thread, state) => {
      if (state === 'up' && thread > 0 && thread <= system.reactors) this.#connect(thread);
    });
    this.#connectAll();
  }

  stop(): void {
    this.#isStopped = true;
    clearInterval(this.#pinger);
    clearTimeout(this.#restarter);
    void this.#worker?.terminate();
  }

  metrics(): readonly OwnMetric[] {
    return [
      {
        name: 'sluice_plugin_up',
        kind: 'gauge',
        help: 'Whether the thread of the plugin runs.',
        read: () => [{ value: this.#worker === undefined ? 0 : 1 }],
      },
      {
        name: 'sluice_plugin_restarts_total',
        kind: 'counter',
        help: 'How often the thread of the plugin has ended and been started again.',
        read: () => [{ value: this.#restarts }],
      },
    ];
  }

  /** Resolves when the module is loaded, rejects when it cannot be. */
  #start(): Promise<void> {
    const worker = new Worker(new URL('./plugin-thread.js', import.meta.url), {
      workerData: this.#birth,
      name: 'plugin',
      resourceLimits: { maxOldGenerationSizeMb: this.#settings.memory_mb },
    });
    return new Promise((resolve, reject) => {
      let isReady = false;
      const startedAt = performance.now();
      const timer = setTimeout(() => {
        reject(new Error(`it was not ready within ${READY_MS_MAX} ms`));
        void worker.terminate();
      }, READY_MS_MAX);
      worker.on('message', (message: FromPlugin) => {
        if (message.type !== 'ready') return this.#pong();
        clearTimeout(timer);
        isReady = true;
        // The hooks of a node are those that it started with: reactors have been told.
        if (this.#system === undefined) this.#hooks = message.hooks;
        this.#worker = worker;
        this.#ping(worker);
        this.#connectAll();
        resolve();
      });
      let failure: Error | undefined;
      worker.on('error', (error) => {
        failure = error;
      });
      worker.on('exit', (code) => {
        clearTimeout(timer);
        const error = failure ?? new Error(`it has ended the thread with code ${code}`);
        if (isReady) this.#ended(error, performance.now() - startedAt);
        else reject(error);
      });
    });
  }

  #ended(error: Error, ranMs: number): void {
    this.#worker = undefined;
    clearInterval(this.#pinger);
    if (this.#isStopped) return;
    this.#log.error({ error: error.message }, 'the thread of the plugin has ended');
    if (ranMs > SOUND_MS) this.#pauseMs = RESTART_MS_MIN;
    this.#restartLater();
  }

  #restartLater(): void {
    const pauseMs = this.#pauseMs;
    this.#pauseMs = Math.min(2 * pauseMs, RESTART_MS_MAX);
    this.#restarter = setTimeout(() => {
      this.#restarts++;
      this.#start().catch((error: unknown) => {
        if (this.#isStopped) return;
        this.#log.error({ error: (error as Error).message }, 'the plugin could not be started again');
        this.#restartLater();
      });
    }, pauseMs);
  }

  #isAnswered = true;
  #silentMs = 0;

  #ping(worker: Worker): void {
    this.#isAnswered = true;
    this.#silentMs = 0;
    clearInterval(this.#pinger);
    this.#pinger = setInterval(() => {
      this.#silentMs = this.#isAnswered ? 0 : this.#silentMs + PING_MS;
      if (this.#silentMs >= this.#settings.hang_ms) {
        this.#log.error({ silentMs: this.#silentMs }, 'the plugin blocks its thread, which is ended');
        clearInterval(this.#pinger);
        void worker.terminate();
        return;
      }
      if (!this.#isAnswered) return;
      this.#isAnswered = false;
      worker.postMessage({ type: 'ping' } satisfies ToPlugin);
    }, PING_MS);
    this.#pinger.unref();
  }

  #pong(): void {
    this.#isAnswered = true;
  }

  #connectAll(): void {
    for (let thread = 1; thread <= (this.#system?.reactors ?? 0); thread++) this.#connect(thread);
  }

  #connect(thread: number): void {
    const worker = this.#worker;
    if (worker === undefined || this.#isStopped) return;
    const { port1, port2 } = new MessageChannel();
    if (this.#admit(thread, PLUGIN_GUEST, undefined, port1))
      worker.postMessage({ type: 'port', port: port2 } satisfies ToPlugin, [port2]);
    else port2.close();
  }
}
