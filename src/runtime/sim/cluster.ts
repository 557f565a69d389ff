/**
 * A whole node in one OS thread: the same systems and actors under a virtual clock, a seeded scheduler and seeded links.
 * Everything that may differ between two runs of a real node (which thread runs first, how long a turn or a message
 * takes, chance itself) is drawn from one generator, so a seed is a run: same seed, same trace hash, in any process.
 */
import { RING_BYTES } from '../../base/limits.ts';
import { Prng } from '../../base/prng.ts';
import { allocateSlots } from '../../base/probe.ts';
import { Link } from '../link.ts';
import type { Platform } from '../platform.ts';
import type { ActorSystem } from '../system.ts';
import { ThreadSystem } from '../thread-system.ts';
import { SimPipe } from './channel.ts';
import type { TraceHash } from './trace-hash.ts';
import { SimWorld } from './world.ts';

export interface SimOptions {
  /** Threads 0 … threads - 1; thread 0 stands for main, the others are reactors, and the last ones services. */
  readonly threads: number;
  /** How many of them are services; default 0. They are booted before the reactors. */
  readonly services?: number;
  readonly seed: number;
  readonly node?: number;
  /** How often the node has been started; default 0. */
  readonly boots?: number;
  /** Time, chance and events of a simulation that has more in it than this node; `seed` is then not used. */
  readonly world?: SimWorld;
  /** A thread's system is there, before its actors; and a thread has died. */
  readonly onThread?: (system: ThreadSystem, state: 'born' | 'dead') => void;
  /** Starts the actors of a thread's incarnation. */
  readonly boot: (system: ActorSystem) => void;
  /** Delay of a message between threads, milliseconds; default 0.005 … 0.5. */
  readonly delayMinMs?: number;
  readonly delayMaxMs?: number;
  /** Bytes that one link takes before it is full. */
  readonly linkBytes?: number;
}

interface SimThread {
  readonly thread: number;
  readonly slots: Float64Array;
  incarnation: number;
  /** Undefined while dead. */
  system: ThreadSystem | undefined;
}

/** Where virtual wall-clock time begins: 2024-01-01T00:00:00Z. */
const EPOCH_MS = 1_704_067_200_000;
const TURN_MIN_MS = 0.002;
const TURN_MAX_MS = 0.2;

export class SimCluster {
  readonly world: SimWorld;
  /** Errors that came out of a root guardian; their thread is dead. */
  readonly failures: { readonly thread: number; readonly error: unknown }[] = [];
  readonly #options: SimOptions;
  readonly #threads: SimThread[] = [];

  constructor(options: SimOptions) {
    this.#options = options;
    this.world = options.world ?? new SimWorld(options.seed);
    for (let thread = 0; thread < options.threads; thread++) {
      this.#threads.push({ thread, slots: new Float64Array(allocateSlots()), incarnation: -1, system: undefined });
    }
    const reactors = this.#reactors;
    const order = [...this.#threads].sort((a, b) => rank(a.thread) - rank(b.thread));
    for (const thread of order) this.#start(thread);

    function rank(thread: number): number {
      if (thread === 0) return 0;
      return thread > reactors ? 1 : 2;
    }
  }

  get #reactors(): number {
    return this.#options.threads - 1 - (this.#options.services ?? 0);
  }

  get trace(): TraceHash {
    return this.world.trace;
  }

  get nowMs(): number {
    return this.world.nowMs;
  }

  /** The system of a living thread. */
  system(thread: number): ActorSystem {
    const { system } = this.#threads[thread]!;
    if (system === undefined) throw new Error(`simulated thread ${thread} is dead`);
    return system;
  }

  isAlive(thread: number): boolean {
    return this.#threads[thread]!.system !== undefined;
  }

  /** Up to `untilMs`, or until there is nothing left to happen. */
  run(untilMs?: number): void {
    this.world.run(untilMs);
  }

  /** Calls `then` at a virtual time: the script of a scenario. */
  at(atMs: number, then: () => void): void {
    this.world.at(atMs, then);
  }

