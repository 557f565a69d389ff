/**
 * Accepts connections on one listening socket that all reactors share, takes them through their handshakes and starts a session for each. It supervises the
 * sessions: one that fails loses its connection; if it is persistent it goes on from disk (session/seed.ts), and the
 * others notice nothing.
 *
 * A connection counts from accept until its transport is ended. One too many is, as long as there are not too many of these either, heard out and told so.
 */
import net from 'node:net';
import type { Duplex } from 'node:stream';
import { assert } from '../../base/assert.ts';
import { LISTEN_BACKLOG, LISTENER_SWEEP_MS, REFUSALS_MAX, SOCKET_LINGER_MS } from '../../base/limits.ts';
import type { Actor, ActorContext, Directive, Supervision } from '../../runtime/actor.ts';
import type { ActorRef } from '../../runtime/ref.ts';
import { Reason } from '../../wire/mqtt/reason-codes.ts';
import type { SessionMessage } from '../session/messages.ts';
import { SessionSeed } from '../session/seed.ts';
import type { SessionServices } from '../session/services.ts';
import type { Transport } from '../session/transport.ts';
import { COUNTER, type CounterField, type ListenerCounters } from './counters.ts';
import { DuplexTransport } from './duplex-transport.ts';
import { HandleTransport } from './handle-transport.ts';
import { type Accepted, Intake } from './intake.ts';
import type { ListenerReply, ListenersMessage } from './messages.ts';
import { MountedTransport } from './mounted-transport.ts';
import { Opening, Openings } from './opening.ts';
import { NO_ORIGIN, type Origin } from './origin.ts';
import { LISTENER_PROBE } from './probe.ts';
import { QuicAcceptor, type QuicWhere } from './quic-acceptor.ts';
import { ListenerTerms, refusingServices } from './services.ts';
import type { ChangedListener, ListenerSettings, ListenTarget } from './settings.ts';
import type { SharedReads } from './shared-reads.ts';
import { acceptHandles, hasHandle, isHandle } from './stream-internals.ts';
import { WebSocketTransport } from './websocket-transport.ts';

const IO_ACCEPTED = 1;
const IO_OPENED = 2;
const IO_FAILED = 3;
const IO_STREAM = 4;
/** Keys above are those of lingering connections. */
const TIMER_SWEEP = 0;
const { slot } = LISTENER_PROBE;

type Context = ActorContext<ListenersMessage>;
type Ended = { readonly isClosed: boolean; close(): void };

export interface ListenerTools {
  /** With this listener's limits and profile. */
  readonly services: SessionServices;
  readonly settings: ListenerSettings;
  readonly counters: ListenerCounters;
  /** Its row of the counters. */
  readonly row: number;
  /** The reactor's. */
  readonly reads: SharedReads;
  /** A connection came to nothing, and why. */
  readonly onFailedOpening: (listener: string, address: string, why: string) => void;
}

export class ListenerActor implements Actor<ListenersMessage> {
  readonly #tools: ListenerTools;
  readonly #intake: Intake;
  readonly #openings: Openings;
  readonly #needsOpening: boolean;
  /** Connections that have been ended and not closed yet, by the key of the timer that will. */
  readonly #lingering = new Map<number, Ended>();
  #refusing: Readonly<Record<'too many' | 'too fast', SessionServices>>;
  readonly #terms: ListenerTerms;
  #settings: ListenerSettings;
  #lastTimerKey = TIMER_SWEEP;
  #refusals = 0;
  #isSweeping = false;
  #server: net.Server | null = null;
  #quic: QuicAcceptor | null = null;
  #ctx!: Context;

