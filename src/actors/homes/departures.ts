/**
 * What other nodes ask about the sessions of this one: to give one up, a page at a time, and to go on with it when nobody has come for it after all; and what former homes have for sessions that are here. Lives in the homes actor.
 */
import { HOMES_FENCE_MS, HOMES_SILENCE_MS_MAX, STORE_ASK_MS } from '../../base/limits.ts';
import type { ReplyTo } from '../../runtime/actor.ts';
import { NOBODY } from '../../runtime/ref.ts';
import type { HomeFurther } from '../../wire/schema-types.ts';
import type { Owner, RegistryMessage } from '../registry/messages.ts';
import { registryOf } from '../session/claim.ts';
import type { SessionMessage } from '../session/messages.ts';
import { awayFence } from './arrival.ts';
import type { Arrivals } from './arrivals.ts';
import type { HomesCore } from './core.ts';
import type { Emigrant } from './emigrant.ts';
import { entryIn, type HomeEntry, recordOf } from './entry.ts';
import { Furthers } from './furthers.ts';
import type { HomesMessage, HomesReply } from './messages.ts';
import type { Leaving } from './notes.ts';
import { encodePage } from './page.ts';
import type { Residents } from './residents.ts';

interface Departure {
  readonly clientId: string;
  readonly emigrant: Emigrant;
  readonly to: number;
  heardMs: number;
  /** Until when fences are waited for; 0: they are not. */
  closeMs: number;
  /** As the new home has been told. */
  leaving: Leaving | undefined;
  isChecking: boolean;
}

type Respond = (reply: HomesReply) => void;

export class Departures {
  readonly #core: HomesCore;
  readonly #arrivals: Arrivals;
  readonly #residents: Residents;
  /** By move. */
  readonly #departures = new Map<string, Departure>();
  readonly #furthers = new Furthers();

  constructor(core: HomesCore, arrivals: Arrivals, residents: Residents) {
    this.#core = core;
    this.#arrivals = arrivals;
    this.#residents = residents;
  }

  inspect(): unknown[] {
    return [...this.#departures.values()].map(({ emigrant, to }) => ({ to, ...(emigrant.inspect() as object) }));
  }

  tick(nowMs: number): void {
    for (const [move, departure] of [...this.#departures]) {
      if (departure.closeMs > 0 && nowMs >= departure.closeMs) departure.emigrant.hurry();
      this.#watch(move, departure, nowMs);
    }
  }

  receive(message: HomesMessage, to: ReplyTo | undefined): void {
    switch (message.type) {
      case 'HomeMoved':
        return this.#moved(message.move);
      case 'HomeStay':
        return this.#stays(message.move);
      case 'HomeEnded': {
        const entry = this.#core.entries.get(message.clientId);
        if (entry?.life === message.life && !this.#arrivals.has(message.clientId))
          this.#residents.evict(message.clientId, undefined);
        return;
      }
    }
    if (to === undefined) return;
    const respond = (reply: HomesReply): void => this.#core.respond(to, reply);
    switch (message.type) {
      case 'HomeDepart':
        return this.#depart(message.clientId, message.move, message.to, respond);
      case 'HomeAdopted':
        this.#residents.compare(message.clientId);
        return respond(done(true));
      case 'HomePage':
        return this.#page(message.move, message.offset, respond);
      case 'HomeClose':
        return this.#close(message.move, message.nodes, respond);
      case 'HomeFence':
        return this.#fence(message.clientId, message.life, message.to, message.of, respond);
      case 'HomeFurther':
        return this.#further(message, respond);
    }
  }

  #depart(clientId: string, move: string, to: number, respond: Respond): void {
    if (!this.#core.isConfirmed || this.#arrivals.has(clientId) || this.#core.leaving.has(clientId))
      return respond(refused(true));
    const entry = this.#core.entries.get(clientId);
    if (entry === undefined) return respond(refused(false));
    this.#core.leaving.add(clientId);
    this.#core.entries.freeze(entry, () =>
      this.#residents.emigrate(clientId, false, (emigrant) => {
        if (typeof emigrant === 'string') {
          entry.isFrozen = false;
          this.#core.leaving.delete(clientId);
          this.#arrivals.resume(clientId);
          return respond(refused(emigrant === 'later'));
        }
        const nodesUp = this.#core.relay?.nodesUp ?? [];
        const heardMs = this.#core.ctx.now();
        this.#departures.set(move, { clientId, emigrant, to, heardMs, closeMs: 0, leaving: undefined, isChecking: false });
        this.#core.fences.set(`m:${move}`, emigrant);
        const { subscriptions, inbox, inbound } = emigrant;
        const { ackedTo, sentTo, end, done: over, received, idShift = 0, unsureTo = 0 } = inbox.state();
        const state = { ackedTo, sentTo, end, done: over, received, idShift, unsureTo };
        respond({ type: 'HomeDeparting', subscriptions, inbox: state, inbound, revision: entry.revision, nodesUp });
      }),
    );
  }

