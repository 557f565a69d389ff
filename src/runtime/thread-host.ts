/**
 * Main's side of the other threads: starts them, connects each pair, starts a dead reactor again after a back-off, gives up
 * when one dies too often, and ends them in order. Service threads (the store) have the numbers after the reactors'; they start before
 * them and end after them, and no key is placed on them. What a service holds is not made good by starting it again, so its death ends the node.
 *
 * A new incarnation gets new rings and ports to everybody, so nothing of the old one can reach it. The survivors hear, in
 * this order: `down` (the old links are drained and closed), `attach` (it can be reached), `up` (its boot is done).
 */
import { performance } from 'node:perf_hooks';
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import { assert } from '../base/assert.ts';
import { THREAD_BACKOFF_MAX_MS, THREAD_BACKOFF_MIN_MS, THREAD_RESTART_WINDOW_MS, THREAD_RESTARTS_MAX } from '../base/limits.ts';
import { allocateSlots } from '../base/probe.ts';
import { allocateDoorbell } from './doorbell.ts';
import { THREAD_MAX } from './ref.ts';
import { allocateChannel } from './ring-channel.ts';
import { RestartLog } from './supervisor.ts';
import type { ActorSystem } from './system.ts';
import { ThreadPlatform } from './thread-platform.ts';
import { type Birth, type FromThread, type LinkEnd, openLink, seedOf, type ToThread } from './thread-protocol.ts';
import { ThreadSystem } from './thread-system.ts';

export interface ThreadHostOptions {
  readonly node: number;
  /** Reactor threads to start, 1 … 63. */
  readonly reactors: number;
  /** How often the node has been started; default 0. */
  readonly boots?: number;
  /** URL of the compiled module with `boot(system, bootArguments)`; see worker-entry.ts. */
  readonly bootModule: string | URL;
  /** Cloned to the thread as `bootArguments`; asked again for each incarnation. */
  readonly bootArguments: (thread: number, incarnation: number) => unknown;
  /** Threads beside the reactors, with the numbers `reactors + 1` and on. */
  readonly services?: readonly ThreadService[];
  /** Called when the services are up; the reactors start when it is done, and not at all when it fails. */
  readonly servicesUp?: (system: ActorSystem) => Promise<void>;
  /** A reactor died more than THREAD_RESTARTS_MAX times in THREAD_RESTART_WINDOW_MS, or a service died. The node cannot go on. */
  readonly onGiveUp: (thread: number, error: unknown) => void;
  /** A reactor died and will be started again. */
  readonly onDeath?: (thread: number, incarnation: number, error: unknown) => void;
}

export interface ThreadService {
  readonly name: string;
  /** As for reactors. */
  readonly bootModule: string | URL;
  readonly bootArguments: unknown;
}

