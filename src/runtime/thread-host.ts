/**
 * Main's side of the reactor threads: starts them, connects each pair, starts a dead one again after a back-off, gives up
 * when one dies too often, and ends them in order.
 *
 * A new incarnation gets new rings and ports to everybody, so nothing of the old one can reach it. The survivors hear, in
 * this order: `down` (the old links are drained and closed), `attach` (it can be reached), `up` (its boot is done).
 */
import { performance } from 'node:perf_hooks';
import { MessageChannel, Worker } from 'node:worker_threads';
import { assert } from '../base/assert.ts';
import { THREAD_BACKOFF_MAX_MS, THREAD_BACKOFF_MIN_MS, THREAD_RESTART_WINDOW_MS, THREAD_RESTARTS_MAX } from '../base/limits.ts';
import { allocateSlots } from '../base/probe.ts';
import { allocateDoorbell } from './doorbell.ts';
import { THREAD_MAX } from './ref.ts';
import { allocateChannel } from './ring-channel.ts';
import { RestartLog } from './supervisor.ts';
import { ThreadPlatform } from './thread-platform.ts';
import { type Birth, type FromThread, type LinkEnd, openLink, seedOf, type ToThread } from './thread-protocol.ts';
import { ThreadSystem } from './thread-system.ts';

export interface ThreadHostOptions {
  readonly node: number;
  /** Reactor threads to start, 1 … 63. */
  readonly reactors: number;
  /** URL of the compiled module with `boot(system, bootArguments)`; see worker-entry.ts. */
  readonly bootModule: string | URL;
  /** Cloned to the thread as `bootArguments`; asked again for each incarnation. */
  readonly bootArguments: (thread: number, incarnation: number) => unknown;
  /** A reactor died more than THREAD_RESTARTS_MAX times in THREAD_RESTART_WINDOW_MS. The node cannot go on. */
  readonly onGiveUp: (thread: number, error: unknown) => void;
  /** A reactor died and will be started again. */
  readonly onDeath?: (thread: number, incarnation: number, error: unknown) => void;
}

interface Reactor {
  readonly thread: number;
  readonly slots: SharedArrayBuffer;
  readonly bell: SharedArrayBuffer;
  readonly deaths: RestartLog;
  incarnation: number;
  worker: Worker | undefined;
  isUp: boolean;
  isDrained: boolean;
  lastError: unknown;
  utilization: ReturnType<typeof performance.eventLoopUtilization> | undefined;
}

const DEATHS = {
  strategy: 'oneForOne',
  restartsMax: THREAD_RESTARTS_MAX,
  windowMs: THREAD_RESTART_WINDOW_MS,
  backoffMinMs: THREAD_BACKOFF_MIN_MS,
  backoffMaxMs: THREAD_BACKOFF_MAX_MS,
} as const;

/** Starts main's own system and the reactors; resolves when all have booted, rejects with the error of one that could not. */
export async function startThreads(options: ThreadHostOptions): Promise<ThreadHost> {
  const host = new ThreadHost(options);
  try {
    await host.started;
  } catch (error) {
    await host.stop(0);
    throw error;
  }
  return host;
}

export class ThreadHost {
  readonly system: ThreadSystem;
  /** Settled when every reactor has booted once, or one failed to. */
  readonly started: Promise<void>;
  readonly #options: ThreadHostOptions;
  readonly #bell = allocateDoorbell();
  readonly #slots = allocateSlots();
  readonly #reactors: Reactor[] = [];
  /** A listening port keeps the process alive, also while a reactor waits for its restart. */
  readonly #keepAlive = new MessageChannel();
  #settleStart: { resolve: () => void; reject: (error: unknown) => void } | undefined;
  #isStopping = false;
  #changed: () => void = () => {};
  #utilization: ReturnType<typeof performance.eventLoopUtilization> | undefined;

