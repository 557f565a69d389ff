/**
 * What makes a session last: its inbox, and its record in the metadata, which is written whenever something in it changes. Before a client is told that something is
 * so (CONNACK, SUBACK, UNSUBACK) the record says so on disk; that it has come or gone is written without anybody waiting. For a session that does not last, or a
 * node that keeps nothing, all of this is nothing.
 */
import { STORE_ASK_MS } from '../../base/limits.ts';
import type { ActorContext } from '../../runtime/actor.ts';
import type { ActorRef } from '../../runtime/ref.ts';
import type { Will } from '../../wire/mqtt/packets.ts';
import type { HomesMessage, WillVerdict } from '../homes/messages.ts';
import { Inbox } from '../inbox/inbox.ts';
import { type Inboxes, inboundOf, inboxStateOf } from '../inbox/inboxes.ts';
import { emptyInboxState, type InboxState } from '../inbox/machine.ts';
import { type MetadataFailure, metadataRef, type WriteMetadata } from '../metadata/messages.ts';
import type { ReplayState } from '../replay/machine.ts';
import type { ShardFacts } from '../store/messages.ts';
import type { Former } from './admission.ts';
import type { SessionMessage, SessionState, SubscriptionState } from './messages.ts';
import type { Orphan } from './orphan.ts';
import type { Outbound } from './outbound.ts';
import { decodeSession, encodeSession, idsOf, type SessionRecord, sessionKey } from './record.ts';
import { OWN_CLIENTS, type SessionServices } from './services.ts';
import { IO_CONTINUE } from './transport.ts';

/** The session. */
export interface KeptSession {
  readonly clientId: string;
  readonly expirySeconds: number;
  readonly offlineSince: number;
  readonly will: Will | null;
  subscriptions(): readonly SubscriptionState[];
  replays(): readonly ReplayState[];
  /** What the client is to be told could not be put on disk. */
  notKept(): void;
}

export class Persistence {
  readonly #services: SessionServices;
  readonly #ctx: ActorContext<SessionMessage>;
  readonly #outbound: Outbound;
  readonly #session: KeptSession;
  /** Has a record. */
  #isKept = false;
  #isWillNoted = false;
  /** The log knows that the session is over. */
  #isMarked = false;
  /** Wait for that. */
  #whenMarked: (() => void)[] | null = null;

  constructor(services: SessionServices, ctx: ActorContext<SessionMessage>, outbound: Outbound, session: KeptSession) {
    this.#services = services;
    this.#ctx = ctx;
    this.#outbound = outbound;
    this.#session = session;
  }

