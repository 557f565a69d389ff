/**
 * What a session is: its state, in one object, and the small questions and deeds that all of its subjects need. The subjects are functions over it, a file each; actor.ts draws
 * the states and says what leads where.
 */
import type { ActorContext, ReplyTo, TimerHandle } from '../../runtime/actor.ts';
import type { ActorRef } from '../../runtime/ref.ts';
import { writeAckReason } from '../../wire/mqtt/acks.ts';
import { PacketType, type Qos } from '../../wire/mqtt/constants.ts';
import type { ConnectPacket, ControlPacket, Will } from '../../wire/mqtt/packets.ts';
import { Reason } from '../../wire/mqtt/reason-codes.ts';
import type { Inbox } from '../inbox/inbox.ts';
import type { Outages } from '../inbox/outages.ts';
import type { ReplayState } from '../replay/machine.ts';
import type { Waiter } from '../router/pressure.ts';
import type { Delivery, Run, Sink } from '../router/sink.ts';
import type { Topic } from '../router/topic-table.ts';
import type { Admission, Applicant, Former } from './admission.ts';
import { Afterlife } from './afterlife.ts';
import type { Challenge } from './challenge.ts';
import { Client } from './client.ts';
import type { Bequest } from './handover.ts';
import type { Terms } from './handshake.ts';
import type { HookMessage, ReaderHost } from './inbound.ts';
import { SessionMachine } from './machine.ts';
import type { Estate, SessionMessage, SessionState, SubscriptionState } from './messages.ts';
import type { Orphan } from './orphan.ts';
import { Outbound, type OutboundHost } from './outbound.ts';
import type { KeptSession, Persistence } from './persistence.ts';
import type { ClientRates } from './rates.ts';
import type { Restored } from './restorer.ts';
import type { Rebirth } from './seed.ts';
import type { SessionServices } from './services.ts';
import { type ReplayingSession, SessionReplays } from './session-replays.ts';
import type { Standing } from './standing.ts';
import { membershipStates, subscriptionStates } from './state.ts';
import { Subscriber, type SubscribingSink } from './subscriber.ts';
import { TimedMachine } from './timed-machine.ts';
import { IO_CONTINUE, type Transport } from './transport.ts';

/** Keys of its timers. */
export const TIMER = {
  connect: 1,
  keepAlive: 2,
  slow: 3,
  afterlife: 4,
  handing: 5,
  expiry: 6,
  rate: 7,
  replay: 8,
} as const;
/** Longest that one timer runs; what is longer is waited for in steps. */
export const TIMER_MS_MAX = 3_600_000;
export type State = 'connecting' | 'authenticating' | 'claiming' | 'online' | 'offline' | 'handing' | 'ended';
export type Context = ActorContext<SessionMessage>;

/** Who has claimed the client id. */
export interface Heir {
  readonly to: ReplyTo;
  readonly by: ActorRef<SessionMessage>;
  readonly discard: boolean;
  readonly isMourned?: boolean | undefined;
}

