/**
 * What other nodes ask about the sessions of this one: to give one up, a page at a time, and to go on with it when nobody has come for it after all; and what former homes have for sessions that are here. Lives in the homes actor.
 */
import { HOMES_SILENCE_MS_MAX, STORE_ASK_MS } from '../../base/limits.ts';
import type { ReplyTo } from '../../runtime/actor.ts';
import { NOBODY } from '../../runtime/ref.ts';
import type { Owner, RegistryMessage } from '../registry/messages.ts';
import { registryOf } from '../session/claim.ts';
import type { SessionMessage } from '../session/messages.ts';
import { awayFence } from './arrival.ts';
import type { Arrivals } from './arrivals.ts';
import type { HomesCore } from './core.ts';
import type { Emigrant } from './emigrant.ts';
import { decodeEntry, recordOf } from './entry.ts';
import type { HomesMessage, HomesReply } from './messages.ts';
import { encodePage } from './page.ts';
import type { Residents } from './residents.ts';

interface Departure {
  readonly clientId: string;
  readonly emigrant: Emigrant;
  readonly to: number;
  readonly nodesUp: readonly number[];
  heardMs: number;
  isChecking: boolean;
}

type Respond = (reply: HomesReply) => void;

export class Departures {
  readonly #core: HomesCore;
  readonly #arrivals: Arrivals;
  readonly #residents: Residents;
  /** By move. */
  readonly #departures = new Map<string, Departure>();

  constructor(core: HomesCore, arrivals: Arrivals, residents: Residents) {
    this.#core = core;
    this.#arrivals = arrivals;
    this.#residents = residents;
  }

  inspect(): unknown[] {
    return [...this.#departures.values()].map(({ emigrant, to }) => ({ to, ...(emigrant.inspect() as object) }));
  }

  tick(nowMs: number): void {
    for (const [move, departure] of [...this.#departures]) this.#watch(move, departure, nowMs);
  }

  receive(message: HomesMessage, to: ReplyTo | undefined): void {
    switch (message.type) {
      case 'HomeMoved':
        return this.#moved(message.move);
      case 'HomeStay':
        return this.#stays(message.move);
      case 'HomeEnded': {
        const entry = this.#core.entries.get(message.clientId);
        if (entry?.life === message.life) this.#residents.evict(message.clientId, undefined);
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
        return this.#fence(message.clientId, message.life, message.to, respond);
      case 'HomeFurther':
        return this.#further(message.clientId, message.life, message.bytes, respond);
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
        if (emigrant === undefined) {
          entry.isFrozen = false;
          this.#core.leaving.delete(clientId);
          this.#arrivals.resume(clientId);
          return respond(refused(false));
        }
        const nodesUp = this.#core.relay?.nodesUp ?? [];
        this.#departures.set(move, { clientId, emigrant, to, nodesUp, heardMs: this.#core.ctx.now(), isChecking: false });
        this.#core.fences.set(`m:${move}`, emigrant);
        const { subscriptions, inbox, inbound } = emigrant;
        const { ackedTo, sentTo, end, done: over, received, idShift = 0 } = inbox.state();
        const state = { ackedTo, sentTo, end, done: over, received, idShift };
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
        const bytes = encodePage(page.runs.map(({ run }) => run));
        respond({ type: 'HomeMessages', next: page.next, isLast: page.isLast, bytes });
      }),
    );
  }

  #close(move: string, nodes: readonly number[], respond: Respond): void {
    const departure = this.#heard(move);
    if (departure === undefined) return respond(refused(false));
    departure.emigrant.whenPassed(nodes, (end) => this.#core.later(() => respond({ type: 'HomeClosed', end })));
  }

  #heard(move: string): Departure | undefined {
    const departure = this.#departures.get(move);
    if (departure !== undefined) departure.heardMs = this.#core.ctx.now();
    return departure;
  }

  #moved(move: string): void {
    const departure = this.#departures.get(move);
    if (departure === undefined) return;
    const { clientId, emigrant } = departure;
    this.#depose(move, clientId);
    this.#core.entries.leave(clientId);
    emigrant.drop(false);
    this.#arrivals.resume(clientId);
  }

  #stays(move: string): void {
    const departure = this.#departures.get(move);
    if (departure === undefined) return;
    const { clientId, emigrant } = departure;
    emigrant.stay(() =>
      this.#core.later(() => {
        this.#depose(move, clientId);
        const entry = this.#core.entries.get(clientId);
        if (entry !== undefined) entry.isFrozen = false;
        this.#arrivals.resume(clientId);
      }),
    );
  }

  #depose(move: string, clientId: string): void {
    this.#departures.delete(move);
    this.#core.fences.delete(`m:${move}`);
    this.#core.leaving.delete(clientId);
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
    this.#core.directory.get(clientId, (found) => {
      if (found === undefined || entry === undefined || this.#departures.get(move) !== departure) return over();
      const there = found.value === undefined ? undefined : decodeEntry(found.value);
      if (there?.home !== this.#core.node) {
        if (there?.life !== entry.life || there.move === move) return this.#moved(move);
        this.#depose(move, clientId);
        this.#core.entries.leave(clientId);
        departure.emigrant.reopen();
        this.#residents.follow(departure.emigrant, { life: entry.life, epoch: entry.epoch });
        return this.#arrivals.resume(clientId);
      }
      this.#core.directory.claim(clientId, found.revision, found.value, (claimed) => {
        over();
        if (claimed.type !== 'done' || this.#departures.get(move) !== departure) return;
        entry.revision = claimed.revision;
        this.#stays(move);
      });
    });
  }

  /** Asks for fences in the name of a node that has been away. */
  #fence(clientId: string, life: string, to: number, respond: Respond): void {
    this.#core.directory.get(clientId, (found) => {
      respond(done(true));
      const entry = found?.value === undefined ? undefined : decodeEntry(found.value);
      const { node } = this.#core.services.system;
      if (entry?.life !== life || entry.home !== node) return;
      const filters = (recordOf(entry)?.subscriptions ?? []).map(({ filter }) => filter).filter((filter) => filter[0] !== '$');
      this.#core.relay?.fence(awayFence(entry), [to], filters, [node, ...this.#core.relay.nodesUp]);
    });
  }

  #further(clientId: string, life: string, bytes: Uint8Array, respond: Respond): void {
    const entry = this.#core.entries.get(clientId);
    if (entry?.life !== life || entry.isFrozen) return respond(done(false));
    const registry = registryOf(this.#core.services, clientId);
    this.#core.ctx.ask<RegistryMessage, Owner>(registry, { type: 'find', clientId }, STORE_ASK_MS, (found) => {
      if (found === undefined || found.session === NOBODY) return respond(done(false));
      this.#core.ctx.ask<SessionMessage, boolean>(found.session, { type: 'further', bytes }, STORE_ASK_MS, (isTaken) =>
        respond(done(isTaken === true)),
      );
    });
  }
}

function done(isDone: boolean): HomesReply {
  return { type: 'HomeDone', isDone };
}

function refused(isBusy: boolean): HomesReply {
  return { type: 'HomeRefused', isBusy };
}