  /**
   * The session is about to begin, or to go on: `then` hears when it lasts as long as it is to, or that it cannot. What is left of a former session that does not go on
   * is removed.
   */
  provide({ state, hasRecord, discarded }: Former, then: (isProvided: boolean) => void): void {
    const { inboxes } = this.#services;
    if (inboxes === null) return then(true);
    if (discarded !== undefined) inboxes.drop(discarded);
    const inbox = this.#inherited(state, inboxes);
    if (inbox !== null) {
      this.keep(inbox);
      this.saveLater();
      // The cluster has to agree that the session lives here still, whatever is on disk.
      let isHome: boolean | undefined;
      let isDurable = false;
      const done = (): void => {
        if (isHome !== undefined && isDurable) then(isHome);
      };
      this.#tellHomes((isKept) => {
        isHome = isKept;
        done();
      });
      return inboxes.whenDurable(() =>
        this.#ctx.io(IO_CONTINUE, () => {
          isDurable = true;
          done();
        }),
      );
    }
    if (this.#session.expirySeconds === 0) {
      if (hasRecord) this.#forgetRecord();
      return then(true);
    }
    inboxes.newShard((shard) =>
      this.#ctx.io(IO_CONTINUE, () => {
        if (shard === undefined) return then(false);
        this.#outbound.keepIn(new Inbox(inboxes, emptyInboxState(shard)));
        this.#begin(inboxes, shard, then);
      }),
    );
  }

  /** The cluster is asked first: if it does not agree, the record that is here is that of a session that lives elsewhere, or is about to. */
  #begin(inboxes: Inboxes, shard: number, then: (isBegun: boolean) => void): void {
    this.#tellHomes((isHome) => {
      if (isHome) {
        this.#isKept = true;
        return this.#saveHere(then);
      }
      this.#outbound.leaveInbox();
      inboxes.drop(shard);
      then(false);
    });
  }

  /** Messages go by this inbox from now on. */
  keep(inbox: Inbox): void {
    this.#outbound.keepIn(inbox);
    this.#isKept = true;
  }

  /** Messages for this inbox may come from now on; its former owner, on another thread, is still at it. */
  inherits(shard: number): void {
    const { inboxes } = this.#services;
    if (inboxes === null) return;
    const inbox = new Inbox(inboxes, emptyInboxState(shard));
    inbox.isHeld = true;
    this.#outbound.keepIn(inbox);
  }

  /** For what also waits for something else: `then` is called when the record is on disk and the result has been called. */
  whenKept(then: () => void): () => void {
    if (!this.#isKept) return then;
    let waiting = 2;
    const done = (): void => {
      if (--waiting === 0) then();
    };
    this.#save((isSaved) => (isSaved ? done() : this.#session.notKept()));
    return done;
  }

  /** Writes the record, if there is one, and nobody waits. */
  saveLater(): void {
    if (!this.#isKept) return;
    const write = this.#write(false);
    this.#ctx.tell(metadataRef(this.#services.system), write);
    const homes = this.#homes();
    if (homes !== undefined) {
      const { clientId } = this.#session;
      this.#ctx.tell<HomesMessage>(homes, { type: 'keep', clientId, record: write.puts[0]![1] });
    }
  }

  /** A session that does not last, and its will: others are to know of it, if there are any. */
  noteWill(): void {
    const { clientId, will } = this.#session;
    const homes = this.#homes();
    if (this.#isKept || will === null || homes === undefined) return;
    this.#isWillNoted = true;
    this.#ctx.tell<HomesMessage>(homes, { type: 'noteWill', clientId, by: this.#ctx.self, will });
  }

  /** The session is over. A will that has not been published is the cluster's to publish. */
  strikeWill(): void {
    const { clientId, will } = this.#session;
    if (this.#isWillNoted && will === null)
      this.#ctx.tell<HomesMessage>(this.#homes()!, { type: 'strikeWill', clientId, by: this.#ctx.self });
  }

  /** How to ask whether the will is this session's to publish; null: nobody else might. What is asked leaves when the log knows what the client has been sent, behind the record that says so. */
  willQuestion(): ((then: (verdict: WillVerdict) => void) => void) | null {
    const homes = this.#homes();
    const { inboxes } = this.#services;
    if (!this.#isKept || homes === undefined || inboxes === null) return null;
    return (then) =>
      inboxes.whenDurable(() =>
        this.#ctx.io(IO_CONTINUE, () => {
          const question: HomesMessage = { type: 'will', clientId: this.#session.clientId, record: this.#record(null) };
          this.#ctx.ask<HomesMessage, WillVerdict>(homes, question, STORE_ASK_MS, (verdict = 'later') => {
            then(verdict);
            if (verdict !== 'later') this.saveLater();
          });
        }),
      );
  }

  /**
   * The session is over. What its inbox has for others they are to get, whatever happens from now on: calls `then` in the session's turn when the log knows that. Until then the
   * session is not let go of.
   */
  end(then: () => void): void {
    const { inbox } = this.#outbound;
    const { emptying } = this.#services;
    if (!this.#isKept || inbox === null || this.#isMarked || !emptying!.needs(inbox)) return then();
    if (this.#whenMarked !== null) return void this.#whenMarked.push(then);
    this.#whenMarked = [then];
    this.#markEnded();
  }

  /** The log has yet to say so. */
  get isEnding(): boolean {
    return this.#whenMarked !== null;
  }

  #markEnded(): void {
    this.#services.emptying!.mark(this.#outbound.inbox!, (code) =>
      this.#ctx.io(IO_CONTINUE, () => {
        // A full disk is asked again.
        if (code !== undefined) return this.#services.inboxes!.inAWhile(() => this.#ctx.io(IO_CONTINUE, () => this.#markEnded()));
        this.#isMarked = true;
        const waiting = this.#whenMarked!;
        this.#whenMarked = null;
        for (const then of waiting) then();
      }),
    );
  }

  /** Nothing of the session is kept, and it has been said to end. A node that leaves before it could be said has the session again. */
  forget(): void {
    if (!this.#isKept || this.isEnding) return;
    this.#forgetRecord();
    this.discard();
  }

  /** The inbox goes, or is emptied first; returns whether that is so. */
  discard(): boolean {
    const { inboxes, emptying } = this.#services;
    const { inbox } = this.#outbound;
    if (inboxes === null || inbox === null) return false;
    if (this.#isMarked) emptying!.begin(inbox);
    else inboxes.drop(inbox.machine.shard);
    return this.#isMarked;
  }

  /** The inbox to go on with, from this reactor or another one. */
  #inherited(state: SessionState | null, inboxes: Inboxes): Inbox | null {
    const ours = this.#outbound.inbox;
    const theirs = state?.inbox ?? null;
    if (theirs instanceof Inbox) return theirs;
    if (ours === null) return theirs === null ? null : new Inbox(inboxes, theirs);
    // We have been collecting for it while its former owner was at it, who has now told all it knows, or has failed to.
    ours.release(theirs);
    if (theirs !== null) return ours;
    inboxes.drop(ours.machine.shard);
    this.#outbound.leaveInbox();
    return null;
  }

  #save(then: (isSaved: boolean) => void): void {
    this.#saveHere((isSaved) => (isSaved ? this.#tellHomes(then) : then(false)));
  }

  #saveHere(then: (isSaved: boolean) => void): void {
    const metadata = metadataRef(this.#services.system);
    this.#ctx.ask<WriteMetadata, true | MetadataFailure>(metadata, this.#write(true), STORE_ASK_MS, (answer) =>
      then(answer === true),
    );
  }

  /** Calls `then` when the cluster knows of the record, or when it does not agree; at once on a node by itself. */
  #tellHomes(then: (isKept: boolean) => void): void {
    const homes = this.#homes();
    if (homes === undefined) return then(true);
    const record = this.#write(false).puts[0]![1];
    const keep: HomesMessage = { type: 'keep', clientId: this.#session.clientId, record };
    this.#ctx.ask<HomesMessage, boolean>(homes, keep, STORE_ASK_MS, (isKept) => then(isKept === true));
  }

  /** Bridges have the same client ids on every node, and stay where they are. */
  #homes(): ActorRef<HomesMessage> | undefined {
    return this.#session.clientId.startsWith(OWN_CLIENTS) ? undefined : this.#services.homes;
  }

  #write(sync: boolean): WriteMetadata {
    const { clientId, will } = this.#session;
    return { type: 'write', puts: [[sessionKey(clientId), this.#record(will)]], deletes: [], sync };
  }

  #record(will: Will | null): Uint8Array {
    const { clientId, expirySeconds, offlineSince } = this.#session;
    const { machine } = this.#outbound.inbox!;
    const subscriptions = this.#session.subscriptions();
    const replays = this.#session.replays();
    const record = { version: 1, clientId, shard: machine.shard, expirySeconds, offlineSince, will, subscriptions } as const;
    const shifted = { ...record, ...idsOf(machine) };
    return encodeSession(replays.length === 0 ? shifted : { ...shifted, replays });
  }

  #forgetRecord(): void {
    const deletes = [sessionKey(this.#session.clientId)];
    this.#ctx.tell(metadataRef(this.#services.system), { type: 'write', puts: [], deletes, sync: false });
    const homes = this.#homes();
    if (homes !== undefined) this.#ctx.tell<HomesMessage>(homes, { type: 'forget', clientId: this.#session.clientId });
  }
}

/** What a session is made again from. */
export interface Found {
  readonly record: SessionRecord;
  readonly facts: ShardFacts;
  readonly taken: InboxState['taken'];
}

/** What is on disk of a session, however long the store takes to say so; undefined: nothing is. */
export function loadSession(
  services: SessionServices,
  ctx: ActorContext<SessionMessage>,
  { clientId, inbox }: Orphan,
  then: (found: Found | undefined) => void,
): void {
  const inboxes = services.inboxes!;
  const { shard } = inbox.machine;
  inboxes.recall([sessionKey(clientId)], (values) => {
    const record = values[0] ? decodeSession(values[0]) : undefined;
    inboxes.know([shard], dedicatedShards(services), ([facts], taken) =>
      ctx.io(IO_CONTINUE, () => then(record && facts ? { record, facts, taken: taken.get(shard) ?? [] } : undefined)),
    );
  });
}

/** The shards of dedicated logs that may remember messages of QoS 2. */
export function dedicatedShards({ replays }: SessionServices): number[] {
  const declarations = [...(replays?.declarations() ?? [])];
  return declarations.flatMap(({ engine, shards }) => (engine === 'dedicated' ? shards : []));
}

/**
 * The inbox of a session that is made again, and the packet ids that its client has not released. What a connection had been sent when the node died is not
 * known to the last message, so if there was one, all that was there counts as sent once: DUP says that a message may have been seen [MQTT-3.3.1-1].
 */
export function restoredInbox(
  inboxes: Inboxes,
  { shard, offlineSince, idShift = 0, unsureTo = 0 }: SessionRecord,
  facts: ShardFacts,
  taken: InboxState['taken'],
): { inbox: Inbox; inbound: readonly number[] } {
  const state = { ...inboxStateOf(shard, facts), taken, idShift, unsureTo };
  const inbox = new Inbox(inboxes, state);
  if (offlineSince === 0) inbox.sentAll();
  return { inbox, inbound: inboundOf(facts) };
}
