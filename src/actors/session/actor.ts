/**
 * A session: an actor on the reactor that accepted its client's connection, which it outlives when the client asked for that.
 *
 *   connecting ──CONNECT──▶ [authenticating ──AUTH──▶] claiming ──granted──▶ online ──connection lost──▶ offline ──expiry──▶ (stopped)
 *        │                     │                    │                            │
 *        └── refused, timed out, closed             └──── taken over: handing ───┴──▶ (stopped)
 *
 * This file is the shell: it says what each message, event and timer leads to. Its state is `Session` (session.ts), what happens with it is there by subject:
 *
 *   connecting.ts    CONNECT until online, keep alive     subscribing.ts   SUBSCRIBE and UNSUBSCRIBE
 *   reading.ts       bytes of the client, and when not    shared-work.ts   its part in shared subscriptions
 *   leaving.ts       the end of a connection              takeover.ts      another session has the client id
 *   revival.ts       made again without its client        ending.ts        the actor stops
 *   further.ts       what its former home still had
 *   description.ts   what operators see                   persistence.ts   what makes it last
 *
 * `Outbound` brings messages to the client, `Subscriber` its subscriptions, `Admission` makes it the owner of its client id, `InboundReader` takes the bytes apart. Deliveries
 * come by a direct call from the publisher's turn (`deliver`) and do no more than append to this session's output and queue.
 */
import type { Actor, ActorContext, TerminationReason } from '../../runtime/actor.ts';
import type { ActorRef } from '../../runtime/ref.ts';
import { PacketType, type Qos } from '../../wire/mqtt/constants.ts';
import { PINGRESP } from '../../wire/mqtt/control-encoder.ts';
import { MqttError } from '../../wire/mqtt/mqtt-error.ts';
import type { ConnectPacket, ControlPacket } from '../../wire/mqtt/packets.ts';
import { Reason } from '../../wire/mqtt/reason-codes.ts';
import type { Outages } from '../inbox/outages.ts';
import type { Sink } from '../router/sink.ts';
import type { Topic } from '../router/topic-table.ts';
import type { Former } from './admission.ts';
import { admitted, authenticated, checkExpiry, checkKeepAlive, connect, refused } from './connecting.ts';
import { describe, inspect } from './description.ts';
import { stopping } from './ending.ts';
import { takeFurther } from './further.ts';
import type { Terms } from './handshake.ts';
import type { HookMessage } from './inbound.ts';
import { clientDisconnects, connectionLost, disconnect, expelled, goOn } from './leaving.ts';
import type { SessionMessage, SessionState } from './messages.ts';
import { Orphan } from './orphan.ts';
import { Persistence } from './persistence.ts';
import { SESSION_PROBE } from './probe.ts';
import { awaitPermission, awaitSessions, awaitVerdicts, ratesChanged, read, readAgain } from './reading.ts';
import { restore, revive } from './revival.ts';
import { Session, TIMER } from './session.ts';
import { release, returnShared } from './shared-work.ts';
import type { Standing } from './standing.ts';
import { subscribe, subscribeByOperator, unsubscribe, unsubscribeByOperator } from './subscribing.ts';
import { comeBack, disown, hand, surrender, takeOver } from './takeover.ts';
import { IO_CLOSED, IO_CONTINUE, IO_DATA, IO_DRAINED, type ReadView } from './transport.ts';

const { slot } = SESSION_PROBE;

type Context = ActorContext<SessionMessage>;

export class SessionActor extends Session implements Actor<SessionMessage> {
  started(ctx: Context): void {
    this.ctx = ctx;
    this.persistence = new Persistence(this.services, ctx, this.outbound, this);
    if (this.restored instanceof Orphan) return revive(this, this.restored);
    if (this.restored !== null) return restore(this, this.restored);
    this.count(slot.connections, 1);
    this.connectTimer = ctx.startTimer(this.services.limits.connectTimeoutMs, TIMER.connect);
    this.client!.transport.open(ctx);
  }

  stopping(reason: TerminationReason): void {
    stopping(this, reason);
  }

  receive(message: SessionMessage, ctx: Context): void {
    switch (message.type) {
      case 'surrender': {
        const to = ctx.replyTo();
        if (to !== undefined) surrender(this, { to, by: message.by, discard: message.discard, isMourned: message.isMourned });
        break;
      }
      case 'yield': {
        const to = ctx.replyTo();
        if (to !== undefined) hand(this, to);
        break;
      }
      case 'superseded':
        disown(this);
        // What is on disk under its client id is somebody else's.
        this.isSucceeded = true;
        disconnect(this, Reason.SESSION_TAKEN_OVER);
        this.end();
        break;
      case 'disconnect':
        disconnect(this, message.reason);
        break;
      case 'rates':
        if (this.state === 'online') ratesChanged(this);
        break;
      case 'kick':
        if (message.discard) this.expirySeconds = 0;
        disconnect(this, Reason.ADMINISTRATIVE_ACTION);
        if (message.discard && this.state === 'offline') this.end();
        break;
      default:
        this.#administrate(message, ctx);
    }
  }

