/**
 * The homes of persistent sessions, one actor on reactor 1 of each node that `cluster.meta` names: which sessions live here, as the directory has it, and how one comes here or leaves. A session has one home at any time: the node that
 * its entry in the metadata names; whoever wants to be it claims the entry under the condition of its last revision.
 */
import {
  HOMES_ASK_MS,
  HOMES_MOVES_MAX,
  HOMES_SILENCE_MS_MAX,
  HOMES_TICK_MS,
  META_TABLE_PAGE,
  STORE_ASK_MS,
} from '../../base/limits.ts';
import type { Actor, ActorContext, ReplyTo } from '../../runtime/actor.ts';
import { type ActorRef, NOBODY } from '../../runtime/ref.ts';
import { SESSION_EXPIRY_NEVER } from '../../wire/mqtt/constants.ts';
import {
  KEYS,
  type MetadataFailure,
  type MetadataMessage,
  type MetadataPage,
  metadataRef,
  type WriteMetadata,
} from '../metadata/messages.ts';
import type { Granted, RegistryMessage } from '../registry/messages.ts';
import type { RelayActor } from '../relay/actor.ts';
import { registryOf } from '../session/claim.ts';
import type { SessionMessage } from '../session/messages.ts';
import type { SessionServices } from '../session/services.ts';
import { Arrival, type ArrivalPorts, type ArrivalResult, awayFence, readAwayFence } from './arrival.ts';
import { Away, type AwayPorts } from './away.ts';
import type { Directory, Found } from './directory.ts';
import { Emigrant } from './emigrant.ts';
import { Entries, type Entry } from './entries.ts';
import { decodeEntry, decodeIdentity, encodeIdentity, type HomeEntry, hasExpired, type Identity, recordOf } from './entry.ts';
import { type Closed, type Departing, type HomesMessage, homesRef, type MessagePage, type Settled } from './messages.ts';
import { encodePage } from './page.ts';
import { HOMES_PROBE } from './probe.ts';

const TICK = 1;
const IO_LATER = 1;
/** Ticks between two steps of what has time. */
const SLOW_TICKS = 5;
/** Times that a client's session is looked for anew while others are at it, a tick apart. */
const TRIES_MAX = 50;
const { slot } = HOMES_PROBE;

interface Settling {
  readonly clientId: string;
  readonly isClean: boolean;
  readonly isLasting: boolean;
  readonly to: ReplyTo;
  tries: number;
}

interface Departure {
  readonly clientId: string;
  readonly emigrant: Emigrant;
  readonly to: number;
  readonly nodesUp: readonly number[];
  heardMs: number;
  isChecking: boolean;
}

export interface HomesOptions {
  readonly directory: Directory;
  /** All nodes that are one broker. */
  readonly nodes: readonly number[];
}

export class HomesActor implements Actor<HomesMessage> {
  readonly #services: SessionServices;
  readonly #directory: Directory;
  readonly #nodes: readonly number[];
  readonly #entries: Entries;
  /** Clients that wait for a session that is on its way, here or elsewhere. */
  readonly #waiting = new Map<string, Settling[]>();
  readonly #arrivals = new Map<string, Arrival>();
  readonly #departures = new Map<string, Departure>();
  readonly #leaving = new Set<string>();
  readonly #away = new Map<string, Away>();
  /** Fences that somebody here waits for. */
  readonly #fences = new Map<string, { passed(node: number): void }>();
  #relay: RelayActor | null = null;
  #ctx!: ActorContext<HomesMessage>;
  /** What lies here has been compared with the directory; until then nobody is let in who has a session. */
  #isConfirmed = false;
  #onConfirmed: (() => void)[] = [];
  #parked: Settling[] = [];
  /** What sessions that have been made again say before it is known whether they live here; and those that do not. */
  #early: (() => void)[] = [];
  readonly #strangers = new Set<string>();
  /** To be tried again with the next tick. */
  #retries: Settling[] = [];
  /** Nodes whose sessions are here now, and that have not said that they know. */
  readonly #untold = new Map<string, number>();
  /** Moves that wait for others. */
  #queue: (() => void)[] = [];
  #isFlushDue = false;
  #ticks = 0;
  #moves = 0;

