/**
 * One session on its way to this node: does what the move's machine (move-machine.ts) says, and tells it what has come of it. Lives in the homes actor, whose ports it uses.
 */
import { HOMES_ASK_MS } from '../../base/limits.ts';
import { NOBODY } from '../../runtime/ref.ts';
import type { Qos } from '../../wire/mqtt/constants.ts';
import type { HomeClosed, HomeDeparting, HomeMessages, HomeRefused } from '../../wire/schema-types.ts';
import { KEYS, type MetadataFailure, metadataRef, type WriteMetadata } from '../metadata/messages.ts';
import type { RelayActor } from '../relay/actor.ts';
import { whenSubscribed } from '../session/claim.ts';
import type { SessionMessage, SubscriptionState } from '../session/messages.ts';
import { Orphan } from '../session/orphan.ts';
import { encodeSession, type SessionRecord, sessionKey } from '../session/record.ts';
import { SessionSeed } from '../session/seed.ts';
import type { SessionServices } from '../session/services.ts';
import type { Claimed, Directory, Found } from './directory.ts';
import { decodeEntry, encodeEntry, encodeIdentity, type HomeEntry, type Identity } from './entry.ts';
import { Immigrant } from './immigrant.ts';
import { type HomesMessage, homesRef } from './messages.ts';
import { type MoveEffect, type MoveEvent, MoveMachine } from './move-machine.ts';
import { decodePage } from './page.ts';

export interface ArrivalPorts {
  readonly services: SessionServices;
  readonly directory: Directory;
  readonly relay: () => RelayActor | null;
  readonly ask: <R>(node: number, message: HomesMessage, then: (reply: R | undefined) => void) => void;
  readonly askMetadata: (message: WriteMetadata, then: (reply: true | MetadataFailure | undefined) => void) => void;
  /** Runs it in the homes actor's turn. */
  readonly later: (then: () => void) => void;
  readonly claimed: (clientId: string, identity: Identity, revision: number) => void;
}

export type ArrivalResult = 'here' | 'again' | 'unavailable' | 'adopt';

export class Arrival {
  readonly clientId: string;
  readonly move: string;
  /** Of its fences. */
  readonly fence: string;
  deadlineMs = 0;
  readonly isAdoption: boolean;
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
  #value: Uint8Array | null = null;
  #isKept = false;

  constructor(
    ports: ArrivalPorts,
    found: { readonly clientId: string; readonly entry: HomeEntry; readonly record: SessionRecord; readonly revision: number },
    move: string,
    isAdoption: boolean,
    then: (result: ArrivalResult) => void,
  ) {
    this.#ports = ports;
    this.clientId = found.clientId;
    this.#entry = found.entry;
    this.#record = found.record;
    this.#revision = found.revision;
    this.#subscriptions = found.record.subscriptions;
    this.move = move;
    this.#identity = { life: found.entry.life, epoch: found.entry.epoch + 1, ...(isAdoption ? {} : { move }) };
    this.fence = isAdoption ? awayFence(this.#identity) : `m:${move}`;
    this.#then = then;
    this.isAdoption = isAdoption;
    this.#machine = new MoveMachine(isAdoption);
  }

  begin(): void {
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
    if (state === 'fencing' || state === 'parting') this.#askFences();
  }

  inspect(): unknown {
    return { clientId: this.clientId, from: this.#entry.home, state: this.#machine.state, offset: this.#machine.offset };
  }

  #tell(event: MoveEvent): void {
    this.deadlineMs = this.#ports.services.system.now() + 2 * HOMES_ASK_MS;
    this.#perform(this.#machine.receive(event));
  }

  #perform(effects: readonly MoveEffect[]): void {
    this.deadlineMs ||= this.#ports.services.system.now() + 2 * HOMES_ASK_MS;
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
      if (departing?.type !== 'HomeDeparting') return this.#tell({ type: departing?.isBusy === true ? 'busy' : 'gone' });
      this.#departing = departing;
      this.#revision = departing.revision;
      this.#subscriptions = departing.subscriptions.map((each) => ({ ...each, qos: each.qos as Qos }));
      const here = [system.node, ...(this.#ports.relay()?.nodesUp ?? [])];
      const unreached = departing.nodesUp.some((node) => !here.includes(node)) || !here.includes(this.#entry.home);
      this.#begin(departing, () => this.#tell({ type: 'departing', end: departing.inbox.end, unreached }));
    });
  }

  /** Makes the inbox and subscribes; `then` when every reactor here knows of that. */
  #begin(departing: HomeDeparting | null, then: () => void): void {
    const { services, later } = this.#ports;
    services.inboxes!.newShard((shard) =>
      later(() => {
        if (shard === undefined) return this.#tell({ type: 'failed' });
        const immigrant = new Immigrant(services, this.clientId, shard, departing === null ? null : departing.inbox);
        this.#immigrant = immigrant;
        if (departing !== null) this.#machine.offset = departing.inbox.ackedTo;
        immigrant.subscribe(this.#subscriptions);
        services.system.requestTurn();
        whenSubscribed(services, () => later(then));
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
    const message: HomesMessage = { type: 'HomeClose', move: this.move, nodes: this.#required };
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
        if (immigrant.isOverfull) return this.#tell({ type: 'failed' });
        const { shard, idShift } = immigrant.inbox.machine;
        const offlineSince = services.system.wallClock();
        const { clientId, expirySeconds } = this.#record;
        // The client has come back in time: there is no will any more [MQTT-3.1.3-9].
        const base = { version: 1, clientId, shard, expirySeconds, offlineSince, will: null } as const;
        this.#value = encodeSession({ ...base, subscriptions: this.#subscriptions, ...(idShift === 0 ? {} : { idShift }) });
        const puts = [
          [sessionKey(clientId), this.#value],
          [KEYS.home + clientId, encodeIdentity(this.#identity)],
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
    const { directory, later } = this.#ports;
    if (claimed.type === 'done') return this.#own(claimed.revision);
    if (claimed.type !== 'unknown') return this.#tell({ type: claimed.type === 'taken' ? 'lost' : 'failed' });
    directory.get(this.clientId, (found) => later(() => this.#lookedUp(found)));
  }

  /** Nobody has said whether the claim was done: it is not given up before somebody does. */
  #lookedUp(found: Found | undefined): void {
    if (found === undefined) return this.#claimed({ type: 'unknown' });
    const entry = found.value === undefined ? undefined : decodeEntry(found.value);
    const { life, epoch } = this.#identity;
    const isOurs = entry?.home === this.#ports.services.system.node && entry.life === life && entry.epoch === epoch;
    if (isOurs) this.#own(found.revision);
    else this.#tell({ type: 'lost' });
  }

  #own(revision: number): void {
    this.#ports.claimed(this.clientId, this.#identity, revision);
    this.#tell({ type: 'claimed' });
  }

  /** It is a session of this node now, without a client, and taken over by the one who waits for it. */
  #enter(then: () => void): void {
    const { services, later } = this.#ports;
    const immigrant = this.#immigrant!;
    const seed = new SessionSeed(services, null);
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

/** Of a session that has moved without its former home. */
export function awayFence({ life, epoch }: Identity): string {
  return `h:${epoch}:${life}`;
}

/** Undefined: another kind of fence. */
export function readAwayFence(name: string): Identity | undefined {
  const parts = /^h:(\d+):(.+)$/.exec(name);
  return parts === null ? undefined : { epoch: Number(parts[1]), life: parts[2]! };
}