export abstract class Session
  implements OutboundHost, SubscribingSink, ReplayingSession, KeptSession, Applicant, ReaderHost, Waiter, Estate
{
  // First what each message touches.
  readonly outbound: Outbound;
  /** Null once the connection is of no interest any more. */
  client: Client | null;
  state: State = 'connecting';
  ctx!: Context;
  readonly services: SessionServices;
  readonly afterlife: Afterlife;
  clientId = '';
  subscriber: Subscriber | null = null;
  /** Its subscriptions that replay declared topics; null until there is one. */
  replaying: SessionReplays | null = null;
  /** Null until the client has been let in. */
  standing: Standing | null = null;
  /** What the client has sent waits for the answer whether it may do it. */
  isDeciding = false;
  /** Null: nothing limits how fast the client sends. */
  rates: ClientRates | null = null;
  /** The client that is not read for as long as it is ahead of its rate, and until when. */
  hasty: { readonly client: Client; readonly timer: TimerHandle } | null = null;
  expirySeconds = 0;
  connectTimer: TimerHandle | null = null;
  /** Somebody claimed the client id while this session was still claiming it itself. */
  heir: Heir | null = null;
  /** The client has come back by another connection and gets what this session keeps. */
  isSucceeded = false;
  /** Number of its claim of the client id at the registry; 0: none. */
  claim = 0;
  /** How long its heir is waited for. */
  handingTimer: TimerHandle | null = null;
  /** What a session on another thread is being given. */
  bequest: Bequest | null = null;
  /** Null when the client authenticates by nothing but its password. */
  challenge: Challenge | null = null;
  /** What the client is told with the success of its authentication. */
  authenticationData: Uint8Array | undefined;
  /** What CONNECT has begun; null when there is nothing to abandon. */
  admission: Admission | null = null;
  /** Makes the session last through restarts, if it is to. */
  persistence!: Persistence;
  /** What the session is made again from; null once it is, and for one that a client has begun. */
  restored: Restored | Orphan | null;
  readonly rebirth: Rebirth | null;
  /** Protocol level of the last connection. */
  lastLevel = 0;
  /** Why the connection ended; of a connection that broke nobody has said. */
  endReason = 'connection_closed';
  offlineSince = 0;

  /** With a client's connection, or made again from disk without one. `rebirth`: null when nothing of it is kept when it fails. */
  constructor(
    services: SessionServices,
    transport: Transport | null,
    restored: Restored | Orphan | null = null,
    rebirth: Rebirth | null = null,
  ) {
    this.services = services;
    this.outbound = new Outbound(services, this);
    this.afterlife = new Afterlife(services);
    this.client = transport === null ? null : new Client(transport, services.pool, services.flushList);
    this.restored = restored;
    this.rebirth = rebirth;
  }

  get machine(): SessionMachine {
    return this.outbound.machine;
  }

  get inbox(): Inbox | null {
    return this.outbound.inbox;
  }

  get will(): Will | null {
    return this.afterlife.will;
  }

  subscriptions(): SubscriptionState[] {
    const { router, shares } = this.services;
    const exclusive = this.services.exclusive.filtersOf(this);
    return [...subscriptionStates(router.subscriptionsOf(this), exclusive), ...membershipStates(shares.membersOf(this))];
  }

  replays(): readonly ReplayState[] {
    return this.replaying?.record() ?? [];
  }

  get reading(): boolean {
    return (this.state === 'online' && !this.isDeciding) || this.state === 'connecting' || this.state === 'authenticating';
  }

  expects(type: number): boolean {
    if (this.state === 'connecting') return type === PacketType.CONNECT;
    return this.state === 'authenticating' && (type === PacketType.AUTH || type === PacketType.DISCONNECT);
  }

  get online(): boolean {
    return this.state === 'online';
  }

  get subscriptionCount(): number {
    return this.services.router.subscriptionCount(this) + this.services.shares.count(this) + (this.replaying?.count ?? 0);
  }

  newMachine(inFlightMax: number, resumable: boolean): SessionMachine {
    const { slow } = this.services.insight;
    if (slow === null) return new SessionMachine(inFlightMax, resumable);
    const { system } = this.services;
    return new TimedMachine(inFlightMax, resumable, {
      slow,
      clientId: this.clientId,
      now: () => system.now(),
      wallClock: () => system.wallClock(),
    });
  }

  ensureSubscriber(): Subscriber {
    return (this.subscriber ??= new Subscriber(this.services, this));
  }

  ensureReplaying(): SessionReplays {
    return (this.replaying ??= new SessionReplays(this.services, this.ctx, this.outbound, this, TIMER.replay));
  }

  restoreReplays(states: readonly ReplayState[] | undefined): void {
    if (states !== undefined && states.length > 0) this.ensureReplaying().restore(states);
  }

  /** Brings what is not live to a client that has room for it: retained messages, replays. */
  feed(): void {
    this.subscriber?.feed(this.ctx, () => this.outbound.atEase);
    this.replaying?.feed();
  }

  /** As events name it. */
  who(): { readonly clientid: string; readonly username: string } {
    return { clientid: this.clientId, username: this.standing?.identity.username ?? '' };
  }

  /** To the client, if it is there. */
  write(packet: Uint8Array): void {
    this.client?.output.append(packet, 0, packet.length);
  }

  /** Adds to a counter of the reactor. */
  count(counter: number, by: number): void {
    this.services.system.slots[counter]! += by;
  }

  /** The session is over. */
  end(): void {
    if (this.state === 'ended') return;
    this.state = 'ended';
    if (this.isSucceeded && !this.persistence.isEnding) this.ctx.stop();
    else this.persistence.end(() => this.ctx.stop());
  }

  hasRoom(qos: Qos): boolean {
    return this.outbound.hasRoom(qos);
  }

  deliver(run: Run, delivery: Delivery): void {
    this.outbound.deliver(run, delivery);
  }

  deliveryFailed(error: unknown): void {
    this.ctx.io(IO_CONTINUE, () => {
      throw error;
    });
  }

  watchSlowness(delayMs: number): void {
    this.ctx.startTimer(delayMs, TIMER.slow);
  }

  resendPubrel(packetId: number): void {
    const { output, dialect } = this.client!;
    const at = output.claim(4);
    writeAckReason(output.buffer, at, dialect, PacketType.PUBREL, packetId, Reason.SUCCESS);
  }

  forgetInbound(packetId: number): void {
    this.machine.endInbound(packetId);
    this.inbox?.endInbound(packetId);
  }

  takenAt(packetId: number, shard: number): number {
    const { inbox } = this;
    inbox?.takenAt(packetId, shard);
    return inbox?.machine.shard ?? 0;
  }

  hasTaken(packetId: number, shard: number): boolean {
    return this.inbox?.hasTaken(packetId, shard) === true;
  }

  mayReceive(topic: string): boolean {
    return this.standing?.rights?.mayReceive(topic) ?? true;
  }

  isClient(client: Client): boolean {
    return this.client === client;
  }

  whenKept(then: () => void): void {
    this.persistence.whenKept(then)();
  }

  relieved(): void {
    this.client?.unhold();
  }

  inherits(shard: number): void {
    this.persistence.inherits(shard);
  }

  /** The client id is this session's, by the claim with that number. */
  own(claim: number): void {
    this.claim = claim;
    this.services.sessions.enter(this.clientId, this.ctx.self, claim);
  }

  // ── What the subjects do for those that know the session by one of its interfaces: actor.ts says which ──────────────────────

  abstract authenticated(connect: ConnectPacket, terms: Terms, standing: Standing): boolean;
  abstract admitted(connect: ConnectPacket, terms: Terms, former: Former): void;
  abstract refused(reason: number): void;
  abstract expelled(): void;
  abstract control(packet: ControlPacket): void;
  abstract awaitPermission(topic: Topic, qos: Qos, retain: boolean): void;
  abstract awaitSessions(outages: Outages): void;
  abstract awaitVerdicts(messages: readonly HookMessage[]): void;
  abstract disconnect(reason: number): void;
  abstract overflowed(): void;
  abstract unwritten(): void;
  abstract notKept(): void;
  abstract returnShared(key: string): void;
  abstract release(key: string): void;
  abstract takeOver(heir: Sink, by: ActorRef<SessionMessage>): SessionState;
}