  constructor(tools: ListenerTools) {
    const { services, settings, counters, row } = tools;
    this.#tools = tools;
    this.#intake = new Intake(settings.intake, counters, row, services.system.thread);
    this.#needsOpening = settings.proxyProtocol || settings.tls !== undefined || settings.upgrade !== undefined;
    this.#openings = new Openings(settings, {
      opened: (opening) => this.#ctx.io(IO_OPENED, opening),
      failed: (opening, why) => this.#ctx.io(IO_FAILED, { opening, why }),
    });
    this.#settings = settings;
    this.#terms = new ListenerTerms(services);
    this.#refusing = refusing(services);
  }

  started(ctx: Context): void {
    this.#ctx = ctx;
  }

  receive(message: ListenersMessage, ctx: Context): void {
    const to = ctx.replyTo();
    const reply = (error: string): void => {
      if (to !== undefined) ctx.respond(to, { ok: error === '', error } satisfies ListenerReply);
    };
    switch (message.type) {
      case 'listen':
        this.#listen(message.start.target, reply);
        break;
      case 'unlisten':
        this.#unlisten();
        if (message.disconnect) this.#disconnectAll();
        reply('');
        break;
      case 'renew':
        reply(this.#renew(message.tls));
        break;
      case 'limit':
        this.#limit(message.to);
        reply('');
        break;
    }
  }

  onIo(event: number, argument: unknown): void {
    switch (event) {
      case IO_ACCEPTED:
        this.#accepted(argument as Accepted);
        break;
      case IO_OPENED:
        this.#opened(argument as Opening);
        this.#serveWaiting();
        break;
      case IO_FAILED:
        this.#openingFailed(argument as { opening: Opening; why: string });
        this.#serveWaiting();
        break;
      case IO_STREAM:
        this.#acceptedStream(argument as { stream: Duplex; address: string });
        break;
    }
  }

  onTimer(key: number): void {
    if (key === TIMER_SWEEP) return this.#sweep();
    this.#lingering.get(key)?.close();
    this.#lingering.delete(key);
  }

  stopping(): void {
    this.#unlisten();
    for (const opening of [...this.#openings.all()]) this.#openings.abandon(opening, 'the node stops');
    for (const { accepted } of this.#intake.expired(Number.POSITIVE_INFINITY)) this.#dropWaiting(accepted);
  }

  inspect(): unknown {
    const { settings, counters, row } = this.#tools;
    return {
      name: settings.name,
      type: settings.type,
      listening: this.#isListening,
      connections: counters.total(row, COUNTER.connections),
      opening: this.#openings.underWay,
      waiting: this.#intake.waiting,
    };
  }

  // ── The listening socket ───────────────────────────────────────────────────────────────────────────────────────────────────

  #listen(target: ListenTarget, reply: (error: string) => void): void {
    if (this.#isListening) return reply('');
    if ('udp' in target) return this.#listenQuic(target.udp, reply);
    const { tcpKeepAliveMs } = this.#tools.settings;
    const options = {
      pauseOnConnect: true,
      noDelay: true,
      keepAlive: tcpKeepAliveMs > 0,
      keepAliveInitialDelay: tcpKeepAliveMs,
    };
    const accepted = (connection: Accepted): void => this.#ctx.io(IO_ACCEPTED, connection);
    const server = net.createServer(options, accepted);
    const failed = (error: NodeJS.ErrnoException): void => {
      if (this.#server === server) this.#server = null;
      reply(error.code ?? error.message);
    };
    server.once('error', failed);
    server.listen({ ...target, backlog: LISTEN_BACKLOG }, () => {
      server.off('error', failed);
      server.on('error', ignore); // one connection that could not be accepted
      // Handshakes are done by Node's own sockets.
      if (!this.#needsOpening) acceptHandles(server, tcpKeepAliveMs / 1000, accepted);
      reply('');
    });
    this.#server = server;
  }

  #listenQuic(where: QuicWhere, reply: (error: string) => void): void {
    const { tls } = this.#tools.settings;
    assert(tls !== undefined, 'a QUIC listener has a certificate');
    const accepted = (stream: Duplex, address: string): void => this.#ctx.io(IO_STREAM, { stream, address });
    QuicAcceptor.listen(where, tls, accepted).then(
      (acceptor) => {
        this.#quic = acceptor;
        reply('');
      },
      (error: Error) => reply(error.message),
    );
  }

  get #isListening(): boolean {
    return this.#server !== null || this.#quic !== null;
  }

  #unlisten(): void {
    this.#server?.close();
    this.#server = null;
    this.#quic?.close();
    this.#quic = null;
  }

  #disconnectAll(): void {
    for (const session of this.#ctx.children()) {
      this.#ctx.tell(session as ActorRef<SessionMessage>, { type: 'disconnect', reason: Reason.ADMINISTRATIVE_ACTION });
    }
  }

  #renew(tls: ListenerSettings['tls']): string {
    try {
      this.#openings.renew(tls);
      if (tls !== undefined) this.#quic?.renew(tls);
      return '';
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  /** Sessions take bounds and rates at once; what is settled at CONNECT is for those who come from now on. */
  #limit(to: ChangedListener): void {
    this.#settings = { ...this.#settings, ...to };
    this.#terms.change(to);
    this.#refusing = refusing(this.#terms.current);
    this.#intake.change(to.intake);
    for (const session of this.#ctx.children()) this.#ctx.tell(session as ActorRef<SessionMessage>, { type: 'rates' });
    this.#serveWaiting();
  }

  // ── Connections ────────────────────────────────────────────────────────────────────────────────────────────────────────────

  #accepted(accepted: Accepted): void {
    const { slots } = this.#tools.services.system;
    slots[slot.accepted]! += 1;
    this.#countUp(COUNTER.accepted);
    const verdict = this.#intake.judge(accepted, this.#openings.underWay, this.#ctx.now());
    if (verdict === 'enters') this.#enter(accepted, this.#deadline());
    else if (verdict === 'waits') {
      slots[slot.delayed]! += 1;
      this.#watch();
    } else this.#refuse(accepted, verdict);
  }

  #acceptedStream({ stream, address }: { stream: Duplex; address: string }): void {
    const { reads } = this.#tools;
    const { current: services } = this.#terms;
    services.system.slots[slot.accepted]! += 1;
    this.#countUp(COUNTER.accepted);
    if (!this.#intake.admits(this.#ctx.now())) {
      services.system.slots[slot.refused]! += 1;
      this.#countUp(COUNTER.refused);
      stream.destroy();
      return;
    }
    this.#spawn(services, this.#layered(new DuplexTransport(stream, reads, this.#left, { ...NO_ORIGIN, address })));
  }

  #enter(accepted: Accepted, deadline: number): void {
    if (this.#needsOpening) this.#open(new Opening(accepted as net.Socket, null, deadline));
    else this.#spawn(this.#terms.current, this.#transport(accepted, this.#origin(), this.#left));
  }

  #open(opening: Opening): void {
    this.#openings.begin(opening);
    this.#watch();
  }

  #deadline(): number {
    return this.#ctx.now() + this.#settings.intake.handshakeTimeoutMs;
  }

  #refuse(accepted: Accepted, verdict: 'too many' | 'too fast'): void {
    const { slots } = this.#tools.services.system;
    slots[slot.refused]! += 1;
    if (verdict === 'too fast') slots[slot.tooFast]! += 1;
    this.#countUp(COUNTER.refused);
    if (this.#refusals >= REFUSALS_MAX) return drop(accepted);
    this.#refusals++;
    const services = this.#refusing[verdict];
    if (this.#needsOpening)
      this.#open(new Opening(accepted as net.Socket, services, this.#ctx.now() + services.limits.connectTimeoutMs));
    else this.#spawn(services, this.#transport(accepted, this.#origin(), this.#refusalLeft));
  }

  /** The transport is made when the session starts: until then the socket reads, and it may close. */
  #opened(opening: Opening): void {
    const open = (): Transport => {
      const { socket, refusing } = opening;
      return this.#transport(socket, opening.takeOrigin(), refusing === null ? this.#left : this.#refusalLeft);
    };
    this.#begin(opening.refusing ?? this.#terms.current, open);
  }

  #spawn(services: SessionServices, transport: Transport): void {
    this.#begin(services, () => transport);
  }

  #begin(services: SessionServices, open: () => Transport): void {
    const seed = new SessionSeed(services, open);
    this.#ctx.spawn<SessionMessage>(() => seed.make(), { name: 'session' });
  }

  #transport(accepted: Accepted, origin: Origin, ended: (transport: Ended) => void): Transport {
    const { reads } = this.#tools;
    return this.#layered(
      isHandle(accepted) || hasHandle(accepted)
        ? new HandleTransport(accepted, reads, ended, origin)
        : new DuplexTransport(accepted, reads, ended, origin),
    );
  }

  /** With what lies between the connection's bytes and the session's packets. */
  #layered(transport: Transport): Transport {
    const { upgrade, mountpoint, limits } = this.#settings;
    const framed = upgrade === undefined ? transport : new WebSocketTransport(transport);
    return mountpoint === '' ? framed : new MountedTransport(framed, mountpoint, limits.packetBytesMax);
  }

  #origin(): Origin {
    return this.#tools.settings.type === 'unix' ? UNIX_ORIGIN : NO_ORIGIN;
  }

  #openingFailed({ opening, why }: { opening: Opening; why: string }): void {
    const { services, settings, onFailedOpening } = this.#tools;
    services.system.slots[slot.failedOpenings]! += 1;
    if (opening.refusing === null) this.#intake.left();
    else this.#refusals--;
    onFailedOpening(settings.name, opening.address, why);
  }

  readonly #left = (ended: Ended): void => {
    this.#intake.left();
    this.#linger(ended);
  };

  readonly #refusalLeft = (ended: Ended): void => {
    this.#refusals--;
    this.#linger(ended);
  };

  #linger(ended: Ended): void {
    if (ended.isClosed) return;
    const key = ++this.#lastTimerKey;
    this.#lingering.set(key, ended);
    this.#ctx.startTimer(SOCKET_LINGER_MS, key);
  }

  // ── Those who wait ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  #serveWaiting(): void {
    const now = this.#ctx.now();
    for (;;) {
      const waiting = this.#intake.next(this.#openings.underWay, now);
      if (waiting === undefined) return;
      this.#enter(waiting.accepted, waiting.deadline);
    }
  }

  /** Looks again soon, as long as somebody waits or is in a handshake. */
  #watch(): void {
    if (this.#isSweeping) return;
    this.#isSweeping = true;
    const delayMs = this.#intake.waiting > 0 ? this.#intake.delayMs(this.#ctx.now()) : 0;
    this.#ctx.startTimer(delayMs > 0 ? Math.min(delayMs, LISTENER_SWEEP_MS) : LISTENER_SWEEP_MS, TIMER_SWEEP);
  }

  #sweep(): void {
    this.#isSweeping = false;
    const now = this.#ctx.now();
    for (const { accepted } of this.#intake.expired(now)) this.#dropWaiting(accepted);
    for (const opening of [...this.#openings.all()]) {
      if (opening.deadline <= now) this.#openings.abandon(opening, 'the handshake takes too long');
    }
    this.#serveWaiting();
    if (this.#intake.waiting > 0 || this.#openings.underWay > 0) this.#watch();
  }

  #dropWaiting(accepted: Accepted): void {
    const { slots } = this.#tools.services.system;
    slots[slot.refused]! += 1;
    slots[slot.tooFast]! += 1;
    this.#countUp(COUNTER.refused);
    this.#intake.left();
    drop(accepted);
  }

  #countUp(field: CounterField): void {
    this.#tools.counters.add(this.#tools.row, field, this.#tools.services.system.thread, 1);
  }
}

function ignore(): void {}

function drop(accepted: Accepted): void {
  if (isHandle(accepted)) accepted.close();
  else accepted.destroy();
}

function refusing(services: SessionServices): Readonly<Record<'too many' | 'too fast', SessionServices>> {
  return {
    'too many': refusingServices(services, Reason.QUOTA_EXCEEDED),
    'too fast': refusingServices(services, Reason.CONNECTION_RATE_EXCEEDED),
  };
}

const UNIX_ORIGIN: Origin = { ...NO_ORIGIN, address: 'unix' };

/** How a listener supervises its sessions. */
export function sessionSupervision(slots: Float64Array, onError: (error: unknown) => void): Supervision {
  return {
    strategy: 'oneForOne',
    decide(error: unknown): Directive {
      slots[slot.sessionFailures]! += 1;
      onError(error);
      return 'restart'; // what that means is the session's to say: see seed.ts, which also bounds it
    },
    restartsMax: Number.MAX_SAFE_INTEGER,
    windowMs: 1000,
    backoffMinMs: 0,
    backoffMaxMs: 0,
  };
}
