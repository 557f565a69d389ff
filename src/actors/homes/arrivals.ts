/**
 * Clients that connect to this node: each is let in when its session, if it has one, has its home here. Decides whether a session is to come, brings it (arrival.ts), and lets those wait who ask for one that is on its way. Lives in the
 * homes actor. Bound: HOMES_MOVES_MAX sessions come at a time, the others wait.
 */
import { HOMES_MOVES_MAX, HOMES_PATIENCE_TICKS } from '../../base/limits.ts';
import type { ReplyTo } from '../../runtime/actor.ts';
import { SESSION_EXPIRY_NEVER } from '../../wire/mqtt/constants.ts';
import type { HomeDone } from '../../wire/schema-types.ts';
import { Arrival, type ArrivalPorts, type ArrivalResult } from './arrival.ts';
import type { HomesCore } from './core.ts';
import type { Found } from './directory.ts';
import { entryIn, type HomeEntry, hasExpired, recordOf } from './entry.ts';
import { fateOf } from './fate.ts';
import type { Settled } from './messages.ts';

/** Times that a client's session is looked for anew while others are at it, a tick apart. */
const TRIES_MAX = 50;

export interface Settling {
  readonly clientId: string;
  readonly isClean: boolean;
  readonly isLasting: boolean;
  readonly to: ReplyTo;
  tries: number;
}

type Known = ConstructorParameters<typeof Arrival>[1];

export class Arrivals {
  readonly #core: HomesCore;
  readonly #arrivals = new Map<string, Arrival>();
  /** Clients that wait for a session that is on its way, here or elsewhere. */
  readonly #waiting = new Map<string, Settling[]>();
  /** Until it is known which sessions are here. */
  #parked: Settling[] = [];
  /** To be tried again with the next tick. */
  #retries: Settling[] = [];
  /** Moves that wait for others. */
  readonly #queue: (() => void)[] = [];
  /** Nodes whose sessions are here now, and that have not said that they know. */
  readonly #untold = new Map<string, number>();
  #moves = 0;

  constructor(core: HomesCore) {
    this.#core = core;
  }

  has(clientId: string): boolean {
    return this.#arrivals.has(clientId);
  }

