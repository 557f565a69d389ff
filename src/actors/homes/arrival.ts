/**
 * One session on its way to this node: does what the move's machine (move-machine.ts) says, and tells it what has come of it. Lives in the homes actor, whose ports it uses.
 */
import { HOMES_ASK_MS, HOMES_FENCE_MS, HOMES_MOVES_KEPT } from '../../base/limits.ts';
import { NOBODY } from '../../runtime/ref.ts';
import type { Qos } from '../../wire/mqtt/constants.ts';
import type { HomeClosed, HomeDeparting, HomeMessages, HomeRefused } from '../../wire/schema-types.ts';
import { KEYS, type MetadataFailure, metadataRef, type WriteMetadata } from '../metadata/messages.ts';
import type { RelayActor } from '../relay/actor.ts';
import { whenSubscribed } from '../session/claim.ts';
import type { SessionMessage, SubscriptionState } from '../session/messages.ts';
import { Orphan } from '../session/orphan.ts';
import { encodeSession, idsOf, type SessionRecord, sessionKey } from '../session/record.ts';
import { SessionSeed } from '../session/seed.ts';
import type { SessionServices } from '../session/services.ts';
import type { HomesCore } from './core.ts';
import type { Claimed, Directory } from './directory.ts';
import { encodeEntry, entryIn, type HomeEntry, type Identity } from './entry.ts';
import { Immigrant } from './immigrant.ts';
import { type HomesMessage, homesRef } from './messages.ts';
import { type MoveEffect, type MoveEvent, MoveMachine } from './move-machine.ts';
import { encodeHomeNote } from './notes.ts';
import { decodePage } from './page.ts';

export interface ArrivalPorts {
  readonly services: SessionServices;
  readonly directory: Directory;
  readonly relay: () => RelayActor | null;
  readonly ask: <R>(node: number, message: HomesMessage, then: (reply: R | undefined) => void) => void;
  readonly askMetadata: (message: WriteMetadata, then: (reply: true | MetadataFailure | undefined) => void) => void;
  /** Runs it in the homes actor's turn. */
  readonly later: (then: () => void) => void;
  /** Of core.ts. */
  readonly secure: HomesCore['secure'];
  readonly claimed: (clientId: string, identity: Identity, revision: number) => void;
  /** The session takes all that comes from now on. */
  readonly begins: (life: string) => void;
}

export interface Way {
  readonly move: string;
  /** The former home does not answer. */
  readonly isAdoption: boolean;
  /** Waits for nodes that the former home reaches and this one does not, or does without their fences. */
  readonly isPatient: boolean;
}

/** The entry is another home's: what is written for this one under it is refused. */
const NO_REVISION = 0;

export type ArrivalResult = 'here' | 'again' | 'unavailable' | 'adopt';

export class Arrival {
  readonly clientId: string;
  readonly move: string;
  /** Of its fences. */
  readonly fence: string;
  deadlineMs = 0;
  readonly isAdoption: boolean;
  readonly #isPatient: boolean;
  readonly #ports: ArrivalPorts;
  readonly #machine: MoveMachine;
  readonly #entry: HomeEntry;
  readonly #record: SessionRecord;
  readonly #identity: Identity;
  readonly #then: (result: ArrivalResult) => void;
  #revision: number;
  #subscriptions: readonly SubscriptionState[];
  #departing: HomeDeparting | null = null;
  #immigrant: Immigrant | null = null;
  /** Nodes whose fences are to come, and those that have. */
  #required: number[] = [];
  readonly #passed = new Set<number>();
  /** Until when. */
  #fenceMs = 0;
  #value: Uint8Array | null = null;
  #isKept = false;