  constructor(options: ThreadHostOptions) {
    assert(options.reactors >= 1 && options.reactors <= THREAD_MAX, 'number of reactors out of range');
    this.#options = options;
    const platform = new ThreadPlatform(this.#bell, seedOf(0, 0));
    this.system = new ThreadSystem({
      node: options.node,
      thread: 0,
      incarnation: 0,
      reactors: options.reactors,
      slots: new Float64Array(this.#slots),
      platform,
    });
    platform.connect(this.system);
    this.#keepAlive.port1.on('message', () => {});
    this.started = new Promise((resolve, reject) => {
      this.#settleStart = { resolve, reject };
    });
    for (let thread = 1; thread <= options.reactors; thread++) {
      this.#reactors.push({
        thread,
        slots: allocateSlots(),
        bell: allocateDoorbell(),
        deaths: new RestartLog(),
        incarnation: -1,
        worker: undefined,
        isUp: false,
        isDrained: false,
        lastError: undefined,
        utilization: undefined,
      });
    }
    for (const reactor of this.#reactors) this.#spawn(reactor);
  }

  /** Counters of a thread (0 = main), shared memory; the same across its incarnations. */
  slotsOf(thread: number): Float64Array {
    return thread === 0 ? this.system.slots : new Float64Array(this.#reactor(thread).slots);
  }

  incarnationOf(thread: number): number {
    return thread === 0 ? 0 : this.#reactor(thread).incarnation;
  }

  /** Event-loop utilisation of a thread, 0 … 1, since the last call for it; 0 at the first call for an incarnation and while it is dead. */
  utilization(thread: number): number {
    if (thread === 0) {
      const before = this.#utilization;
      this.#utilization = performance.eventLoopUtilization();
      return before === undefined ? 0 : performance.eventLoopUtilization(this.#utilization, before).utilization;
    }
    const reactor = this.#reactor(thread);
    if (reactor.worker === undefined) return 0;
    const before = reactor.utilization;
    reactor.utilization = reactor.worker.performance.eventLoopUtilization();
    return before === undefined ? 0 : performance.eventLoopUtilization(reactor.utilization, before).utilization;
  }

  /** Ends a reactor thread the hard way; it comes back. For tests and chaos. */
  async kill(thread: number): Promise<void> {
    await this.#reactor(thread).worker?.terminate();
  }

  /** Drains all reactors, lets them exit together, then drains main. What is left at the deadline is cut off. */
  async stop(deadlineMs: number): Promise<void> {
    this.#isStopping = true;
    const deadline = new Promise<void>((resolve) => this.system.after(deadlineMs, 0, () => resolve()));
    for (const reactor of this.#reactors) post(reactor, { type: 'drain', deadlineMs });
    await this.#until((reactor) => reactor.worker === undefined || reactor.isDrained, deadline);
    for (const reactor of this.#reactors) post(reactor, { type: 'exit' });
    await this.#until((reactor) => reactor.worker === undefined, deadline);
    await Promise.all(this.#reactors.map(({ worker }) => worker?.terminate()));
    await this.system.drain(deadlineMs);
    this.#keepAlive.port1.close();
  }

  async #until(isDone: (reactor: Reactor) => boolean, deadline: Promise<void>): Promise<void> {
    const done = new Promise<void>((resolve) => {
      this.#changed = () => {
        if (this.#reactors.every(isDone)) resolve();
      };
      this.#changed();
    });
    await Promise.race([done, deadline]);
  }

  #reactor(thread: number): Reactor {
    const reactor = this.#reactors[thread - 1];
    assert(reactor !== undefined, 'no such thread');
    return reactor;
  }

  #spawn(reactor: Reactor): void {
    reactor.incarnation++;
    const { thread, incarnation } = reactor;
    const links: LinkEnd[] = [this.#connect(reactor, 0)];
    for (const other of this.#reactors) if (other.worker !== undefined) links.push(this.#connect(reactor, other.thread));
    const birth: Birth = {
      node: this.#options.node,
      thread,
      incarnation,
      reactors: this.#options.reactors,
      slots: reactor.slots,
      bell: reactor.bell,
      links,
      bootModule: String(this.#options.bootModule),
      bootArguments: this.#options.bootArguments(thread, incarnation),
    };
    const worker = new Worker(new URL('./worker-entry.js', import.meta.url), {
      workerData: birth,
      transferList: links.map(({ port }) => port),
      name: `reactor-${thread}`,
    });
    reactor.worker = worker;
    reactor.utilization = undefined;
    worker.on('message', (message: FromThread) => {
      if (message.type === 'ready') this.#onReady(reactor);
      else reactor.isDrained = true;
      this.#changed();
    });
    worker.on('error', (error) => {
      reactor.lastError = error;
    });
    worker.on('exit', (code) =>
      this.#onExit(reactor, reactor.lastError ?? new Error(`reactor ${thread} exited with code ${code}`)),
    );
  }

  /** Gives `other` its end of a new connection to `reactor`, and returns the reactor's. */
  #connect(reactor: Reactor, other: number): LinkEnd {
    const { port1, port2 } = new MessageChannel();
    const toReactor = allocateChannel();
    const fromReactor = allocateChannel();
    const { thread, incarnation, bell } = reactor;
    const theirs: LinkEnd = { thread, incarnation, outbound: toReactor, inbound: fromReactor, port: port1, theirBell: bell };
    if (other === 0) this.system.attachLink(openLink(theirs));
    else this.#reactor(other).worker?.postMessage({ type: 'attach', link: theirs } satisfies ToThread, [port1]);
    return {
      thread: other,
      incarnation: this.incarnationOf(other),
      outbound: fromReactor,
      inbound: toReactor,
      port: port2,
      theirBell: other === 0 ? this.#bell : this.#reactor(other).bell,
    };
  }

  #onReady(reactor: Reactor): void {
    reactor.isUp = true;
    for (const other of this.#reactors) {
      if (other === reactor || !other.isUp) continue;
      post(other, { type: 'up', thread: reactor.thread });
      post(reactor, { type: 'up', thread: other.thread });
    }
    this.system.threadUp(reactor.thread);
    if (this.#reactors.every(({ isUp }) => isUp)) {
      this.#settleStart?.resolve();
      this.#settleStart = undefined;
    }
  }

  #onExit(reactor: Reactor, error: unknown): void {
    const { thread, incarnation } = reactor;
    reactor.worker = undefined;
    reactor.lastError = undefined;
    reactor.isUp = false;
    this.#changed();
    for (const other of this.#reactors) post(other, { type: 'down', thread });
    this.system.threadDown(thread);
    if (this.#isStopping) return;
    if (this.#settleStart !== undefined) {
      // A thread that cannot even boot would not do better the second time.
      this.#settleStart.reject(error);
      this.#settleStart = undefined;
      return;
    }
    const delayMs = reactor.deaths.admit(this.system.now(), DEATHS);
    if (delayMs < 0) {
      this.#options.onGiveUp(thread, error);
      return;
    }
    this.#options.onDeath?.(thread, incarnation, error);
    this.system.after(delayMs, 0, () => {
      if (!this.#isStopping) this.#spawn(reactor);
    });
  }
}

function post(reactor: Reactor, message: ToThread): void {
  reactor.worker?.postMessage(message);
}