  /**
   * The thread dies now. The others hear of it after what it had published has reached them; with `respawnMs` a new incarnation boots that much later, and not
   * before they have.
   */
  kill(thread: number, respawnMs?: number): void {
    const dead = this.#threads[thread]!;
    if (dead.system === undefined) return;
    const { system: body } = dead;
    body.halt();
    dead.system = undefined;
    this.trace.add(this.nowMs, thread, -1, 0, 0, 0, 0);
    const { incarnation } = dead;
    let respawnAtMs = this.nowMs + (respawnMs ?? 0);
    for (const { system } of this.#threads) {
      const link = system?.links.get(thread);
      if (system === undefined || link === undefined) continue;
      const reportAtMs = Math.max((link.inlet as SimPipe).lastArrivalMs, this.nowMs + this.#delay());
      this.at(reportAtMs, () => this.#reportDeath(system, thread, incarnation));
      respawnAtMs = Math.max(respawnAtMs, reportAtMs);
    }
    this.#options.onThread?.(body, 'dead');
    if (respawnMs !== undefined) this.at(respawnAtMs, () => this.#start(dead));
  }

  /** Too late when a new incarnation was attached meanwhile: that says the same. */
  #reportDeath(to: ThreadSystem, thread: number, incarnation: number): void {
    if (to.links.get(thread)?.incarnation === incarnation) this.#ifAlive(to, () => to.threadDown(thread));
  }

  #start(place: SimThread): void {
    const { thread } = place;
    place.incarnation++;
    const system = new ThreadSystem({
      node: this.#options.node ?? 1,
      thread,
      incarnation: place.incarnation,
      reactors: this.#reactors,
      boots: this.#options.boots ?? 0,
      slots: place.slots,
      platform: this.#platform(place),
      trace: (type, target, sender, kind, correlation) =>
        this.trace.add(this.nowMs, thread, type, target, sender, kind, correlation),
    });
    place.system = system;
    for (const other of this.#threads) {
      if (other.system === undefined || other === place) continue;
      const toOther = this.#pipe(system, other.system);
      const fromOther = this.#pipe(other.system, system);
      system.attachLink(new Link(other.thread, other.incarnation, toOther, fromOther));
      other.system.attachLink(new Link(thread, place.incarnation, fromOther, toOther));
    }
    this.#options.onThread?.(system, 'born');
    this.#options.boot(system);
    for (const other of this.#threads) {
      if (other.system === undefined || other === place) continue;
      if (thread !== 0) other.system.threadUp(thread);
      if (other.thread !== 0) system.threadUp(other.thread);
    }
  }

  #platform(place: SimThread): Platform {
    const prng = new Prng(this.world.prng.nextU32());
    const { incarnation } = place;
    let wakeToken = 0;
    const isCurrent = () => place.system !== undefined && place.incarnation === incarnation;
    return {
      now: () => this.nowMs,
      wallClock: () => EPOCH_MS + this.nowMs,
      random: () => prng.next(),
      scheduleTurn: () => {
        const afterMs = TURN_MIN_MS + this.world.prng.next() * (TURN_MAX_MS - TURN_MIN_MS);
        this.at(this.nowMs + afterMs, () => isCurrent() && place.system!.turn());
      },
      sleep: (untilMs, hasWork) => {
        if (hasWork()) {
          place.system!.requestTurn();
          return;
        }
        const token = ++wakeToken;
        if (untilMs === Number.POSITIVE_INFINITY) return;
        this.at(untilMs, () => isCurrent() && token === wakeToken && place.system!.requestTurn());
      },
      awake: () => {
        wakeToken++;
      },
      fatal: (error) => {
        this.failures.push({ thread: place.thread, error });
        this.kill(place.thread);
      },
    };
  }

  #pipe(from: ThreadSystem, to: ThreadSystem): SimPipe {
    const pipe: SimPipe = new SimPipe(this.#options.linkBytes ?? RING_BYTES, {
      deliver: (arrive) => {
        pipe.lastArrivalMs = Math.max(pipe.lastArrivalMs, this.nowMs + this.#delay());
        this.at(pipe.lastArrivalMs, arrive);
      },
      onArrival: () => this.#ifAlive(to, () => to.requestTurn()),
      onWritable: () => this.at(this.nowMs + this.#delay(), () => this.#ifAlive(from, () => from.requestTurn())),
    });
    return pipe;
  }

  #ifAlive(system: ThreadSystem, then: () => void): void {
    if (this.#threads[system.thread]!.system === system) then();
  }

  #delay(): number {
    const minMs = this.#options.delayMinMs ?? 0.005;
    const maxMs = this.#options.delayMaxMs ?? 0.5;
    return this.world.delay(minMs, maxMs);
  }
}