  constructor(
    ports: ArrivalPorts,
    found: { readonly clientId: string; readonly entry: HomeEntry; readonly record: SessionRecord; readonly revision: number },
    { move, isAdoption, isPatient }: Way,
    then: (result: ArrivalResult) => void,
  ) {
    this.#ports = ports;
    this.clientId = found.clientId;
    this.#entry = found.entry;
    this.#record = found.record;
    this.#revision = found.revision;
    this.#subscriptions = found.record.subscriptions;
    this.move = move;
    const { life, epoch, moves } = found.entry;
    this.#identity = { life, epoch: epoch + 1, moves: isAdoption ? moves : [...moves, move].slice(-HOMES_MOVES_KEPT) };
    this.fence = isAdoption ? awayFence(this.#identity) : `m:${move}`;
    this.#then = then;
    this.isAdoption = isAdoption;
    this.#isPatient = isPatient;
    this.#machine = new MoveMachine(isAdoption);
  }

  begin(): void {
    this.#hurryBy();
    this.#machine.state === 'keeping'
      ? this.#begin(null, () => this.#perform(this.#machine.begin()))
      : this.#perform(this.#machine.begin());
  }

  /** A fence has come, in the turn of its stream. */
  passed(node: number): void {
    this.#passed.add(node);
    this.#immigrant?.passed(node);
    if (this.#hasAll()) this.#ports.later(() => this.#tell({ type: 'fenced' }));
  }

  /** Asks again for what has not come. */
  tick(nowMs: number): void {
    const { state } = this.#machine;
    // What becomes of a claim is waited for, or the session might have no home.
    if (nowMs > this.deadlineMs && state !== 'claiming') return this.#tell({ type: 'failed' });
    if (state !== 'fencing' && state !== 'parting') return;
    // What a node has that puts none comes later, from the former home.
    if (nowMs > this.#fenceMs) this.#tell({ type: 'fenced' });
    else this.#askFences();
  }

  inspect(): unknown {
    return { clientId: this.clientId, from: this.#entry.home, state: this.#machine.state, offset: this.#machine.offset };
  }

  #tell(event: MoveEvent): void {
    this.#hurryBy();
    this.#perform(this.#machine.receive(event));
  }

  /** For the next step. */
  #hurryBy(): void {
    this.deadlineMs = this.#ports.services.system.now() + 2 * HOMES_ASK_MS;
  }

  /** What is asked for may come when nobody waits for it any more. */
  get #isGivenUp(): boolean {
    return this.#machine.state === 'done';
  }

  #perform(effects: readonly MoveEffect[]): void {
    for (const effect of effects) {
      switch (effect.type) {
        case 'askFormer':
          this.#askFormer();
          break;
        case 'askPage':
          this.#askPage(effect.offset);
          break;
        case 'fence':
          this.#beginFences();
          break;
        case 'close':
          this.#askClose();
          break;
        case 'keep':
          this.#keep();
          break;
        case 'claim':
          this.#claim();
          break;
        case 'begin':
          return this.#enter(() => this.#perform(effects.slice(effects.indexOf(effect) + 1)));
        case 'tellMoved':
          this.#say({ type: 'HomeMoved', move: this.move });
          break;
        case 'tellStay':
          this.#say({ type: 'HomeStay', move: this.move });
          break;
        case 'discard':
          this.#discard();
          break;
        case 'answer':
          this.#then(effect.result);
          break;
      }
    }
  }

