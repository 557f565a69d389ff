/**
 * A session: an actor on the reactor that accepted its client's connection, which it outlives when the client asked for that.
 *
 *   connecting ──CONNECT──▶ [authenticating ──AUTH──▶] claiming ──granted──▶ online ──connection lost──▶ offline ──expiry──▶ (stopped)
 *        │                     │                    │                            │
 *        └── refused, timed out, closed             └──── taken over: handing ───┴──▶ (stopped)
 *
 * This file holds the states and their transitions. `Outbound` brings messages to the client, `Subscriber` its subscriptions, `Admission` makes it the
 * owner of its client id, `InboundReader` takes the bytes apart. Deliveries come by a direct call from the publisher's turn (`deliver`) and do no
 * more than append to this session's output and queue.
 */
import { assert } from '../../base/assert.ts';
import { MQTT_PACKET_BYTES_MAX, TAKEOVER_TIMEOUT_MS } from '../../base/limits.ts';
import type { Actor, ActorContext, ReplyTo, TerminationReason, TimerHandle } from '../../runtime/actor.ts';
import { type ActorRef, NOBODY, threadOf } from '../../runtime/ref.ts';
import { writeAckReason } from '../../wire/mqtt/acks.ts';
import { PacketType, type Qos } from '../../wire/mqtt/constants.ts';
import {
  type Diagnostics,
  encodeAuth,
  encodeConnack,
  encodeConnectRefusal,
  encodeDisconnect,
  encodeSuback,
  encodeUnsuback,
  PINGRESP,
} from '../../wire/mqtt/control-encoder.ts';
import { MqttError } from '../../wire/mqtt/mqtt-error.ts';
import type {
  ConnectPacket,
  ControlPacket,
  DisconnectPacket,
  SubscribeEntry,
  SubscribePacket,
  UnsubscribePacket,
  Will,
} from '../../wire/mqtt/packets.ts';
import { Reason, reasonName } from '../../wire/mqtt/reason-codes.ts';
import { parseFilter } from '../../wire/mqtt/topics.ts';
import type { ClientDetails, ClientView } from '../clients/messages.ts';
import type { Inbox } from '../inbox/inbox.ts';
import { inboundOf } from '../inbox/inboxes.ts';
import type { Outages } from '../inbox/outages.ts';
import { pluginClient } from '../plugin/hooks.ts';
import type { Granted } from '../registry/messages.ts';
import type { ReplayState } from '../replay/machine.ts';
import type { PressureSource, Waiter } from '../router/pressure.ts';
import type { Delivery, Run } from '../router/sink.ts';
import type { Topic } from '../router/topic-table.ts';
import { Admission, type Applicant, type Former, newClientId } from './admission.ts';
import { Afterlife } from './afterlife.ts';
import { greetBridge } from './bridge-greeting.ts';
import { Challenge } from './challenge.ts';
import { claim, registryOf, whenSubscribed } from './claim.ts';
import { Client } from './client.ts';
import { connectionInfo } from './connection.ts';
import { countDisconnect } from './disconnects.ts';
import { claimExclusive, type Refusals } from './exclusive.ts';
import { Bequest } from './handover.ts';
import { acceptance, judgeConnect, type Terms } from './handshake.ts';
import type { HookMessage, ReaderHost } from './inbound.ts';
import { SessionMachine } from './machine.ts';
import type { Estate, SessionMessage, SessionState, SubscriptionState, Surrendered } from './messages.ts';
import { Orphan } from './orphan.ts';
import { Outbound, type OutboundHost } from './outbound.ts';
import { OutboundAliases } from './outbound-aliases.ts';
import { authorizerFor, permitFilters } from './permission.ts';
import { type KeptSession, loadSession, Persistence, restoredInbox } from './persistence.ts';
import { SESSION_PROBE } from './probe.ts';
import type { ClientRates } from './rates.ts';
import type { SessionRecord } from './record.ts';
import { Remainder } from './remainder.ts';
import type { Restored } from './restorer.ts';
import type { Rebirth } from './seed.ts';
import { OWN_CLIENTS, type SessionServices } from './services.ts';
import { type ReplayingSession, SessionReplays } from './session-replays.ts';
import type { Standing } from './standing.ts';
import { detachedSnapshot, membershipStates, subscriptionStates } from './state.ts';
import { Subscriber } from './subscriber.ts';
import { TimedMachine } from './timed-machine.ts';
import { IO_CLOSED, IO_CONTINUE, IO_DATA, IO_DRAINED, type ReadView, type Transport } from './transport.ts';

const { slot } = SESSION_PROBE;
const TIMER = { connect: 1, keepAlive: 2, slow: 3, afterlife: 4, handing: 5, expiry: 6, rate: 7, replay: 8 } as const;
/** Longest that one timer runs; what is longer is waited for in steps. */
const TIMER_MS_MAX = 3_600_000;
type State = 'connecting' | 'authenticating' | 'claiming' | 'online' | 'offline' | 'handing' | 'ended';
type Context = ActorContext<SessionMessage>;

interface Heir {
  readonly to: ReplyTo;
  readonly by: ActorRef<SessionMessage>;
  readonly discard: boolean;
}

