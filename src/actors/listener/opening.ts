/**
 * A connection between accept and its session, through the handshakes that its listener wants:
 *
 *   accepted ──▶ PROXY header? ──▶ TLS? ──▶ WebSocket? ──▶ a transport
 *        └──────────── refused, or not done in time: closed ───────────┘
 *
 * The sockets are Node's own up to here; the transport takes over what is below them.
 */
import type net from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { TlsIdentity } from '../session/connection.ts';
import type { SessionServices } from '../session/services.ts';
import { NO_ORIGIN, type Origin } from './origin.ts';
import { takeProxyHeader } from './read-proxy-header.ts';
import type { ListenerSettings } from './settings.ts';
import { TlsAcceptor } from './tls-acceptor.ts';
import { WebSocketAcceptor } from './websocket-acceptor.ts';

export interface OpeningEvents {
  opened(opening: Opening): void;
  /** Nothing became of it; its socket is closed, or is closing. */
  failed(opening: Opening, why: string): void;
}

export class Opening {
  readonly raw: net.Socket;
  /** What the session's bytes go through: `raw`, or TLS on it. */
  socket: net.Socket;
  address = '';
  tls: TlsIdentity | undefined;
  early: Uint8Array | null = null;
  /** The services of a session that is only let in to be told that it cannot stay; null for one that can. */
  readonly refusing: SessionServices | null;
  /** When the listener gives it up. */
  readonly deadline: number;
  isOver = false;

  constructor(raw: net.Socket, refusing: SessionServices | null, deadline: number) {
    this.raw = raw;
    this.socket = raw;
    this.refusing = refusing;
    this.deadline = deadline;
  }

  /** For the transport, together with what the socket has read ahead. */
  takeOrigin(): Origin {
    const ahead = this.socket.read() as Buffer | null;
    const early =
      this.early === null || this.early.length === 0 ? ahead : ahead === null ? this.early : Buffer.concat([this.early, ahead]);
    const { address, tls } = this;
    return address === '' && tls === undefined && early === null ? NO_ORIGIN : { address, tls, early };
  }
}

/** Takes the connections of one listener through their handshakes. */
export class Openings {
  readonly #settings: ListenerSettings;
  readonly #events: OpeningEvents;
  readonly #tls: TlsAcceptor | undefined;
  readonly #webSocket: WebSocketAcceptor | undefined;
  /** By the socket that a step hands back. */
  readonly #bySocket = new Map<Duplex, Opening>();

  constructor(settings: ListenerSettings, events: OpeningEvents) {
    this.#settings = settings;
    this.#events = events;
    const { tls, upgrade } = settings;
    this.#tls =
      tls === undefined
        ? undefined
        : new TlsAcceptor(tls, upgrade !== undefined, {
            secured: (raw, socket, identity) => this.#secured(raw, socket, identity),
            refused: (raw, why) => this.#failed(raw, why),
          });
    this.#webSocket =
      upgrade === undefined
        ? undefined
        : new WebSocketAcceptor(upgrade, {
            upgraded: (socket, early) => this.#upgraded(socket, early),
            refused: (socket) => this.#failed(socket, 'no handshake for MQTT over WebSocket'),
          });
  }

  get underWay(): number {
    return this.#bySocket.size;
  }

  begin(opening: Opening): void {
    const { raw } = opening;
    this.#bySocket.set(raw, opening);
    raw.on('error', ignore); // 'close' follows
    raw.on('close', () => this.#fail(opening, 'the peer has closed'));
    if (!this.#settings.proxyProtocol) return this.#secure(opening);
    takeProxyHeader(raw, (source, why) => {
      if (source === undefined) return this.abandon(opening, why);
      opening.address = source;
      this.#secure(opening);
    });
  }

  /** Closes it now. */
  abandon(opening: Opening, why: string): void {
    opening.raw.destroy();
    opening.socket.destroy();
    this.#fail(opening, why);
  }

  all(): Iterable<Opening> {
    return this.#bySocket.values();
  }

  /** Throws when OpenSSL does not take the certificates, and keeps the former. */
  renew(tls: ListenerSettings['tls']): void {
    if (tls !== undefined) this.#tls?.renew(tls);
  }

  #secure(opening: Opening): void {
    if (this.#tls === undefined) return this.#upgrade(opening);
    if (opening.address === '') opening.address = addressOf(opening.raw);
    this.#tls.accept(opening.raw);
  }

  #secured(raw: net.Socket, socket: TLSSocket, identity: TlsIdentity): void {
    const opening = this.#bySocket.get(raw);
    if (opening === undefined) return void socket.destroy();
    opening.socket = socket;
    opening.tls = identity;
    socket.on('error', ignore);
    socket.on('close', () => this.#fail(opening, 'the peer has closed'));
    this.#upgrade(opening);
  }

  #upgrade(opening: Opening): void {
    if (this.#webSocket === undefined) return this.#opened(opening);
    this.#bySocket.delete(opening.raw);
    this.#bySocket.set(opening.socket, opening);
    this.#webSocket.accept(opening.socket);
  }

  #upgraded(socket: Duplex, early: Uint8Array): void {
    const opening = this.#bySocket.get(socket);
    if (opening === undefined) return void socket.destroy();
    opening.early = early;
    this.#opened(opening);
  }

  #opened(opening: Opening): void {
    if (!this.#end(opening)) return;
    opening.socket.pause();
    this.#events.opened(opening);
  }

  #failed(socket: Duplex, why: string): void {
    const opening = this.#bySocket.get(socket);
    if (opening !== undefined) this.#fail(opening, why);
  }

  #fail(opening: Opening, why: string): void {
    if (this.#end(opening)) this.#events.failed(opening, why);
  }

  /** False when it is over already. */
  #end(opening: Opening): boolean {
    if (opening.isOver) return false;
    opening.isOver = true;
    this.#bySocket.delete(opening.raw);
    this.#bySocket.delete(opening.socket);
    return true;
  }
}

function addressOf({ remoteAddress = '', remotePort }: net.Socket): string {
  return remoteAddress.includes(':') ? `[${remoteAddress}]:${remotePort}` : `${remoteAddress}:${remotePort}`;
}

function ignore(): void {}