  #askFormer(): void {
    const { system } = this.#ports.services;
    const message: HomesMessage = { type: 'HomeDepart', clientId: this.clientId, move: this.move, to: system.node };
    this.#ports.ask<HomeDeparting | HomeRefused>(this.#entry.home, message, (departing) => {
      if (this.#isGivenUp) return;
      if (departing?.type !== 'HomeDeparting') return this.#tell({ type: departing?.isBusy === true ? 'busy' : 'gone' });
      this.#departing = departing;
      this.#revision = departing.revision;
      this.#subscriptions = departing.subscriptions.map((each) => ({ ...each, qos: each.qos as Qos }));
      const here = [system.node, ...(this.#ports.relay()?.nodesUp ?? [])];
      const isUnreached = departing.nodesUp.some((node) => !here.includes(node)) || !here.includes(this.#entry.home);
      const unreached = isUnreached && this.#isPatient;
      this.#begin(departing, () => this.#tell({ type: 'departing', end: departing.inbox.end, unreached }));
    });
  }

  /** Makes the inbox and subscribes; `then` when every reactor here knows of that. */
  #begin(departing: HomeDeparting | null, then: () => void): void {
    const { services, later } = this.#ports;
    services.inboxes!.newShard((shard) =>
      later(() => {
        if (this.#isGivenUp) return void (shard !== undefined && services.inboxes!.drop(shard));
        if (shard === undefined) return this.#tell({ type: 'failed' });
        const immigrant = new Immigrant(services, this.clientId, shard, departing === null ? null : departing.inbox);
        this.#immigrant = immigrant;
        if (departing !== null) this.#machine.offset = departing.inbox.ackedTo;
        immigrant.subscribe(this.#subscriptions);
        services.system.requestTurn();
        whenSubscribed(services, () => later(() => void (this.#isGivenUp || then())));
      }),
    );
  }

  #askPage(offset: number): void {
    this.#ports.ask<HomeMessages | HomeRefused>(this.#entry.home, { type: 'HomePage', move: this.move, offset }, (page) => {
      if (page?.type !== 'HomeMessages') return this.#tell({ type: 'gone' });
      const runs = decodePage(page.bytes);
      if (runs === undefined || this.#immigrant === null) return this.#tell({ type: 'gone' });
      this.#immigrant.take(runs);
      this.#tell({ type: 'page', next: page.next, isLast: page.isLast });
    });
  }

  #beginFences(): void {
    const { node } = this.#ports.services.system;
    this.#required = [node, ...(this.#ports.relay()?.nodesUp ?? [])].filter(
      (each) => this.#departing !== null || each === node || each !== this.#entry.home,
    );
    this.#fenceMs = this.#ports.services.system.now() + HOMES_FENCE_MS;
    this.#askFences();
  }

  #askFences(): void {
    const { services, relay } = this.#ports;
    const filters = this.#subscriptions.map(({ filter }) => filter).filter((filter) => !filter.startsWith('$'));
    const missing = this.#required.filter((node) => !this.#passed.has(node));
    const ends = [this.#entry.home, services.system.node];
    relay()?.fence(this.fence, ends, filters, missing);
    if (this.#hasAll()) this.#ports.later(() => this.#tell({ type: 'fenced' }));
  }

  #hasAll(): boolean {
    return this.#required.length > 0 && this.#required.every((node) => this.#passed.has(node));
  }

  #askClose(): void {
    const message: HomesMessage = { type: 'HomeClose', move: this.move, nodes: [...this.#passed] };
    this.#ports.ask<HomeClosed | HomeRefused>(this.#entry.home, message, (closed) =>
      this.#tell(closed?.type === 'HomeClosed' ? { type: 'closed', end: closed.end } : { type: 'gone' }),
    );
  }

  #keep(): void {
    const { services, later, askMetadata } = this.#ports;
    const immigrant = this.#immigrant!;
    const departing = this.#departing;
    immigrant.settle(departing?.inbox ?? null, departing?.inbound ?? [], () =>
      later(() => {
        if (this.#isGivenUp) return;
        if (immigrant.hasLost) return this.#tell({ type: 'failed' });
        const { machine } = immigrant.inbox;
        const offlineSince = services.system.wallClock();
        const { clientId, expirySeconds } = this.#record;
        // The client has come back in time: there is no will any more [MQTT-3.1.3-9].
        const base = { version: 1, clientId, shard: machine.shard, expirySeconds, offlineSince, will: null } as const;
        this.#value = encodeSession({ ...base, subscriptions: this.#subscriptions, ...idsOf(machine) });
        const puts = [
          [sessionKey(clientId), this.#value],
          [KEYS.home + clientId, encodeHomeNote(this.#identity)],
        ] as const;
        this.#isKept = true;
        askMetadata({ type: 'write', puts, deletes: [], sync: true }, (reply) =>
          this.#tell({ type: reply === true ? 'kept' : 'failed' }),
        );
      }),
    );
  }

  #claim(): void {
    const { services, directory, later } = this.#ports;
    const value = encodeEntry({ home: services.system.node, ...this.#identity, record: this.#value! });
    directory.claim(this.clientId, this.#revision, value, (claimed) => later(() => this.#claimed(claimed)));
  }

  #claimed(claimed: Claimed): void {
    if (claimed.type === 'done') return this.#own(claimed.revision, 'claimed');
    if (claimed.type !== 'unknown') return this.#tell({ type: claimed.type === 'taken' ? 'lost' : 'failed' });
    this.#lookUp();
  }

  /** Nobody has said whether the claim was done: it is given up when it is certain that it has not been and will not be. */
  #lookUp(): void {
    const { later, secure, services } = this.#ports;
    const { life, epoch } = this.#identity;
    const isOurs = (entry: HomeEntry | undefined): boolean =>
      entry?.home === services.system.node && entry.life === life && entry.epoch === epoch;
    // The former home takes it for gone on here, with all that it had.
    const wasOurs = (entry: HomeEntry | undefined): boolean => entry?.life === life && entry.moves.includes(this.move);
    secure(
      this.clientId,
      (entry) => !isOurs(entry),
      (found) =>
        later(() => {
          if (found === undefined) return this.#lookUp();
          const entry = entryIn(found);
          if (isOurs(entry)) this.#own(found.revision, 'claimed');
          else if (wasOurs(entry)) this.#own(NO_REVISION, 'followed');
          else this.#tell({ type: 'lost' });
        }),
    );
  }

  #own(revision: number, how: 'claimed' | 'followed'): void {
    this.#ports.claimed(this.clientId, this.#identity, revision);
    this.#tell({ type: how });
  }

  /** It is a session of this node now, without a client, and taken over by the one who waits for it. */
  #enter(then: () => void): void {
    const { services, later, begins } = this.#ports;
    const immigrant = this.#immigrant!;
    const seed = new SessionSeed(services, null);
    begins(this.#identity.life);
    seed.leave(new Orphan(services, immigrant, this.clientId, immigrant.inbox, NOBODY as never, () => later(then)));
    services.system.spawn<SessionMessage>(() => seed.make(), { name: 'session' });
  }

  #discard(): void {
    this.#immigrant?.discard();
    this.#immigrant = null;
    if (!this.#isKept) return;
    const deletes = [sessionKey(this.clientId), KEYS.home + this.clientId];
    const { system } = this.#ports.services;
    system.tell(metadataRef(system), { type: 'write', puts: [], deletes, sync: false });
  }

  #say(message: HomesMessage): void {
    const { system } = this.#ports.services;
    system.tell(homesRef(this.#entry.home), message);
    system.requestTurn();
  }
}

/** For a node that the session has left, or that it has gone on without. */
export function awayFence({ life, epoch }: Ages): string {
  return `h:${epoch}:${life}`;
}

/** Undefined: another kind of fence. */
export function readAwayFence(name: string): Ages | undefined {
  const parts = /^h:(\d+):(.+)$/.exec(name);
  return parts === null ? undefined : { epoch: Number(parts[1]), life: parts[2]! };
}

interface Ages {
  readonly life: string;
  readonly epoch: number;
}