  constructor(services: SessionServices, { directory, nodes }: HomesOptions) {
    this.#services = services;
    this.#directory = {
      get: (clientId, then) => {
        directory.get(clientId, (found) => this.#later(() => then(found)));
        this.#flushSoon();
      },
      claim: (clientId, revision, value, then) => {
        directory.claim(clientId, revision, value, (claimed) => this.#later(() => then(claimed)));
        this.#flushSoon();
      },
      flush: () => directory.flush(),
    };
    this.#nodes = nodes;
    this.#entries = new Entries({
      node: services.system.node,
      directory: this.#directory,
      newLife: () => `${services.system.node}-${Math.floor(services.system.random() * 2 ** 52).toString(36)}`,
      noteLife: (clientId, identity) => this.#noteLife(clientId, identity),
      onTaken: (clientId) => this.#compare(clientId, this.#entries.get(clientId)!),
    });
  }

  started(ctx: ActorContext<HomesMessage>): void {
    this.#ctx = ctx;
    ctx.startTimer(HOMES_TICK_MS, TICK);
  }

  /** Calls `then` when all that lies here is a session of this node, or known to have left. */
  whenConfirmed(then: () => void): void {
    if (this.#isConfirmed) then();
    else this.#onConfirmed.push(then);
  }

  set relay(relay: RelayActor) {
    this.#relay = relay;
  }

  /** From the relay, between two messages of that node. */
  passed(name: string, node: number): void {
    this.#fences.get(name)?.passed(node);
    const identity = this.#away.size === 0 ? undefined : readAwayFence(name);
    if (identity !== undefined) for (const away of this.#away.values()) away.passed(identity, node);
  }

  /** Another node is reached again: who has been alone may have been followed. */
  #compareAll(): void {
    for (const clientId of this.#entries.clientIds()) this.#compare(clientId, this.#entries.get(clientId)!);
  }

  receive(message: HomesMessage, ctx: ActorContext<HomesMessage>): void {
    const to = ctx.replyTo();
    switch (message.type) {
      case 'settle': {
        if (to === undefined) break;
        const { clientId, isClean, isLasting } = message;
        this.#settle({ clientId, isClean, isLasting, to, tries: 0 });
        break;
      }
      case 'keep':
        this.#whenOurs(message.clientId, (isOurs) => {
          const answer = to && ((isKept: boolean): void => ctx.respond(to, isKept));
          if (isOurs) this.#entries.keep(message.clientId, message.record, answer);
          else answer?.(false);
        });
        break;
      case 'forget':
        this.#whenOurs(message.clientId, (isOurs) => {
          if (isOurs) this.#entries.forget(message.clientId);
        });
        break;
      case 'begin':
        this.#scan(undefined);
        break;
      case 'nodeUp':
        if (this.#isConfirmed) this.#compareAll();
        break;
      case 'flush':
        this.#isFlushDue = false;
        this.#directory.flush();
        break;
      default:
        this.#fromElsewhere(message, to);
    }
    this.#services.system.slots[slot.sessions] = this.#entries.size;
  }

  onIo(_event: number, argument: unknown): void {
    (argument as () => void)();
  }

  onTimer(_key: number, ctx: ActorContext<HomesMessage>): void {
    ctx.startTimer(HOMES_TICK_MS, TICK);
    const now = ctx.now();
    for (const arrival of [...this.#arrivals.values()]) arrival.tick(now);
    for (const [move, departure] of [...this.#departures]) this.#watch(move, departure, now);
    const retries = this.#retries;
    this.#retries = [];
    for (const settling of retries) this.#settle(settling);
    if (++this.#ticks % SLOW_TICKS !== 0) return;
    this.#entries.tick();
    for (const away of [...this.#away.values()]) away.tick();
    for (const [clientId, former] of this.#untold) {
      this.#ask<true>(former, { type: 'home.adopted', clientId }, (isHeard) => {
        if (isHeard === true && this.#untold.get(clientId) === former) this.#untold.delete(clientId);
      });
    }
  }

  inspect(): unknown {
    return {
      isConfirmed: this.#isConfirmed,
      sessions: this.#entries.size,
      arriving: [...this.#arrivals.values()].map((arrival) => arrival.inspect()),
      leaving: [...this.#departures.values()].map(({ emigrant, to }) => ({ to, ...(emigrant.inspect() as object) })),
      away: this.#away.size,
    };
  }

  /** Nothing is said in the name of a session that has left. */
  #whenOurs(clientId: string, then: (isOurs: boolean) => void): void {
    if (!this.#isConfirmed) this.#early.push(() => then(!this.#strangers.has(clientId)));
    else then(!this.#leaving.has(clientId));
  }

  // ---- clients that connect here ----

  #settle(settling: Settling): void {
    if (!this.#isConfirmed) return void this.#parked.push(settling);
    const { clientId } = settling;
    if (this.#arrivals.has(clientId) || this.#leaving.has(clientId)) {
      const waiting = this.#waiting.get(clientId);
      if (waiting === undefined) this.#waiting.set(clientId, [settling]);
      else waiting.push(settling);
      return;
    }
    this.#directory.get(clientId, (found) => this.#found(settling, found));
  }

  #answer({ to }: Settling, settled: Settled): void {
    this.#ctx.respond(to, settled);
  }

  #again(settling: Settling): void {
    if (++settling.tries > TRIES_MAX) this.#answer(settling, 'unavailable');
    else this.#retries.push(settling);
  }

  #found(settling: Settling, found: Found | undefined): void {
    const { clientId, isClean, isLasting } = settling;
    if (this.#arrivals.has(clientId) || this.#leaving.has(clientId)) return this.#settle(settling);
    // One who leaves nothing, and asks for nothing, does without.
    if (found === undefined) return this.#answer(settling, isLasting ? 'unavailable' : 'here');
    const known = this.#entries.get(clientId);
    const entry = found.value === undefined ? undefined : decodeEntry(found.value);
    const isOurs = entry?.home === this.#services.system.node && known !== undefined;
    if (found.value === undefined || isOurs) {
      if (isClean) this.#entries.renew(clientId);
      return this.#answer(settling, 'here');
    }
    const record = entry && recordOf(entry);
    const isOver = record === undefined || hasExpired(record, this.#ctx.wallClock(), SESSION_EXPIRY_NEVER);
    if (entry === undefined || isClean || isOver) return this.#endElsewhere(settling, entry, found.revision);
    this.#move(settling, { clientId, entry, record, revision: found.revision }, false);
  }

  /** The session is over, wherever it is. */
  #endElsewhere(settling: Settling, entry: HomeEntry | undefined, revision: number): void {
    const { clientId } = settling;
    this.#directory.claim(clientId, revision, undefined, ({ type }) => {
      if (type === 'taken') return this.#again(settling);
      if (type !== 'done') return this.#answer(settling, settling.isLasting ? 'unavailable' : 'here');
      if (entry !== undefined) this.#say(entry.home, { type: 'home.ended', clientId, life: entry.life });
      this.#answer(settling, 'here');
    });
  }

  #move(settling: Settling, found: ConstructorParameters<typeof Arrival>[1], isAdoption: boolean): void {
    const { clientId } = found;
    if (this.#arrivals.size >= HOMES_MOVES_MAX) return void this.#queue.push(() => this.#again(settling));
    const { node } = this.#services.system;
    const move = `${node}.${this.#services.system.incarnation}.${++this.#moves}.${Math.floor(this.#ctx.random() * 2 ** 32)}`;
    const arrival = new Arrival(this.#ports(), found, move, isAdoption || found.entry.home === node, (result) =>
      this.#arrived(settling, found, arrival, result),
    );
    this.#arrivals.set(clientId, arrival);
    this.#fences.set(arrival.fence, arrival);
    arrival.begin();
  }

  #arrived(settling: Settling, found: ConstructorParameters<typeof Arrival>[1], arrival: Arrival, result: ArrivalResult): void {
    const { clientId } = found;
    this.#arrivals.delete(clientId);
    this.#fences.delete(arrival.fence);
    const { slots } = this.#services.system;
    if (result === 'adopt') return this.#move(settling, found, true);
    if (result === 'here' && arrival.isAdoption && found.entry.home !== this.#services.system.node)
      this.#untold.set(clientId, found.entry.home);
    if (result === 'here') slots[arrival.isAdoption ? slot.adopted : slot.moved]!++;
    else slots[slot.givenUp]!++;
    if (result === 'again') this.#again(settling);
    else this.#answer(settling, result);
    this.#resume(clientId);
    this.#queue.shift()?.();
  }

  /** Those who have waited look where the session is now. */
  #resume(clientId: string): void {
    const waiting = this.#waiting.get(clientId) ?? [];
    this.#waiting.delete(clientId);
    for (const settling of waiting) this.#settle(settling);
  }

  // ---- what other nodes ask ----

  #fromElsewhere(message: HomesMessage, to: ReplyTo | undefined): void {
    switch (message.type) {
      case 'home.moved':
        return this.#moved(message.move);
      case 'home.stay':
        return this.#stays(message.move);
      case 'home.ended': {
        const entry = this.#entries.get(message.clientId);
        if (entry?.life === message.life) this.#evict(message.clientId, undefined);
        return;
      }
    }
    if (to === undefined) return;
    const respond = (reply: unknown): void => {
      this.#ctx.respond(to, reply);
      this.#services.system.requestTurn();
    };
    switch (message.type) {
      case 'home.depart':
        return this.#depart(message.clientId, message.move, message.to, respond);
      case 'home.adopted': {
        const entry = this.#entries.get(message.clientId);
        if (entry !== undefined) this.#compare(message.clientId, entry);
        return respond(true);
      }
      case 'home.page':
        return this.#page(message.move, message.offset, respond);
      case 'home.close':
        return this.#close(message.move, message.nodes, respond);
      case 'home.fence':
        return this.#fence(message.clientId, message.life, message.to, respond);
      case 'home.further':
        return this.#further(message.clientId, message.life, message.bytes, respond);
    }
  }

  #depart(clientId: string, move: string, to: number, respond: (reply: Departing | 'busy' | null) => void): void {
    if (!this.#isConfirmed || this.#arrivals.has(clientId) || this.#leaving.has(clientId)) return respond('busy');
    const entry = this.#entries.get(clientId);
    if (entry === undefined) return respond(null);
    this.#leaving.add(clientId);
    this.#entries.freeze(entry, () =>
      this.#emigrate(clientId, false, (emigrant) => {
        if (emigrant === undefined) {
          entry.isFrozen = false;
          this.#leaving.delete(clientId);
          this.#resume(clientId);
          return respond(null);
        }
        const nodesUp = this.#relay?.nodesUp ?? [];
        this.#departures.set(move, { clientId, emigrant, to, nodesUp, heardMs: this.#ctx.now(), isChecking: false });
        this.#fences.set(`m:${move}`, emigrant);
        const { subscriptions, inbox, inbound } = emigrant;
        respond({ subscriptions, inbox: inbox.state(), inbound, revision: entry.revision, nodesUp });
      }),
    );
  }

  #page(move: string, offset: number, respond: (reply: MessagePage | null) => void): void {
    const departure = this.#heard(move);
    if (departure === undefined) return respond(null);
    departure.emigrant.page(offset, (page) =>
      this.#later(() => {
        if (page === undefined) return respond(null);
        respond({ next: page.next, isLast: page.isLast, bytes: encodePage(page.runs.map(({ run }) => run)) });
      }),
    );
  }

  #close(move: string, nodes: readonly number[], respond: (reply: Closed | null) => void): void {
    const departure = this.#heard(move);
    if (departure === undefined) return respond(null);
    departure.emigrant.whenPassed(nodes, (end) => this.#later(() => respond({ end })));
  }

  #heard(move: string): Departure | undefined {
    const departure = this.#departures.get(move);
    if (departure !== undefined) departure.heardMs = this.#ctx.now();
    return departure;
  }

  #moved(move: string): void {
    const departure = this.#departures.get(move);
    if (departure === undefined) return;
    const { clientId, emigrant } = departure;
    this.#depose(move, clientId);
    this.#entries.leave(clientId);
    emigrant.drop(false);
    this.#resume(clientId);
  }

  #stays(move: string): void {
    const departure = this.#departures.get(move);
    if (departure === undefined) return;
    const { clientId, emigrant } = departure;
    emigrant.stay(() =>
      this.#later(() => {
        this.#depose(move, clientId);
        const entry = this.#entries.get(clientId);
        if (entry !== undefined) entry.isFrozen = false;
        this.#resume(clientId);
      }),
    );
  }

  #depose(move: string, clientId: string): void {
    this.#departures.delete(move);
    this.#fences.delete(`m:${move}`);
    this.#leaving.delete(clientId);
  }

  /** The node that the session goes to is silent: the directory knows whether it has it. If not it must not get it any more, either. */
  #watch(move: string, departure: Departure, now: number): void {
    if (now - departure.heardMs < HOMES_SILENCE_MS_MAX || departure.isChecking) return;
    departure.isChecking = true;
    const { clientId } = departure;
    const entry = this.#entries.get(clientId);
    const over = (): void => {
      departure.isChecking = false;
    };
    this.#directory.get(clientId, (found) => {
      if (found === undefined || entry === undefined || this.#departures.get(move) !== departure) return over();
      const there = found.value === undefined ? undefined : decodeEntry(found.value);
      if (there?.home !== this.#services.system.node) {
        if (there?.life !== entry.life || there.move === move) return this.#moved(move);
        this.#depose(move, clientId);
        this.#entries.leave(clientId);
        departure.emigrant.reopen();
        this.#follow(departure.emigrant, { life: entry.life, epoch: entry.epoch });
        return this.#resume(clientId);
      }
      this.#directory.claim(clientId, found.revision, found.value, (claimed) => {
        over();
        if (claimed.type !== 'done' || this.#departures.get(move) !== departure) return;
        entry.revision = claimed.revision;
        this.#stays(move);
      });
    });
  }

  /** Asks for fences in the name of a node that has been away. */
  #fence(clientId: string, life: string, to: number, respond: (reply: true) => void): void {
    this.#directory.get(clientId, (found) => {
      respond(true);
      const entry = found?.value === undefined ? undefined : decodeEntry(found.value);
      const { node } = this.#services.system;
      if (entry?.life !== life || entry.home !== node) return;
      const filters = (recordOf(entry)?.subscriptions ?? []).map(({ filter }) => filter).filter((filter) => filter[0] !== '$');
      this.#relay?.fence(awayFence(entry), [to], filters, [node, ...this.#relay.nodesUp]);
    });
  }

  #further(clientId: string, life: string, bytes: Uint8Array, respond: (isTaken: boolean) => void): void {
    const entry = this.#entries.get(clientId);
    if (entry?.life !== life || entry.isFrozen) return respond(false);
    const registry = registryOf(this.#services, clientId);
    this.#ctx.ask<RegistryMessage, Granted>(registry, { type: 'find', clientId }, STORE_ASK_MS, (found) => {
      if (found === undefined || found.previous === NOBODY) return respond(false);
      this.#ctx.ask<SessionMessage, boolean>(found.previous, { type: 'further', bytes }, STORE_ASK_MS, (isTaken) =>
        respond(isTaken === true),
      );
    });
  }

  // ---- what lies here, and the directory ----

  #scan(after: string | undefined): void {
    const page: MetadataMessage = {
      type: 'scan',
      prefix: KEYS.home,
      limit: META_TABLE_PAGE,
      ...(after === undefined ? {} : { after }),
    };
    const metadata = metadataRef(this.#services.system);
    this.#ctx.ask<MetadataMessage, MetadataPage | MetadataFailure>(metadata, page, STORE_ASK_MS, (answer) => {
      if (answer === undefined || 'code' in answer) return this.#scan(after);
      let left = answer.entries.length;
      const done = (): void => {
        if (--left > 0) return;
        if (answer.isLast) this.#confirmed();
        else this.#scan(answer.entries.at(-1)![0]);
      };
      if (left === 0) return this.#confirmed();
      for (const [key, value] of answer.entries) this.#confirm(key.slice(KEYS.home.length), decodeIdentity(value), done);
    });
  }

  #confirm(clientId: string, identity: Identity | undefined, done: () => void): void {
    if (identity === undefined) return done();
    this.#directory.get(clientId, (found) => {
      // Until the metadata answers nobody knows; the session gathers messages meanwhile.
      if (found === undefined) return this.#confirm(clientId, identity, done);
      this.#place(clientId, identity, found, done);
    });
  }

  /** The session lies here; whose is it? */
  #place(clientId: string, identity: Identity, found: Found, then: () => void): void {
    const entry = found.value === undefined ? undefined : decodeEntry(found.value);
    if (entry?.home === this.#services.system.node) {
      this.#entries.adopt(clientId, entry, found.revision);
      return then();
    }
    this.#entries.leave(clientId);
    const hasMoved = entry?.life === identity.life && entry.epoch > identity.epoch;
    this.#evict(clientId, hasMoved ? identity : undefined, then);
  }

  #confirmed(): void {
    this.#isConfirmed = true;
    const early = this.#early;
    this.#early = [];
    for (const say of early) say();
    this.#strangers.clear();
    const waiting = this.#onConfirmed;
    const parked = this.#parked;
    this.#onConfirmed = [];
    this.#parked = [];
    for (const then of waiting) then();
    for (const settling of parked) this.#settle(settling);
  }

  /** Looks whether the entry is still ours. */
  #compare(clientId: string, entry: Entry): void {
    this.#directory.get(clientId, (found) => {
      if (found === undefined || this.#entries.get(clientId) !== entry || entry.isFrozen || entry.isUnderWay) return;
      if (found.revision === entry.revision) return;
      const there = found.value === undefined ? undefined : decodeEntry(found.value);
      if (there?.home === this.#services.system.node) entry.revision = found.revision;
      else this.#place(clientId, { life: entry.life, epoch: entry.epoch }, found, () => {});
    });
  }

  /** The session is not of this node any more. `identity`: what is here for it is to follow it; undefined: is nobody's. */
  #evict(clientId: string, identity: Identity | undefined, then: () => void = () => {}): void {
    this.#entries.leave(clientId);
    this.#leaving.add(clientId);
    if (!this.#isConfirmed) this.#strangers.add(clientId);
    this.#emigrate(clientId, identity === undefined, (emigrant) => {
      this.#leaving.delete(clientId);
      if (emigrant === undefined || identity === undefined) {
        const deletes = [KEYS.home + clientId, KEYS.session + clientId];
        this.#tellMetadata({ type: 'write', puts: [], deletes, sync: false });
      } else {
        this.#follow(emigrant, identity);
      }
      then();
      this.#resume(clientId);
    });
  }

  /** What is here goes after the session. */
  #follow(emigrant: Emigrant, identity: Identity): void {
    const { clientId } = emigrant;
    const { slots } = this.#services.system;
    const away = new Away(this.#awayPorts(), emigrant, identity, () => {
      this.#away.delete(clientId);
      slots[slot.away] = this.#away.size;
    });
    this.#away.set(clientId, away);
    slots[slot.away] = this.#away.size;
  }

  #emigrate(clientId: string, discard: boolean, ready: (emigrant: Emigrant | undefined) => void): void {
    const terms = { clientId, discard, ready: (emigrant: Emigrant | undefined) => this.#later(() => ready(emigrant)) };
    this.#services.system.spawn<SessionMessage>(() => new Emigrant(this.#services, terms), { name: 'emigrant' });
  }

  // ---- tools ----

  #ports(): ArrivalPorts {
    return {
      services: this.#services,
      directory: this.#directory,
      relay: () => this.#relay,
      ask: (node, message, then) => this.#ask(node, message, then),
      askMetadata: (message, then) =>
        this.#ctx.ask<WriteMetadata, true | MetadataFailure>(metadataRef(this.#services.system), message, STORE_ASK_MS, then),
      later: (then) => this.#later(then),
      claimed: (clientId, identity, revision) => this.#entries.adopt(clientId, identity, revision),
    };
  }

  #awayPorts(): AwayPorts {
    return {
      node: this.#services.system.node,
      nodes: this.#nodes,
      find: (clientId, then) => this.#directory.get(clientId, then),
      ask: (node, message, then) => this.#ask(node, message, then),
      later: (then) => this.#later(then),
      forwarded: (messages) => {
        this.#services.system.slots[slot.further]! += messages;
      },
    };
  }

  #ask<R>(node: number, message: HomesMessage, then: (reply: R | undefined) => void): void {
    this.#ctx.ask<HomesMessage, R>(homesRef(node), message, HOMES_ASK_MS, (reply) => then(reply));
    this.#services.system.requestTurn();
  }

  #say(node: number, message: HomesMessage): void {
    this.#ctx.tell(homesRef(node), message);
    this.#services.system.requestTurn();
  }

  #noteLife(clientId: string, identity: Identity | undefined): void {
    const key = KEYS.home + clientId;
    const puts = identity === undefined ? [] : ([[key, encodeIdentity(identity)]] as const);
    this.#tellMetadata({ type: 'write', puts, deletes: identity === undefined ? [key] : [], sync: false });
  }

  #tellMetadata(message: WriteMetadata): void {
    this.#services.system.tell(metadataRef(this.#services.system), message);
  }

  #later(then: () => void): void {
    this.#ctx.io(IO_LATER, then);
  }

  #flushSoon(): void {
    if (!this.#isFlushDue) this.#isFlushDue = this.#ctx.tell(this.#ctx.self as ActorRef<HomesMessage>, { type: 'flush' });
  }
}