  inspect(): unknown[] {
    return [...this.#arrivals.values()].map((arrival) => arrival.inspect());
  }

  settle(settling: Settling): void {
    if (!this.#core.isConfirmed) return void this.#parked.push(settling);
    const { clientId } = settling;
    if (this.#arrivals.has(clientId) || this.#core.leaving.has(clientId)) {
      const waiting = this.#waiting.get(clientId);
      if (waiting === undefined) this.#waiting.set(clientId, [settling]);
      else waiting.push(settling);
      return;
    }
    this.#core.directory.get(clientId, (found) => this.#found(settling, found));
  }

  /** It is known which sessions are here. */
  confirmed(): void {
    const parked = this.#parked;
    this.#parked = [];
    for (const settling of parked) this.settle(settling);
  }

  tick(nowMs: number): void {
    for (const arrival of [...this.#arrivals.values()]) arrival.tick(nowMs);
    const retries = this.#retries;
    this.#retries = [];
    for (const settling of retries) this.settle(settling);
  }

  /** Tells again who has not heard. */
  slowTick(): void {
    for (const [clientId, former] of this.#untold) {
      this.#core.ask<HomeDone>(former, { type: 'HomeAdopted', clientId }, (heard) => {
        if (heard !== undefined && this.#untold.get(clientId) === former) this.#untold.delete(clientId);
      });
    }
  }

  /** Those who have waited look where the session is now. */
  resume(clientId: string): void {
    const waiting = this.#waiting.get(clientId) ?? [];
    this.#waiting.delete(clientId);
    for (const settling of waiting) this.settle(settling);
  }

  #answer({ to }: Settling, settled: Settled): void {
    this.#core.ctx.respond(to, settled);
  }

  #again(settling: Settling): void {
    if (++settling.tries > TRIES_MAX) this.#answer(settling, 'unavailable');
    else this.#retries.push(settling);
  }

  #found(settling: Settling, found: Found | undefined): void {
    const { clientId, isClean, isLasting } = settling;
    const { entries, leaving, node, ctx } = this.#core;
    if (this.#arrivals.has(clientId) || leaving.has(clientId)) return this.settle(settling);
    // One who leaves nothing, and asks for nothing, does without.
    if (found === undefined) return this.#answer(settling, isLasting ? 'unavailable' : 'here');
    const known = entries.get(clientId);
    const entry = entryIn(found);
    const isOurs = entry?.home === node && known !== undefined;
    if (found.value === undefined || isOurs) {
      if (isClean) entries.renew(clientId);
      return this.#answer(settling, 'here');
    }
    // It has been followed while this node was alone, and what is here goes first.
    if (known !== undefined) {
      this.#core.onTaken(clientId);
      return this.#again(settling);
    }
    const record = entry && recordOf(entry);
    const isOver = record === undefined || hasExpired(record, ctx.wallClock(), SESSION_EXPIRY_NEVER);
    if (entry === undefined || isClean || isOver) return this.#endElsewhere(settling, entry, found.revision);
    this.#move(settling, { clientId, entry, record, revision: found.revision }, false);
  }

  /** An operator ends it, though its home does not answer. */
  end(clientId: string, then: (isDone: boolean) => void): void {
    const { directory } = this.#core;
    directory.get(clientId, (found) => {
      const entry = entryIn(found);
      if (found === undefined || entry === undefined) return then(false);
      directory.claim(clientId, found.revision, undefined, ({ type }) => {
        if (type === 'done') this.#over(clientId, entry);
        then(type === 'done');
      });
    });
  }

  /** The session is over, wherever it is. */
  #endElsewhere(settling: Settling, entry: HomeEntry | undefined, revision: number): void {
    const { clientId } = settling;
    this.#core.directory.claim(clientId, revision, undefined, ({ type }) => {
      if (type === 'taken') return this.#again(settling);
      if (type !== 'done') return this.#answer(settling, settling.isLasting ? 'unavailable' : 'here');
      if (entry !== undefined) this.#over(clientId, entry);
      this.#answer(settling, 'here');
    });
  }

  /** The entry is gone: its home is told, and the will is this node's to publish. */
  #over(clientId: string, entry: HomeEntry): void {
    this.#core.say(entry.home, { type: 'HomeEnded', clientId, life: entry.life });
    const will = entry.isMourned === true ? undefined : recordOf(entry)?.will;
    if (will) this.#core.publishWill(clientId, will);
  }

  #move(settling: Settling, found: Known, isAdoption: boolean): void {
    const { clientId } = found;
    if (this.#arrivals.size >= HOMES_MOVES_MAX) return void this.#queue.push(() => this.#again(settling));
    const { node, services, fences, ctx } = this.#core;
    const move = `${node}.${services.system.incarnation}.${++this.#moves}.${Math.floor(ctx.random() * 2 ** 32)}`;
    const way = { move, isAdoption: isAdoption || found.entry.home === node, isPatient: settling.tries < HOMES_PATIENCE_TICKS };
    const arrival = new Arrival(this.#ports(), found, way, (result) => this.#arrived(settling, found, arrival, result));
    this.#arrivals.set(clientId, arrival);
    fences.set(arrival.fence, arrival);
    arrival.begin();
  }

  #arrived(settling: Settling, found: Known, arrival: Arrival, result: ArrivalResult): void {
    const { clientId } = found;
    this.#arrivals.delete(clientId);
    this.#core.fences.delete(arrival.fence);
    if (result === 'adopt') return this.#move(settling, found, true);
    if (result === 'here' && arrival.isAdoption && found.entry.home !== this.#core.node) {
      this.#untold.set(clientId, found.entry.home);
      this.#mourn(found);
    }
    this.#core.count(result !== 'here' ? 'givenUp' : arrival.isAdoption ? 'adopted' : 'moved');
    if (result === 'again') this.#again(settling);
    else this.#answer(settling, result);
    this.resume(clientId);
    this.#queue.shift()?.();
  }

  /** The session goes on without its former home, and in time; but a will that was due when that died, or before, is not undone by it [MQTT-3.1.3-9]. */
  #mourn({ clientId, entry, record }: Known): void {
    const nowMs = this.#core.ctx.wallClock();
    const isDue = fateOf(record, entry.isMourned === true, nowMs, nowMs).what !== 'wait';
    if (isDue && record.will !== null) this.#core.publishWill(clientId, record.will);
  }

  #ports(): ArrivalPorts {
    const core = this.#core;
    return {
      services: core.services,
      directory: core.directory,
      relay: () => core.relay,
      ask: (node, message, then) => core.ask(node, message, then),
      askMetadata: (message, then) => core.askMetadata(message, then),
      secure: (clientId, isOpen, then) => core.secure(clientId, isOpen, then),
      later: (then) => core.later(then),
      claimed: (clientId, identity, revision) => core.entries.adopt(clientId, identity, revision),
      begins: (life) => core.onBegin(life),
    };
  }
}
