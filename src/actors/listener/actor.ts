/**
 * Accepts connections on one listening socket that all reactors share, and starts a session for each. It supervises the sessions: one that fails loses its
 * connection; if it is persistent it goes on from disk (session/seed.ts), and the others notice nothing.
 */
import net from 'node:net';
import { LISTEN_BACKLOG, SOCKET_LINGER_MS } from '../../base/limits.ts';
import type { Actor, ActorContext, Directive, Supervision } from '../../runtime/actor.ts';
import type { SessionMessage } from '../session/messages.ts';
import { SESSION_PROBE } from '../session/probe.ts';
import { SessionSeed } from '../session/seed.ts';
import type { SessionServices } from '../session/services.ts';
import { HandleTransport } from './handle-transport.ts';
import { LISTENER_PROBE } from './probe.ts';
import { SharedReads } from './shared-reads.ts';
import { readOptions, SocketTransport } from './socket-transport.ts';
import { streamInternals } from './stream-internals.ts';

const IO_ACCEPTED = 1;
const { slot } = LISTENER_PROBE;

/** `reusePort` and `fd` are both newer than, or missing from, the types of the oldest Node that we run on. */
export type ListenTarget = { readonly host: string; readonly port: number; readonly reusePort: true } | { readonly fd: number };

export interface ListenerOptions {
  /** Where to listen: a port of our own (with others that reuse it), or a socket that is bound already. */
  readonly listen: ListenTarget;
  /** Connections of this reactor. */
  readonly connectionsMax: number;
  /** Hears once that the socket listens, or why it does not. */
  readonly onListening: (error: Error | undefined) => void;
}

export class ListenerActor implements Actor<never> {
  readonly #services: SessionServices;
  readonly #options: ListenerOptions;
  readonly #reads = new SharedReads();
  readonly #onread = readOptions(this.#reads);
  /** Connections that have been ended and not closed yet, by the key of the timer that will. */
  readonly #lingering = new Map<number, HandleTransport>();
  #lastTimerKey = 0;
  #server: net.Server | null = null;

  constructor(services: SessionServices, options: ListenerOptions) {
    this.#services = services;
    this.#options = options;
  }

  started(ctx: ActorContext<never>): void {
    const server = net.createServer({ pauseOnConnect: true, noDelay: true }, (socket) => ctx.io(IO_ACCEPTED, socket));
    server.once('error', this.#options.onListening);
    server.listen({ ...this.#options.listen, backlog: LISTEN_BACKLOG }, () => this.#options.onListening(undefined));
    this.#server = server;
  }

  receive(): void {}

  onIo(_event: number, argument: unknown, ctx: ActorContext<never>): void {
    const socket = argument as net.Socket;
    const { slots } = this.#services.system;
    if (slots[SESSION_PROBE.slot.connections]! >= this.#options.connectionsMax) {
      slots[slot.refused]! += 1;
      socket.destroy();
      return;
    }
    slots[slot.accepted]! += 1;
    const transport =
      streamInternals === undefined
        ? new SocketTransport(socket, this.#onread)
        : new HandleTransport(socket, this.#reads, (ended) => this.#linger(ended, ctx));
    const seed = new SessionSeed(this.#services, transport);
    ctx.spawn<SessionMessage>(() => seed.make(), { name: 'session' });
  }

  onTimer(key: number): void {
    this.#lingering.get(key)?.close();
    this.#lingering.delete(key);
  }

  stopping(): void {
    this.#server?.close();
    this.#server = null;
  }

  #linger(ended: HandleTransport, ctx: ActorContext<never>): void {
    const key = ++this.#lastTimerKey;
    this.#lingering.set(key, ended);
    ctx.startTimer(SOCKET_LINGER_MS, key);
  }
}

/** How the listener supervises its sessions. */
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