  /** Asks of an operator. */
  #administrate(message: SessionMessage, ctx: Context): void {
    const to = ctx.replyTo();
    if (to === undefined) return;
    if (message.type === 'describe') return ctx.respond(to, describe(this, message.subscriptions));
    if (this.state !== 'online' && this.state !== 'offline') return ctx.respond(to, null);
    if (message.type === 'further') return takeFurther(this, message.bytes, (isTaken) => ctx.respond(to, isTaken));
    if (message.type === 'unsubscribe') unsubscribeByOperator(this, message.filters, to);
    else if (message.type === 'subscribe') subscribeByOperator(this, message.entries, to);
  }

  onIo(event: number, argument: unknown): void {
    switch (event) {
      case IO_DATA:
        read(this, argument as ReadView);
        break;
      case IO_DRAINED:
        this.client?.output.drained();
        this.outbound.drain();
        this.feed();
        break;
      case IO_CLOSED:
        if (this.client !== null) connectionLost(this);
        break;
      case IO_CONTINUE:
        (argument as () => void)();
        break;
    }
  }

  onTimer(key: number, ctx: Context): void {
    switch (key) {
      case TIMER.connect:
        if (this.state === 'connecting' || this.state === 'authenticating') disconnect(this, Reason.MAXIMUM_CONNECT_TIME);
        break;
      case TIMER.keepAlive:
        checkKeepAlive(this, ctx);
        break;
      case TIMER.slow:
        this.outbound.checkSlowness(ctx.now());
        break;
      case TIMER.afterlife:
        if (this.state === 'offline') goOn(this, ctx);
        break;
      case TIMER.expiry:
        if (this.state === 'online') checkExpiry(this, this.standing!);
        break;
      case TIMER.rate:
        readAgain(this);
        break;
      case TIMER.handing:
        if (this.state === 'handing') comeBack(this);
        break;
      case TIMER.replay:
        this.replaying?.saved();
        if (this.state === 'online') this.persistence.saveLater();
        break;
    }
  }

  inspect(): unknown {
    return inspect(this);
  }

  control(packet: ControlPacket): void {
    switch (packet.type) {
      case PacketType.CONNECT:
        if (this.state !== 'connecting') throw new MqttError(Reason.PROTOCOL_ERROR, 'second CONNECT'); // [MQTT-3.1.0-2]
        connect(this, packet);
        break;
      case PacketType.SUBSCRIBE:
        subscribe(this, packet);
        break;
      case PacketType.UNSUBSCRIBE:
        unsubscribe(this, packet);
        break;
      case PacketType.PINGREQ:
        this.write(PINGRESP);
        break;
      case PacketType.DISCONNECT:
        clientDisconnects(this, packet);
        break;
      case PacketType.AUTH:
        if (this.challenge === null) throw new MqttError(Reason.PROTOCOL_ERROR, 'AUTH without a method in CONNECT'); // [MQTT-4.12.0-7]
        this.challenge.receive(packet);
        break;
    }
  }

  authenticated(connect: ConnectPacket, terms: Terms, standing: Standing): boolean {
    return authenticated(this, connect, terms, standing);
  }

  admitted(connect: ConnectPacket, terms: Terms, former: Former): void {
    admitted(this, connect, terms, former);
  }

  refused(reason: number): void {
    refused(this, reason);
  }

  expelled(): void {
    expelled(this);
  }

  awaitPermission(topic: Topic, qos: Qos, retain: boolean): void {
    awaitPermission(this, topic, qos, retain);
  }

  awaitSessions(outages: Outages): void {
    awaitSessions(this, outages);
  }

  awaitVerdicts(messages: readonly HookMessage[]): void {
    awaitVerdicts(this, messages);
  }

  disconnect(reason: number): void {
    disconnect(this, reason);
  }

  overflowed(): void {
    this.ctx.io(IO_CONTINUE, () => disconnect(this, Reason.QUOTA_EXCEEDED));
  }

  unwritten(): void {
    this.ctx.io(IO_CONTINUE, () => disconnect(this, Reason.QUOTA_EXCEEDED));
  }

  notKept(): void {
    disconnect(this, Reason.UNSPECIFIED_ERROR);
  }

  returnShared(key: string): void {
    returnShared(this, key);
  }

  release(key: string): void {
    release(this, key);
  }

  takeOver(heir: Sink, by: ActorRef<SessionMessage>): SessionState {
    return takeOver(this, heir, by);
  }
}