export class SessionActor
  implements Actor<SessionMessage>, ReaderHost, OutboundHost, Applicant, Waiter, Estate, KeptSession, ReplayingSession
{
  // First what each message touches.
  readonly #outbound: Outbound;
  /** Null once the connection is of no interest any more. */
  #client: Client | null;
  #state: State = 'connecting';
  #ctx!: Context;
  readonly #services: SessionServices;
  readonly #afterlife: Afterlife;
  #clientId = '';
  #subscriber: Subscriber | null = null;
  /** Its subscriptions that replay declared topics; null until there is one. */
  #replays: SessionReplays | null = null;
  /** Null until the client has been let in. */
  #standing: Standing | null = null;
  /** What the client has sent waits for the answer whether it may do it. */
  #deciding = false;
  /** Null: nothing limits how fast the client sends. */
  #rates: ClientRates | null = null;
  /** The client that is not read for as long as it is ahead of its rate. */
  #hasty: Client | null = null;
  #sessionExpirySeconds = 0;
  #connectTimer: TimerHandle | null = null;
  /** Somebody claimed the client id while this session was still claiming it itself. */
  #heir: Heir | null = null;
  /** The client has come back by another connection and gets what this session keeps. */
  #isSucceeded = false;
  /** What a session on another thread is being given. */
  #bequest: Bequest | null = null;
  /** Null when the client authenticates by nothing but its password. */
  #challenge: Challenge | null = null;
  /** What the client is told with the success of its authentication. */
  #authenticationData: Uint8Array | undefined;
  /** What CONNECT has begun; null when there is nothing to abandon. */
  #admission: Admission | null = null;
  /** Makes the session last through restarts, if it is to. */
  #persistence!: Persistence;
  /** What the session is made again from; null once it is, and for one that a client has begun. */
  #restored: Restored | Orphan | null;
  readonly #rebirth: Rebirth | null;
  /** Protocol level of the last connection. */
  #lastLevel = 0;
  /** Why the connection ended; of a connection that broke nobody has said. */
  #endReason = 'connection_closed';
  offlineSince = 0;

  /** With a client's connection, or made again from disk without one. `rebirth`: null when nothing of it is kept when it fails. */
  constructor(
    services: SessionServices,
    transport: Transport | null,
    restored: Restored | Orphan | null = null,
    rebirth: Rebirth | null = null,
  ) {
    this.#services = services;
    this.#outbound = new Outbound(services, this);
    this.#afterlife = new Afterlife(services);
    this.#client = transport === null ? null : new Client(transport, services.pool, services.flushList);
    this.#restored = restored;
    this.#rebirth = rebirth;
  }

  get machine(): SessionMachine {
    return this.#outbound.machine;
  }

  get clientId(): string {
    return this.#clientId;
  }

  get inbox(): Inbox | null {
    return this.#outbound.inbox;
  }

  get expirySeconds(): number {
    return this.#sessionExpirySeconds;
  }

  get will(): Will | null {
    return this.#afterlife.will;
  }

  subscriptions(): SubscriptionState[] {
    const { router, shares } = this.#services;
    const exclusive = this.#services.exclusive.filtersOf(this);
    return [...subscriptionStates(router.subscriptionsOf(this), exclusive), ...membershipStates(shares.membersOf(this))];
  }

  replays(): readonly ReplayState[] {
    return this.#replays?.record() ?? [];
  }

  get reading(): boolean {
    return (this.#state === 'online' && !this.#deciding) || this.#state === 'connecting' || this.#state === 'authenticating';
  }

  expects(type: number): boolean {
    if (this.#state === 'connecting') return type === PacketType.CONNECT;
    return this.#state === 'authenticating' && (type === PacketType.AUTH || type === PacketType.DISCONNECT);
  }

  get online(): boolean {
    return this.#state === 'online';
  }

  started(ctx: Context): void {
    this.#ctx = ctx;
    this.#persistence = new Persistence(this.#services, ctx, this.#outbound, this);
    if (this.#restored instanceof Orphan) return this.#revive(this.#restored);
    if (this.#restored !== null) return this.#restore(this.#restored);
    this.#count(slot.connections, 1);
    this.#connectTimer = ctx.startTimer(this.#services.limits.connectTimeoutMs, TIMER.connect);
    this.#client!.transport.open(ctx);
  }

  stopping(reason: TerminationReason): void {
    if (this.#replays !== null && this.#state === 'online') this.#persistence.saveLater();
    this.#replays?.disconnected();
    const orphan = reason === 'stopped' ? null : this.#orphan();
    if (this.#client !== null) this.#leave(reason === 'stopped' ? Reason.SERVER_SHUTTING_DOWN : Reason.UNSPECIFIED_ERROR, orphan);
    this.#services.router.unsubscribeAll(this);
    this.#services.exclusive.releaseAll(this);
    // A node that drains keeps nothing for anybody.
    const wasMember = this.#services.shares.partAll(this);
    if (wasMember && (this.#state === 'ended' || reason !== 'stopped')) this.#returnFromMemory(undefined, true);
    if (this.#standing !== null) this.#services.access.leave(this.#standing);
    this.#bequest?.end();
    this.#admission?.abandon();
    // Not a session any more, but its next instance is: it keeps the client id.
    if (orphan !== null) {
      this.#count(slot.sessions, -1);
      return this.#rebirth!.leave(orphan);
    }
    if (this.#restored instanceof Orphan) this.#restored.end();
    if (this.#state === 'ended' && !this.#isSucceeded) this.#persistence.forget(wasMember);
    if (this.#clientId === '') return;
    this.#count(slot.sessions, -1);
    this.#disown();
    this.#ctx.tell(registryOf(this.#services, this.#clientId), {
      type: 'release',
      clientId: this.#clientId,
      session: this.#ctx.self,
    });
  }

  /** The actor has failed: what its next instance, which its supervisor makes, begins with. Null: the session ends. */
  #orphan(): Orphan | null {
    const { inbox } = this;
    const before = this.#restored instanceof Orphan ? this.#restored : null;
    const isOwner = this.#state === 'online' || this.#state === 'offline';
    if (before === null && (inbox === null || !isOwner || this.#isSucceeded)) return null;
    if (this.#rebirth?.mayBegin(this.#ctx.now()) !== true) return null;
    return before ?? new Orphan(this.#services, this, this.#clientId, inbox!);
  }

  receive(message: SessionMessage, ctx: Context): void {
    switch (message.type) {
      case 'surrender': {
        const to = ctx.replyTo();
        if (to !== undefined) this.#surrender({ to, by: message.by, discard: message.discard });
        break;
      }
      case 'yield': {
        const to = ctx.replyTo();
        if (to !== undefined) this.#yield(to);
        break;
      }
      case 'superseded':
        this.#disown();
        this.#disconnect(Reason.SESSION_TAKEN_OVER);
        this.#end();
        break;
      case 'disconnect':
        this.#disconnect(message.reason);
        break;
      case 'kick':
        if (message.discard) this.#sessionExpirySeconds = 0;
        this.#disconnect(Reason.ADMINISTRATIVE_ACTION);
        if (message.discard && this.#state === 'offline') this.#end();
        break;
      default:
        this.#administrate(message, ctx);
    }
  }

  /** Asks of an operator. */
  #administrate(message: SessionMessage, ctx: Context): void {
    const to = ctx.replyTo();
    if (to === undefined) return;
    if (message.type === 'describe') return ctx.respond(to, this.#describe(message.subscriptions));
    if (this.#state !== 'online' && this.#state !== 'offline') return ctx.respond(to, null);
    if (message.type === 'unsubscribe') {
      const reasons = this.#subscriptions().unsubscribe(message.filters);
      this.#tellUnsubscribed(message.filters, reasons);
      return this.#persistence.whenKept(() => ctx.respond(to, reasons))();
    }
    if (message.type !== 'subscribe') return;
    const { entries } = message;
    claimExclusive(this.#services, ctx, this, entries, null, (refusals) => {
      const reasons = this.#subscribeFor(entries, refusals);
      const whenKept = this.#persistence.whenKept(() => ctx.respond(to, reasons));
      whenSubscribed(this.#services, () => ctx.io(IO_CONTINUE, () => this.#subscribedFor(whenKept)));
    });
  }

  #subscribedFor(then: () => void): void {
    then();
    if (this.#client !== null) this.#feed();
  }

  #describe(withSubscriptions: boolean): ClientView | ClientDetails {
    const { machine } = this;
    const { router, shares, listener, system } = this.#services;
    const client = this.#client;
    const view: ClientView = {
      clientId: this.#clientId,
      username: this.#standing?.identity.username ?? '',
      address: client?.transport.remoteAddress ?? '',
      listener: listener.name,
      thread: system.thread,
      state: this.#state,
      protocol: this.#lastLevel,
      keepAliveSeconds: (client?.keepAliveMs ?? 0) / 1500,
      sessionExpirySeconds: this.#sessionExpirySeconds,
      connectedAt: client?.connectedAt ?? 0,
      offlineSince: this.offlineSince,
      subscriptionCount: router.subscriptionCount(this) + shares.count(this),
      inFlight: machine.inFlight,
      queued: machine.queued,
      queuedBytes: machine.queuedBytes,
      inbox: this.inbox?.machine.waiting ?? 0,
      awaitingRelease: machine.inboundPending,
    };
    return withSubscriptions ? { ...view, subscriptions: this.subscriptions() } : view;
  }

  onIo(event: number, argument: unknown): void {
    switch (event) {
      case IO_DATA:
        this.#read(argument as ReadView);
        break;
      case IO_DRAINED:
        this.#client?.output.drained();
        this.#outbound.drain();
        this.#feed();
        break;
      case IO_CLOSED:
        if (this.#client !== null) this.#connectionLost();
        break;
      case IO_CONTINUE:
        (argument as () => void)();
        break;
    }
  }

  onTimer(key: number, ctx: Context): void {
    switch (key) {
      case TIMER.connect:
        if (this.#state === 'connecting' || this.#state === 'authenticating') this.#disconnect(Reason.MAXIMUM_CONNECT_TIME);
        break;
      case TIMER.keepAlive:
        this.#checkKeepAlive(ctx);
        break;
      case TIMER.slow:
        this.#outbound.checkSlowness(ctx.now());
        break;
      case TIMER.afterlife:
        if (this.#state === 'offline') this.#goOn(ctx);
        break;
      case TIMER.expiry:
        if (this.#state === 'online') this.#checkExpiry(this.#standing!);
        break;
      case TIMER.rate:
        this.#readAgain();
        break;
      case TIMER.handing:
        if (this.#state === 'handing') this.#end();
        break;
      case TIMER.replay:
        this.#replays?.saved();
        if (this.#state === 'online') this.#persistence.saveLater();
        break;
    }
  }

  inspect(): unknown {
    const { machine } = this;
    return {
      clientId: this.#clientId,
      state: this.#state,
      address: this.#client?.transport.remoteAddress,
      listener: this.#services.listener.name,
      subscriptions: this.subscriptionCount,
      ...this.#replays?.inspect(),
      inFlight: machine.inFlight,
      queued: machine.queued,
      queuedBytes: machine.queuedBytes,
    };
  }

  // ── Input ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  #read(view: ReadView): void {
    const client = this.#client;
    if (client === null) return;
    client.heard(this.#ctx.now());
    if (client.tap !== null) client.tap.feed('in', view.bytes, view.start, view.end);
    const bytes = view.end - view.start;
    this.#count(slot.bytesReceived, bytes);
    const rates = this.#rates;
    const publishedBefore = rates === null ? 0 : this.#publishedHere();
    client.remainder?.join(view);
    this.#services.gauge.take(); // what was met outside of reads, by a will or a retained message, holds nobody
    try {
      const position = this.#services.reader.read(this, client, view);
      if (position < view.end) (client.remainder ??= new Remainder()).keep(view, position);
      else client.remainder = null;
    } catch (error) {
      if (!(error instanceof MqttError)) throw error;
      this.#violated(error);
      return;
    }
    if (rates !== null && this.#client === client) {
      const waitMs = rates.received(this.#publishedHere() - publishedBefore, bytes, this.#ctx.now());
      if (waitMs > 0 && this.#hasty === null) {
        this.#count(slot.rateHeldReads, 1);
        this.#waitFor(client, waitMs);
      }
    }
    const acknowledged = this.#services.reader.takeAcknowledged();
    const { limits } = this.#services;
    if (client.output.pendingBytes > 2 * limits.outputBytesMax + limits.packetBytesMax) {
      this.#disconnect(Reason.QUOTA_EXCEEDED); // deliveries stop far below: this client asks and asks and does not read the answers
      return;
    }
    if (acknowledged) {
      this.#outbound.drain();
      this.#feed();
    }
    const pressure = this.#services.gauge.take();
    if (pressure !== null && this.#client !== null) this.#holdFor(client, pressure);
  }

  /** Messages that all clients of this reactor have published. */
  #publishedHere(): number {
    const { slots } = this.#services.system;
    return slots[slot.receivedQos0]! + slots[slot.receivedQos1]! + slots[slot.receivedQos2]!;
  }

  /** The client is ahead of its rate, or of its listener's. */
  #waitFor(client: Client, waitMs: number): void {
    this.#hasty = client;
    client.hold();
    this.#ctx.startTimer(Math.min(waitMs, TIMER_MS_MAX), TIMER.rate);
  }

  #readAgain(): void {
    const client = this.#hasty;
    this.#hasty = null;
    if (client === null || client !== this.#client) return;
    client.unhold();
    this.#readOn(client);
  }

  /** Reads what came while nothing was read. */
  #readOn(client: Client): void {
    if (client.remainder !== null) this.#read({ bytes: NO_BYTES, start: 0, end: 0 });
  }

  #holdFor(client: Client, pressure: PressureSource): void {
    this.#count(slot.heldReads, 1);
    client.hold();
    pressure.wait(this);
  }

  relieved(): void {
    this.#client?.unhold();
  }

  #violated(error: MqttError): void {
    if (this.#state === 'connecting') {
      this.#write(encodeConnectRefusal(error));
      countDisconnect(this.#services.system.slots, error.reason);
      this.#dropConnection();
      this.#end();
    } else {
      this.#disconnect(error.reason);
    }
  }

  control(packet: ControlPacket): void {
    switch (packet.type) {
      case PacketType.CONNECT:
        if (this.#state !== 'connecting') throw new MqttError(Reason.PROTOCOL_ERROR, 'second CONNECT'); // [MQTT-3.1.0-2]
        this.#connect(packet);
        break;
      case PacketType.SUBSCRIBE:
        this.#subscribe(packet);
        break;
      case PacketType.UNSUBSCRIBE:
        this.#unsubscribe(packet);
        break;
      case PacketType.PINGREQ:
        this.#write(PINGRESP);
        break;
      case PacketType.DISCONNECT:
        this.#clientDisconnects(packet);
        break;
      case PacketType.AUTH:
        if (this.#challenge === null) throw new MqttError(Reason.PROTOCOL_ERROR, 'AUTH without a method in CONNECT'); // [MQTT-4.12.0-7]
        this.#challenge.receive(packet);
        break;
    }
  }

  // ── CONNECT ────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  #connect(connect: ConnectPacket): void {
    const client = this.#client!;
    client.dialect = connect.dialect;
    client.level = connect.level;
    if (this.#services.refusal !== undefined) return this.refused(this.#services.refusal);
    if (connect.clientId.startsWith(OWN_CLIENTS) && this.#services.isOwn !== true)
      return this.refused(Reason.CLIENT_IDENTIFIER_NOT_VALID, 'it is an id of the node itself');
    const verdict = judgeConnect(connect, this.#services.limits, connect.clientId === '' ? newClientId(this.#ctx) : '');
    client.wantsReasons = connect.properties.requestProblemInformation;
    client.packetBytesMax = Math.min(connect.properties.maximumPacketSize, MQTT_PACKET_BYTES_MAX); // CONNACK keeps to it as well
    if ('refused' in verdict) return this.refused(verdict.refused, verdict.why, verdict.serverReference);
    const { authenticationMethod, authenticationData } = connect.properties;
    if (authenticationMethod === undefined) {
      const admission = this.#admit(connect, verdict.accepted);
      return admission.begin(connectionInfo(this.#services.listener, client.transport));
    }
    const authenticator = this.#services.enhanced.get(authenticationMethod);
    if (authenticator === undefined) return this.refused(Reason.BAD_AUTHENTICATION_METHOD); // [MQTT-4.12.0-1]
    this.#state = 'authenticating';
    this.#challenge = new Challenge(authenticator, {
      challenged: (data) => this.#writeAuth(Reason.CONTINUE_AUTHENTICATION, data), // [MQTT-4.12.0-2]
      proven: (username, data) => this.#proven(connect, verdict.accepted, username, data),
      unproven: (reason) => this.#disconnect(reason), // [MQTT-4.12.0-4] [MQTT-4.12.1-2]
    });
    this.#challenge.begin(authenticationData);
  }

  /** The client is held until its session is there. */
  #admit(connect: ConnectPacket, terms: Terms): Admission {
    this.#state = 'claiming';
    if (this.#connectTimer !== null) this.#ctx.cancelTimer(this.#connectTimer);
    this.#connectTimer = null;
    this.#client!.hold();
    return (this.#admission = new Admission(this.#services, this.#ctx, this, connect, terms));
  }

  #proven(connect: ConnectPacket, terms: Terms, username: string, data: Uint8Array | undefined): void {
    if (this.#state === 'online') return this.#writeAuth(Reason.SUCCESS, data);
    if (this.#state !== 'authenticating') return;
    this.#authenticationData = data;
    const proof = { ok: true, username, ...this.#services.access.builtinUser(username) };
    const connection = connectionInfo(this.#services.listener, this.#client!.transport);
    this.#admit({ ...connect, username }, terms).identified(connection, proof);
  }

  #writeAuth(reason: number, data: Uint8Array | undefined): void {
    const { method } = this.#challenge!;
    const packetMax = this.#client?.packetBytesMax;
    this.#write(encodeAuth({ reason, authenticationMethod: method, authenticationData: data }, packetMax));
  }

  /** Its client is banned: it is told (0x8A is for CONNACK alone), and nothing of the session is kept for it. */
  expelled(): void {
    this.#disconnect(Reason.ADMINISTRATIVE_ACTION);
    if (this.#state === 'offline') this.#end();
  }

  /** Its credentials end at some time, and its connection with them. */
  #watchExpiry({ expiresAt }: Standing): void {
    if (expiresAt === Number.POSITIVE_INFINITY) return;
    const leftMs = Math.max(expiresAt - this.#ctx.wallClock(), 0);
    this.#ctx.startTimer(Math.min(leftMs, TIMER_MS_MAX), TIMER.expiry);
  }

  #checkExpiry(standing: Standing): void {
    if (this.#ctx.wallClock() >= standing.expiresAt) this.#disconnect(Reason.NOT_AUTHORIZED);
    else this.#watchExpiry(standing);
  }

  authenticated(connect: ConnectPacket, terms: Terms, standing: Standing): boolean {
    if (this.#client === null) {
      this.#end();
      return false;
    }
    this.#standing = standing;
    this.#afterlife.identity = standing.identity;
    this.#services.access.enter(standing);
    this.#clientId = terms.clientId;
    this.#sessionExpirySeconds = terms.sessionExpirySeconds;
    // What is to be continued may have to wait for its client until the takeover is done.
    this.#outbound.machine = this.#newMachine(terms.inFlightMax, terms.sessionExpirySeconds > 0 || !connect.cleanStart);
    this.#count(slot.sessions, 1);
    return true;
  }

  admitted(connect: ConnectPacket, terms: Terms, former: Former): void {
    this.#admission = null;
    const { state } = former;
    if (state !== null) {
      this.machine.restore(state.machine);
      this.#restoreReplays(state.replays);
    }
    // Whatever a takeover that has failed half-way left here belongs to a session that is lost.
    else this.#outbound.machine = this.#newMachine(terms.inFlightMax, terms.sessionExpirySeconds > 0);
    this.#afterlife.will = connect.will ?? null;
    this.#persistence.provide(former, (isProvided) => {
      if (!isProvided) this.refused(Reason.SERVER_UNAVAILABLE);
      else if (this.#client === null) this.#state = 'online';
      else this.#accept(this.#client, connect, terms, state !== null);
      if (this.#client === null) this.#connectionLost();
      if (this.#heir !== null) this.#surrender(this.#heir);
    });
  }

  #newMachine(inFlightMax: number, resumable: boolean): SessionMachine {
    const { slow } = this.#services.insight;
    if (slow === null) return new SessionMachine(inFlightMax, resumable);
    const { system } = this.#services;
    return new TimedMachine(inFlightMax, resumable, {
      slow,
      clientId: this.#clientId,
      now: () => system.now(),
      wallClock: () => system.wallClock(),
    });
  }

  inherits(shard: number): void {
    this.#persistence.inherits(shard);
  }

  notKept(): void {
    this.#disconnect(Reason.UNSPECIFIED_ERROR);
  }

  /** Made again from disk, without a client, unless somebody has its client id already. */
  #restore(restored: Restored): void {
    const { record, done } = restored;
    this.#clientId = record.clientId;
    this.#sessionExpirySeconds = record.expirySeconds;
    this.#state = 'claiming';
    this.#count(slot.sessions, 1);
    const begin = (granted: Granted | undefined): void => {
      this.#restored = null;
      if (granted?.previous === NOBODY) this.#begin(restored, granted);
      else this.#end();
      done();
      if (this.#heir !== null) this.#surrender(this.#heir);
    };
    claim(this.#services, this.#ctx, record.clientId, begin, true);
  }

  /** The instance before has failed: goes on with what is on disk, and with what has come for its inbox since. */
  #revive(orphan: Orphan): void {
    this.#clientId = orphan.clientId;
    this.#state = 'claiming';
    this.#count(slot.sessions, 1);
    loadSession(this.#services, this.#ctx, orphan, (found) => {
      if (found === undefined) this.#end();
      else {
        const { record, facts, taken } = found;
        orphan.inbox.restart(facts, taken);
        this.#sessionExpirySeconds = record.expirySeconds;
        this.#resume(record, orphan.inbox, inboundOf(facts));
      }
      this.#restored = null;
      orphan.end();
      if (this.#heir !== null) this.#surrender(this.#heir);
    });
  }

  #begin({ record, facts, taken }: Restored, { claim: number }: Granted): void {
    const { inboxes, sessions } = this.#services;
    assert(inboxes !== null, 'sessions are restored where they are kept');
    sessions.set(record.clientId, { session: this.#ctx.self, claim: number });
    const { inbox, inbound } = restoredInbox(inboxes, record, facts, taken);
    this.#resume(record, inbox, inbound);
  }

  /** Goes on without a client. */
  #resume(record: SessionRecord, inbox: Inbox, inbound: readonly number[]): void {
    const { limits, router, shares, system } = this.#services;
    this.#outbound.machine = this.#newMachine(limits.inFlightMax, true);
    this.machine.restore({ inbound, inFlight: [], queued: [] });
    this.#persistence.keep(inbox);
    for (const { filter, ...options } of record.subscriptions) {
      const parsed = parseFilter(filter);
      if (parsed?.shareGroup !== undefined) shares.join(this, parsed.shareGroup, parsed.filter, options, false);
      else if (parsed !== undefined) router.subscribe(this, parsed.filter, options);
      if (parsed?.isExclusive) this.#services.exclusive.adopt(this, record.clientId, this.#ctx.self, [parsed.filter]);
    }
    this.#restoreReplays(record.replays);
    this.#afterlife.identity = { clientId: record.clientId, username: '' };
    this.#afterlife.will = record.will;
    this.#state = 'offline';
    this.offlineSince = record.offlineSince || system.wallClock();
    const offlineMs = Math.max(0, system.wallClock() - this.offlineSince); // clocks are set back at times
    if (this.#afterlife.begin(this.#ctx, this.#sessionExpirySeconds, TIMER.afterlife, offlineMs)) this.#end();
    else {
      if (record.offlineSince === 0) this.#saveOffline();
      this.#releaseShared();
    }
  }

  /** The session's time without a client goes on: its will, then its end. */
  #goOn(ctx: Context): void {
    const { will } = this.#afterlife;
    if (this.#afterlife.advance(ctx, TIMER.afterlife)) {
      this.#count(slot.expired, 1);
      this.#end();
    } else if (will !== this.#afterlife.will) this.#persistence.saveLater();
  }

  #accept(client: Client, connect: ConnectPacket, terms: Terms, sessionPresent: boolean): void {
    this.#state = 'online';
    this.offlineSince = 0;
    if (terms.topicAliasOutMax > 0) client.aliasesOut = new OutboundAliases(terms.topicAliasOutMax);
    client.keepAliveMs = terms.keepAliveSeconds * 1500; // [MQTT-3.1.2-22]
    client.heard(this.#ctx.now());
    if (client.keepAliveMs > 0) this.#ctx.startTimer(client.keepAliveMs, TIMER.keepAlive);
    this.#count(slot.connects, 1);
    client.connectedAt = this.#ctx.wallClock();
    this.#lastLevel = client.level;
    if (this.#services.shares.setOnline(this, true)) this.machine.keep();
    const connack = acceptance(connect, terms, this.#services.limits, sessionPresent, this.#authenticationData);
    const greeting = greetBridge(connect, this.#services.nodeName);
    this.#write(encodeConnack(client.dialect, { ...connack, ...greeting }, client.packetBytesMax));
    this.#outbound.connected(client);
    this.#replays?.connected();
    const standing = this.#standing!;
    standing.attach(client);
    this.#rates = this.#services.rates?.forClient() ?? null;
    this.#services.access.noteConnect(terms.clientId);
    this.#watchExpiry(standing);
    this.#services.events?.add(
      'client_connected',
      connectedFacts(client, connect, terms, this.#services.listener.name, sessionPresent),
    );
    this.#autoSubscribe(standing);
    if (client.tap !== null)
      client.tap.note({ event: 'connected', address: client.transport.remoteAddress, level: client.level });
    client.unhold();
    this.#readOn(client);
  }

  refused(reason: number, why?: string, serverReference?: string): void {
    const client = this.#client;
    if (client !== null) {
      this.#count(slot.refusedConnects, 1);
      const connack = { sessionPresent: false, reason, reasonString: why ?? reasonName(reason), serverReference };
      this.#write(encodeConnack(client.dialect, connack, client.packetBytesMax));
      this.#dropConnection();
    }
    this.#end();
  }

  #checkKeepAlive(ctx: Context): void {
    const client = this.#client;
    if (client === null || this.#state !== 'online') return;
    // A client that is held back cannot be heard: the silence is ours.
    const silentMs = client.holds > 0 ? 0 : client.silentMs(ctx.now());
    if (silentMs >= client.keepAliveMs) this.#disconnect(Reason.KEEP_ALIVE_TIMEOUT);
    else ctx.startTimer(client.keepAliveMs - silentMs, TIMER.keepAlive);
  }

  // ── Subscriptions and deliveries ───────────────────────────────────────────────────────────────────────────────────────────

  #subscribe(packet: SubscribePacket): void {
    const client = this.#client;
    const rewritten = this.#services.intake.rewriteSubscribe(packet, this.#standing?.identity ?? null);
    this.#pauseFor((answered) =>
      // Its rights are about what it has written.
      permitFilters(this.#services, this.#ctx, this.#standing, packet.entries, (allowed) =>
        claimExclusive(this.#services, this.#ctx, this, rewritten.entries, allowed, (refusals) => {
          if (this.#client === client) this.#subscribePermitted(rewritten, allowed, refusals);
          answered();
        }),
      ),
    );
  }

  /** What the operator wants every client to have; nobody has asked, and nobody is answered. */
  #autoSubscribe({ identity }: Standing): void {
    if (this.#services.isOwn === true) return;
    const entries = this.#services.intake.autoSubscriptions.entriesFor(identity);
    if (entries.length === 0) return;
    claimExclusive(this.#services, this.#ctx, this, entries, null, (refusals) => {
      if (this.#state !== 'online') return;
      this.#subscribeFor(entries, refusals);
      this.#persistence.saveLater();
      whenSubscribed(this.#services, () => this.#ctx.io(IO_CONTINUE, () => this.#feed()));
    });
  }

  /** Nobody asks whether it may: this is not the client's wish. */
  #subscribeFor(entries: readonly SubscribeEntry[], refusals: Refusals): number[] {
    const reasons = this.#subscriptions().subscribe({ entries, subscriptionId: undefined }, null, refusals);
    this.#tellSubscribed(entries, reasons);
    if (this.#services.shares.count(this) > 0) this.machine.keep();
    return reasons;
  }

  #subscribePermitted(packet: SubscribePacket, allowed: readonly boolean[] | null, refusals: Refusals): void {
    const client = this.#client!;
    if (packet.userProperties.length > 0 && this.#replaying().takes(client, packet, allowed)) return;
    const reasons = this.#subscriptions().subscribe(packet, allowed, refusals);
    for (const [i, { filter }] of packet.entries.entries()) if (reasons[i]! < 0x80) this.#replays?.end(filter);
    this.#tellSubscribed(packet.entries, reasons);
    if (this.#services.shares.count(this) > 0) this.machine.keep();
    const acknowledge = (): void => {
      const client = this.#client;
      if (client === null) return;
      this.#write(encodeSuback(client.dialect, packet.packetId, reasons, explain(client, reasons), client.packetBytesMax));
      this.#feed();
    };
    const whenKept = this.#persistence.whenKept(acknowledge);
    // Now means by way of the mailbox, after the records of other reactors: a message that was retained there before the client asked is found.
    whenSubscribed(this.#services, () => this.#ctx.io(IO_CONTINUE, whenKept));
  }

  #replaying(): SessionReplays {
    return (this.#replays ??= new SessionReplays(this.#services, this.#ctx, this.#outbound, this, TIMER.replay));
  }

  #restoreReplays(states: readonly ReplayState[] | undefined): void {
    if (states !== undefined && states.length > 0) this.#replaying().restore(states);
  }

  get subscriptionCount(): number {
    return this.#services.router.subscriptionCount(this) + this.#services.shares.count(this) + (this.#replays?.count ?? 0);
  }

  isClient(client: Client): boolean {
    return this.#client === client;
  }

  whenKept(then: () => void): void {
    this.#persistence.whenKept(then)();
  }

  disconnect(reason: number): void {
    this.#disconnect(reason);
  }

  #subscriptions(): Subscriber {
    return (this.#subscriber ??= new Subscriber(this.#services, this));
  }

  awaitPermission(topic: Topic, qos: Qos, retain: boolean): void {
    const standing = this.#standing!;
    const by = authorizerFor(this.#services, this.#ctx);
    this.#pauseFor((answered) =>
      standing.rights!.resolvePublish(topic.name, qos, retain, this.#ctx.now(), by, () => {
        standing.rightsChanged(); // more of them is known
        answered();
      }),
    );
  }

  awaitSessions(outages: Outages): void {
    this.#count(slot.heldForSessions, 1);
    this.#pauseFor((over) => outages.whenOver(() => this.#ctx.io(IO_CONTINUE, over)));
  }

  awaitVerdicts(messages: readonly HookMessage[]): void {
    const client = this.#client!;
    const { plugin } = this.#services;
    const about = pluginClient(this.#standing!.identity);
    this.#pauseFor((answered) =>
      plugin!.ask(
        'onPublish',
        messages.map((message) => ({ client: about, ...message })),
        (verdicts) =>
          this.#ctx.io(IO_CONTINUE, () => {
            client.verdicts = verdicts.map((each) => (each === 'failed' && plugin!.letsThrough('onPublish') ? 'pass' : each));
            answered();
          }),
      ),
    );
  }

  /** Reads nothing more from the client until `question` has been answered, if that is not at once. */
  #pauseFor(question: (answered: () => void) => void): void {
    const client = this.#client!;
    let isAnswered = false;
    let isPaused = false;
    question(() => {
      isAnswered = true;
      if (!isPaused) return;
      this.#deciding = false;
      if (this.#client !== client) return;
      client.unhold();
      if (this.#hasty === null) this.#readOn(client);
    });
    if (isAnswered) return;
    isPaused = true;
    this.#deciding = true;
    client.hold();
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
    return this.#standing?.rights?.mayReceive(topic) ?? true;
  }

  #unsubscribe(packet: UnsubscribePacket): void {
    const client = this.#client!;
    const { filters } = this.#services.intake.rewriteUnsubscribe(packet, this.#standing?.identity ?? null);
    const ended = filters.map((filter) => this.#replays?.end(filter) === true);
    const reasons = this.#subscriptions()
      .unsubscribe(filters)
      .map((reason, i) => (ended[i] === true ? Reason.SUCCESS : reason));
    this.#tellUnsubscribed(filters, reasons);
    this.#persistence.whenKept(() =>
      this.#write(encodeUnsuback(client.dialect, packet.packetId, reasons, explain(client, reasons), client.packetBytesMax)),
    )();
  }

  #who(): { readonly clientid: string; readonly username: string } {
    return { clientid: this.#clientId, username: this.#standing?.identity.username ?? '' };
  }

  #tellSubscribed(entries: readonly SubscribeEntry[], reasons: readonly number[]): void {
    const { events } = this.#services;
    if (events?.wants('session_subscribed') !== true) return;
    for (const [index, { filter, noLocal, retainAsPublished }] of entries.entries()) {
      const qos = reasons[index]!;
      if (qos <= 2) events.add('session_subscribed', { ...this.#who(), topic: filter, qos, nl: noLocal, rap: retainAsPublished });
    }
  }

  #tellUnsubscribed(filters: readonly string[], reasons: readonly number[]): void {
    const { events } = this.#services;
    if (events?.wants('session_unsubscribed') !== true) return;
    for (const [index, topic] of filters.entries()) {
      if (reasons[index] === Reason.SUCCESS) events.add('session_unsubscribed', { ...this.#who(), topic });
    }
  }

  /** Brings what is not live to a client that has room for it: retained messages, replays. */
  #feed(): void {
    this.#subscriber?.feed(this.#ctx, () => this.#outbound.atEase);
    this.#replays?.feed();
  }

  deliver(run: Run, delivery: Delivery): void {
    this.#outbound.deliver(run, delivery);
  }

  deliveryFailed(error: unknown): void {
    this.#ctx.io(IO_CONTINUE, () => {
      throw error;
    });
  }

  watchSlowness(delayMs: number): void {
    this.#ctx.startTimer(delayMs, TIMER.slow);
  }

  overflowed(): void {
    this.#ctx.io(IO_CONTINUE, () => this.#disconnect(Reason.QUOTA_EXCEEDED));
  }

  forgetInbound(packetId: number): void {
    this.machine.endInbound(packetId);
    this.inbox?.endInbound(packetId);
  }

  unwritten(): void {
    this.#ctx.io(IO_CONTINUE, () => this.#disconnect(Reason.QUOTA_EXCEEDED));
  }

  resendPubrel(packetId: number): void {
    const { output, dialect } = this.#client!;
    const at = output.claim(4);
    writeAckReason(output.buffer, at, dialect, PacketType.PUBREL, packetId, Reason.SUCCESS);
  }

  /** Messages that are kept in a shared subscription's name go to another member. */
  #returnShared(key: string, unacknowledged: boolean): void {
    this.#returnFromMemory(key, unacknowledged);
    this.#returnFromInbox((share) => share === key, unacknowledged);
  }

  #returnFromMemory(key: string | undefined, unacknowledged: boolean): void {
    this.#services.shares.redeliver(this.machine.takeShared(key, unacknowledged));
  }

  /** As long as there is a client that can take them; until then they are safe where they are. */
  #returnFromInbox(wants: (share: string) => boolean, unacknowledged: boolean): void {
    const { shares, returns } = this.#services;
    const { inbox } = this;
    if (inbox === null) return;
    returns!.begin(inbox, {
      wants: (share) => wants(share) && shares.hasOnline(share),
      onlyWaiting: !unacknowledged,
      goesOn: () => this.#state === 'offline' || (this.#state === 'online' && !unacknowledged),
      done: () => {},
    });
  }

  returnShared(key: string): void {
    this.#returnShared(key, false); // the delivery of what has been sent goes on [MQTT-3.10.4-3]
  }

  release(key: string): void {
    if (this.#state === 'offline') this.#returnShared(key, true);
  }

  /** The client is gone: its part of the work goes to members who are there. */
  #releaseShared(): void {
    const { shares } = this.#services;
    const shared = Array.from(shares.membersOf(this), ({ share }) => share).filter((share) => shares.hasOnline(share));
    if (shared.length === 0) return;
    for (const share of shared) this.#returnFromMemory(share, true);
    this.#returnFromInbox((share) => shared.includes(share), true);
  }

  #write(packet: Uint8Array): void {
    this.#client?.output.append(packet, 0, packet.length);
  }

  // ── The end of a connection ────────────────────────────────────────────────────────────────────────────────────────────────

  #clientDisconnects(packet: DisconnectPacket): void {
    if (packet.sessionExpiry !== undefined) {
      if (packet.sessionExpiry > 0 && this.#sessionExpirySeconds === 0) {
        throw new MqttError(Reason.PROTOCOL_ERROR, 'DISCONNECT makes a session last that was not to'); // [MQTT-3.14.2-2]
      }
      this.#sessionExpirySeconds = Math.min(packet.sessionExpiry, this.#services.limits.sessionExpirySecondsMax);
    }
    this.#endReason = packet.reason === Reason.NORMAL_DISCONNECTION ? 'normal' : reasonName(packet.reason);
    if (packet.reason === Reason.NORMAL_DISCONNECTION) this.#afterlife.will = null; // [MQTT-3.14.4-3]
    this.#connectionLost();
  }

  /** Closes the connection for a reason of ours, which a 5.0 client is told [MQTT-3.14.0-1]. */
  #disconnect(reason: number): void {
    const client = this.#client;
    if (client === null) return;
    countDisconnect(this.#services.system.slots, reason);
    this.#endReason = reasonName(reason);
    if (this.#state === 'authenticating' || this.#state === 'claiming') {
      this.#write(encodeConnack(client.dialect, { sessionPresent: false, reason }, client.packetBytesMax)); // [MQTT-3.14.0-1]
    } else if (this.#state !== 'connecting') {
      this.#write(encodeDisconnect(client.dialect, { reason, reasonString: reasonName(reason) }, client.packetBytesMax));
    }
    this.#connectionLost();
  }

  /** The connection is over. What follows depends on the will and on whether the session outlasts it. */
  #connectionLost(): void {
    const claiming = this.#state === 'claiming';
    if (this.#client !== null) this.#dropConnection();
    if (claiming) return; // `#begin` comes back to this
    if (this.#state === 'online') this.#services.events?.add('client_disconnected', { ...this.#who(), reason: this.#endReason });
    if (this.#state !== 'online') return this.#end(); // CONNECT has not been accepted: it leaves neither will nor session
    this.#outbound.disconnected();
    this.#subscriber?.stop();
    this.#replays?.disconnected();
    if (this.#sessionExpirySeconds === 0) {
      this.#afterlife.publishWill();
      return this.#end();
    }
    this.#state = 'offline';
    if (this.#services.shares.setOnline(this, false) && !this.#isSucceeded) this.#releaseShared();
    this.offlineSince = this.#services.system.wallClock();
    this.#afterlife.begin(this.#ctx, this.#sessionExpirySeconds, TIMER.afterlife);
    if (!this.#isSucceeded) this.#saveOffline();
  }

  /** A record with a session that is offline says that its inbox knows what the client has been sent. */
  #saveOffline(): void {
    const { inboxes } = this.#services;
    if (inboxes === null) return;
    inboxes.whenDurable(() =>
      this.#ctx.io(IO_CONTINUE, () => {
        if (this.#state === 'offline') this.#persistence.saveLater();
      }),
    );
  }

  /** This actor is being stopped under its client's feet: by a drain, or because it failed. */
  #leave(reason: number, orphan: Orphan | null): void {
    const { dialect } = this.#client!;
    if (this.#state === 'online') this.#write(encodeDisconnect(dialect, { reason }));
    // A session that goes on has its will published in its time.
    if (reason === Reason.UNSPECIFIED_ERROR && orphan === null) this.#afterlife.publishWill();
    this.#dropConnection();
  }

  #dropConnection(): void {
    const client = this.#client!;
    if (client.tap !== null) client.tap.note({ event: 'disconnected', reason: this.#endReason });
    this.#client = null;
    client.isClosed = true;
    this.#count(slot.connections, -1);
    client.output.flush();
    client.output.close();
    client.transport.end();
  }

  #end(): void {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    this.#ctx.stop();
  }

  // ── Takeover ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

  #surrender(heir: Heir): void {
    if (this.#state === 'claiming') {
      this.#heir = heir; // first comes what we are being given ourselves
      return;
    }
    this.#disown();
    if (this.#state === 'online') {
      const resumed = !heir.discard && this.#sessionExpirySeconds > 0;
      if (resumed && (this.#afterlife.will?.delaySeconds ?? 0) > 0) this.#afterlife.will = null; // [MQTT-3.1.3-9]
      this.#isSucceeded = resumed;
      this.#disconnect(Reason.SESSION_TAKEN_OVER); // [MQTT-3.1.4-3]
    }
    this.#ctx.respond(heir.to, this.#surrendered(heir));
  }

  /** The client id is somebody else's from now on: nothing is claimed in its name any more. */
  #disown(): void {
    if (this.#services.sessions.get(this.#clientId)?.session === this.#ctx.self) this.#services.sessions.delete(this.#clientId);
  }

  #surrendered(heir: Heir): Surrendered {
    if (heir.discard || this.#state !== 'offline') {
      if (this.#state === 'offline') this.#afterlife.publishWill();
      this.#end();
      if (this.inbox === null) return { kind: 'nothing' };
      this.#isSucceeded = true;
      const { shard } = this.inbox.machine;
      if (!this.#services.shares.partAll(this)) return { kind: 'nothing', shard };
      this.#persistence.discard(true);
      return { kind: 'nothing', shard, isEmptying: true };
    }
    this.#afterlife.will = null;
    this.#state = 'handing';
    this.#isSucceeded = true;
    this.#ctx.startTimer(TAKEOVER_TIMEOUT_MS, TIMER.handing);
    if (threadOf(heir.by) === threadOf(this.#ctx.self)) return { kind: 'local', estate: this };
    this.#bequest = new Bequest(this.#services, this, heir.by);
    const { subscriptions } = this.#bequest;
    return this.inbox === null
      ? { kind: 'remote', subscriptions }
      : { kind: 'remote', subscriptions, shard: this.inbox.machine.shard };
  }

  /** The heir has its subscriptions in place: it gets the rest as soon as that is complete. */
  #yield(to: ReplyTo): void {
    const bequest = this.#bequest;
    if (bequest === null) return this.#end();
    const hand = (): void => {
      if (this.#state !== 'handing') return;
      const machine = detachedSnapshot(this.machine.snapshot());
      const replays = this.#replays?.states() ?? [];
      const state: SessionState = this.inbox === null ? { machine, replays } : { machine, replays, inbox: this.inbox.state() };
      this.#ctx.respond(to, state);
      this.#end();
    };
    bequest.whenComplete(() => {
      this.#services.shares.partAll(this); // the heir is a member since long
      const then = (): void => this.#ctx.io(IO_CONTINUE, hand);
      if (this.inbox === null) then();
      else this.inbox.whenWritten(() => this.#services.inboxes!.whenDurable(then));
    });
  }

  takeOver(heir: SessionActor): SessionState {
    assert(this.#state === 'handing', 'only a session that has surrendered is taken over');
    this.#services.router.moveSink(this, heir);
    this.#services.shares.move(this, heir);
    this.#services.exclusive.move(this, heir, this.#clientId, heir.#ctx.self);
    const machine = this.machine.snapshot();
    const replays = this.#replays?.states() ?? [];
    const state: SessionState = this.inbox === null ? { machine, replays } : { machine, replays, inbox: this.inbox };
    this.#end();
    return state;
  }

  #count(counter: number, by: number): void {
    this.#services.system.slots[counter]! += by;
  }
}

function connectedFacts(
  client: Client,
  { level, cleanStart }: ConnectPacket,
  terms: Terms,
  listener: string,
  sessionPresent: boolean,
): Readonly<Record<string, unknown>> {
  return {
    clientid: terms.clientId,
    username: client.identity?.username ?? '',
    ipaddress: client.identity?.address ?? '',
    listener,
    proto_ver: level,
    keepalive: terms.keepAliveSeconds,
    clean_start: cleanStart,
    expiry_interval: terms.sessionExpirySeconds,
    session_present: sessionPresent,
  };
}

/** The reasons that are no success, in words, for a client that wants them [MQTT-3.1.2-29]. */
function explain({ wantsReasons }: Client, reasons: readonly number[]): Diagnostics {
  if (!wantsReasons) return NO_DIAGNOSTICS;
  const faults = [...new Set(reasons.filter((reason) => reason >= 0x80))];
  return faults.length === 0 ? NO_DIAGNOSTICS : { reasonString: faults.map(reasonName).join(', ') };
}

const NO_DIAGNOSTICS: Diagnostics = {};
const NO_BYTES = new Uint8Array(0);