  #page(move: string, offset: number, respond: Respond): void {
    const departure = this.#heard(move);
    if (departure === undefined) return respond(refused(false));
    departure.emigrant.page(offset, (page) =>
      this.#core.later(() => {
        if (page === undefined) return respond(refused(false));
        respond({ type: 'HomeMessages', next: page.next, isLast: page.isLast, bytes: encodePage(page.runs) });
      }),
    );
  }

  #close(move: string, nodes: readonly number[], respond: Respond): void {
    const departure = this.#heard(move);
    if (departure === undefined) return respond(refused(false));
    const { emigrant } = departure;
    const { nodes: all, node, relay, ctx } = this.#core;
    const reached = nodes.filter((each) => each === node || relay?.nodesUp.includes(each));
    departure.closeMs = ctx.now() + HOMES_FENCE_MS;
    emigrant.close(reached, all, (end, isWhole) =>
      this.#core.later(() => this.#closed(departure, { move, end, isWhole }, respond)),
    );
  }

  /** What is told of it is on disk first: after a restart nothing else says what the new home has. */
  #closed(departure: Departure, leaving: Leaving, respond: Respond): void {
    const { clientId } = departure;
    const entry = this.#core.entries.get(clientId);
    departure.closeMs = 0;
    if (entry === undefined || this.#departures.get(leaving.move) !== departure) return respond(refused(false));
    departure.leaving = leaving;
    this.#core.noteLeaving(clientId, { life: entry.life, epoch: entry.epoch, leaving }, (isNoted) =>
      respond(isNoted ? { type: 'HomeClosed', end: leaving.end } : refused(false)),
    );
  }

  #heard(move: string): Departure | undefined {
    const departure = this.#departures.get(move);
    if (departure !== undefined) departure.heardMs = this.#core.ctx.now();
    return departure;
  }

  #moved(move: string): void {
    const departure = this.#departures.get(move);
    if (departure === undefined) return;
    if (departure.leaving?.isWhole === false) return this.#leave(move, departure, departure.leaving);
    const { clientId, emigrant } = departure;
    this.#depose(move);
    this.#core.entries.leave(clientId);
    this.#core.leaving.delete(clientId);
    emigrant.drop();
    this.#arrivals.resume(clientId);
  }

  /** The session is elsewhere, and something is still to come for it here, or is here. */
  #leave(move: string, { clientId, emigrant }: Departure, leaving: Leaving | undefined): void {
    const { entries } = this.#core;
    const { life, epoch } = entries.get(clientId)!;
    this.#depose(move);
    entries.leave(clientId);
    this.#residents.follow(emigrant, { life, epoch, leaving }, () => {
      this.#core.leaving.delete(clientId);
      this.#arrivals.resume(clientId);
    });
  }

  #stays(move: string): void {
    const departure = this.#departures.get(move);
    if (departure === undefined) return;
    const { clientId, emigrant } = departure;
    emigrant.stay(() =>
      this.#core.later(() => {
        this.#depose(move);
        this.#core.leaving.delete(clientId);
        const entry = this.#core.entries.get(clientId);
        if (entry !== undefined) {
          entry.isFrozen = false;
          if (departure.leaving !== undefined) this.#core.noteLife(clientId, entry);
        }
        this.#arrivals.resume(clientId);
      }),
    );
  }

  #depose(move: string): void {
    this.#departures.delete(move);
    this.#core.fences.delete(`m:${move}`);
  }

  /** The node that the session goes to is silent: the directory knows whether it has it. If not it must not get it any more, either. */
  #watch(move: string, departure: Departure, now: number): void {
    if (now - departure.heardMs < HOMES_SILENCE_MS_MAX || departure.isChecking) return;
    departure.isChecking = true;
    const { clientId } = departure;
    const entry = this.#core.entries.get(clientId);
    const over = (): void => {
      departure.isChecking = false;
    };
    const { node } = this.#core;
    const isOurs = (there: HomeEntry | undefined): boolean => there?.home === node;
    this.#core.secure(clientId, isOurs, (found) => {
      over();
      if (found === undefined || entry === undefined || this.#departures.get(move) !== departure) return;
      const there = entryIn(found);
      if (there?.home === node) {
        entry.revision = found.revision;
        this.#stays(move);
      } else if (there?.life !== entry.life || there.moves.includes(move)) this.#moved(move);
      else this.#leave(move, departure, undefined);
    });
  }

  /** Asks for fences in the name of a node that the session has left. */
  #fence(clientId: string, life: string, to: number, of: readonly number[], respond: Respond): void {
    this.#core.directory.get(clientId, (found) => {
      respond(done(true));
      const entry = entryIn(found);
      const { node } = this.#core.services.system;
      // One that has yet to begin here does not take everything that is behind such a fence.
      if (entry?.life !== life || entry.home !== node || this.#arrivals.has(clientId)) return;
      const filters = (recordOf(entry)?.subscriptions ?? []).map(({ filter }) => filter).filter((filter) => filter[0] !== '$');
      const reached = [node, ...(this.#core.relay?.nodesUp ?? [])];
      this.#core.relay?.fence(
        awayFence(entry),
        [to],
        filters,
        reached.filter((each) => of.includes(each)),
      );
    });
  }

  /** What a former home still has for a session that is here. */
  #further(message: HomeFurther, respond: Respond): void {
    const { clientId, life, from, epoch } = message;
    const entry = this.#core.entries.get(clientId);
    if (entry?.life !== life || entry.isFrozen) return respond(done(false));
    const give = (then: (isTaken: boolean) => void): void => this.#give(message, then);
    // A release that does not say where they begin.
    if (from === 0) return give((isTaken) => respond(done(isTaken)));
    this.#furthers.take(`${from}/${epoch}/${life}`, message, give, (taken) => respond(done(taken !== undefined, taken)));
  }

  #give({ clientId, bytes }: HomeFurther, then: (isTaken: boolean) => void): void {
    const { services, ctx } = this.#core;
    ctx.ask<RegistryMessage, Owner>(registryOf(services, clientId), { type: 'find', clientId }, STORE_ASK_MS, (found) => {
      if (found === undefined || found.session === NOBODY) return then(false);
      ctx.ask<SessionMessage, boolean>(found.session, { type: 'further', bytes }, STORE_ASK_MS, (isTaken) =>
        then(isTaken === true),
      );
    });
  }
}

function done(isDone: boolean, next = 0): HomesReply {
  return { type: 'HomeDone', isDone, next };
}

function refused(isBusy: boolean): HomesReply {
  return { type: 'HomeRefused', isBusy };
}