/** A reactor or a service. */
interface Thread {
  readonly thread: number;
  /** Undefined: a reactor. */
  readonly service: ThreadService | undefined;
  readonly slots: SharedArrayBuffer;
  readonly bell: SharedArrayBuffer;
  readonly deaths: RestartLog;
  incarnation: number;
  worker: Worker | undefined;
  isUp: boolean;
  isServing: boolean;
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
  /** Reactors, then services: a thread's number is its place + 1. */
  readonly #threads: Thread[] = [];
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
      boots: options.boots ?? 0,
      slots: new Float64Array(this.#slots),
      platform,
    });
    platform.connect(this.system);
    this.#keepAlive.port1.on('message', () => {});
    this.started = new Promise((resolve, reject) => {
      this.#settleStart = { resolve, reject };
    });
    const services = options.services ?? [];
    assert(options.reactors + services.length <= THREAD_MAX, 'too many threads');
    for (let thread = 1; thread <= options.reactors + services.length; thread++) {
      this.#threads.push({
        thread,
        service: services[thread - options.reactors - 1],
        slots: allocateSlots(),
        bell: allocateDoorbell(),
        deaths: new RestartLog(),
        incarnation: -1,
        worker: undefined,
        isUp: false,
        isServing: false,
        isDrained: false,
        lastError: undefined,
        utilization: undefined,
      });
    }
    for (const thread of services.length > 0 ? this.#services() : this.#threads) this.#spawn(thread);
  }

  /** Counters of a thread (0 = main), shared memory; the same across its incarnations. */
  slotsOf(thread: number): Float64Array {
    return thread === 0 ? this.system.slots : new Float64Array(this.#thread(thread).slots);
  }

  incarnationOf(thread: number): number {
    return thread === 0 ? 0 : this.#thread(thread).incarnation;
  }

  /** Event-loop utilisation of a thread, 0 … 1, since the last call for it; 0 at the first call for an incarnation and while it is dead. */
  utilization(thread: number): number {
    if (thread === 0) {
      const before = this.#utilization;
      this.#utilization = performance.eventLoopUtilization();
      return before === undefined ? 0 : performance.eventLoopUtilization(this.#utilization, before).utilization;
    }
    const reactor = this.#thread(thread);
    if (reactor.worker === undefined) return 0;
    const before = reactor.utilization;
    reactor.utilization = reactor.worker.performance.eventLoopUtilization();
    return before === undefined ? 0 : performance.eventLoopUtilization(reactor.utilization, before).utilization;
  }

  /** Ends a reactor thread the hard way; it comes back. For tests and chaos. */
  async kill(thread: number): Promise<void> {
    await this.#thread(thread).worker?.terminate();
  }

  /** Gives the end of a channel to a reactor, whose other end a guest has (see guests.ts). False: the reactor is not there, and the port is closed. */
  admitGuest(thread: number, kind: string, argument: unknown, port: MessagePort): boolean {
    const { worker, isUp } = this.#thread(thread);
    if (worker === undefined || !isUp || this.#isStopping) {
      port.close();
      return false;
    }
    worker.postMessage({ type: 'guest', kind, argument, port } satisfies ToThread, [port]);
    return true;
  }

  /** Drains all reactors, lets them exit together, does the same to the services, then drains main. What is left at the deadline is cut off. */
  async stop(deadlineMs: number): Promise<void> {
    this.#isStopping = true;
    const deadline = new Promise<void>((resolve) => this.system.after(deadlineMs, 0, () => resolve()));
    await this.#end(this.#threads.filter(isReactor), deadlineMs, deadline);
    await this.#end(this.#services(), deadlineMs, deadline);
    await this.system.drain(deadlineMs);
    this.#keepAlive.port1.close();
  }

  async #end(threads: readonly Thread[], deadlineMs: number, deadline: Promise<void>): Promise<void> {
    for (const thread of threads) post(thread, { type: 'drain', deadlineMs });
    await this.#until(threads, (thread) => thread.worker === undefined || thread.isDrained, deadline);
    for (const thread of threads) post(thread, { type: 'exit' });
    await this.#until(threads, (thread) => thread.worker === undefined, deadline);
    await Promise.all(threads.map(({ worker }) => worker?.terminate()));
  }

  async #until(threads: readonly Thread[], isDone: (thread: Thread) => boolean, deadline: Promise<void>): Promise<void> {
    const done = new Promise<void>((resolve) => {
      this.#changed = () => {
        if (threads.every(isDone)) resolve();
      };
      this.#changed();
    });
    await Promise.race([done, deadline]);
  }

  #services(): Thread[] {
    return this.#threads.filter(({ service }) => service !== undefined);
  }

  #thread(number: number): Thread {
    const thread = this.#threads[number - 1];
    assert(thread !== undefined, 'no such thread');
    return thread;
  }

  #spawn(target: Thread): void {
    target.incarnation++;
    const { thread, incarnation, service } = target;
    const links: LinkEnd[] = [this.#connect(target, 0)];
    for (const other of this.#threads) if (other.worker !== undefined) links.push(this.#connect(target, other.thread));
    const birth: Birth = {
      node: this.#options.node,
      thread,
      incarnation,
      reactors: this.#options.reactors,
      boots: this.#options.boots ?? 0,
      slots: target.slots,
      bell: target.bell,
      links,
      bootModule: String(service?.bootModule ?? this.#options.bootModule),
      bootArguments: service === undefined ? this.#options.bootArguments(thread, incarnation) : service.bootArguments,
    };
    const name = service?.name ?? `reactor-${thread}`;
    const worker = new Worker(new URL('./worker-entry.js', import.meta.url), {
      workerData: birth,
      transferList: links.map(({ port }) => port),
      name,
    });
    target.worker = worker;
    target.utilization = undefined;
    worker.on('message', (message: FromThread) => {
      if (message.type === 'booted') this.#onBooted(target);
      else if (message.type === 'serving') this.#onServing(target);
      else target.isDrained = true;
      this.#changed();
    });
    worker.on('error', (error) => {
      target.lastError = error;
    });
    worker.on('exit', (code) => this.#onExit(target, target.lastError ?? new Error(`thread ${name} exited with code ${code}`)));
  }

  /** Gives `other` its end of a new connection to `target`, and returns the target's. */
  #connect(target: Thread, other: number): LinkEnd {
    const { port1, port2 } = new MessageChannel();
    const toTarget = allocateChannel();
    const fromTarget = allocateChannel();
    const { thread, incarnation, bell } = target;
    const theirs: LinkEnd = { thread, incarnation, outbound: toTarget, inbound: fromTarget, port: port1, theirBell: bell };
    if (other === 0) this.system.attachLink(openLink(theirs));
    else this.#thread(other).worker?.postMessage({ type: 'attach', link: theirs } satisfies ToThread, [port1]);
    return {
      thread: other,
      incarnation: this.incarnationOf(other),
      outbound: fromTarget,
      inbound: toTarget,
      port: port2,
      theirBell: other === 0 ? this.#bell : this.#thread(other).bell,
    };
  }

  /** At the start nobody serves before all are there: what a client sends to one reactor may be for a session that another has yet to make again. */
  #onBooted(booted: Thread): void {
    booted.isUp = true;
    for (const other of this.#threads) {
      if (other === booted || !other.isUp) continue;
      post(other, { type: 'up', thread: booted.thread });
      post(booted, { type: 'up', thread: other.thread });
    }
    this.system.threadUp(booted.thread);
    if (booted.service !== undefined && this.#services().every(({ isUp }) => isUp)) void this.#startReactors();
    if (this.#settleStart === undefined) post(booted, { type: 'serve' });
    else if (this.#threads.every(({ isUp }) => isUp)) for (const thread of this.#threads) post(thread, { type: 'serve' });
  }

  #onServing(serving: Thread): void {
    serving.isServing = true;
    if (!this.#threads.every(({ isServing }) => isServing)) return;
    this.#settleStart?.resolve();
    this.#settleStart = undefined;
  }

  /** The services are up: reactors may count on them from their first turn. */
  async #startReactors(): Promise<void> {
    try {
      await this.#options.servicesUp?.(this.system);
    } catch (error) {
      this.#settleStart?.reject(error);
      this.#settleStart = undefined;
      return;
    }
    if (!this.#isStopping) for (const thread of this.#threads.filter(isReactor)) this.#spawn(thread);
  }

  #onExit(gone: Thread, error: unknown): void {
    const { thread, incarnation } = gone;
    gone.worker = undefined;
    gone.lastError = undefined;
    gone.isUp = false;
    gone.isServing = false;
    this.#changed();
    for (const other of this.#threads) post(other, { type: 'down', thread });
    this.system.threadDown(thread);
    if (this.#isStopping) return;
    if (this.#settleStart !== undefined) {
      // A thread that cannot even boot would not do better the second time.
      this.#settleStart.reject(error);
      this.#settleStart = undefined;
      return;
    }
    const delayMs = gone.service === undefined ? gone.deaths.admit(this.system.now(), DEATHS) : -1;
    if (delayMs < 0) {
      this.#options.onGiveUp(thread, error);
      return;
    }
    this.#options.onDeath?.(thread, incarnation, error);
    this.system.after(delayMs, 0, () => {
      if (!this.#isStopping) this.#spawn(gone);
    });
  }
}

function isReactor({ service }: Thread): boolean {
  return service === undefined;
}

function post(thread: Thread, message: ToThread): void {
  thread.worker?.postMessage(message);
}
