/**
 * Main's side of the MQTT listeners: opens their sockets, gives each incarnation of a reactor what it needs to accept from them, and stops, starts and renews
 * them on every reactor while the node runs.
 */
import { randomBytes } from 'node:crypto';
import { allocateCounters, COUNTER, ListenerCounters } from '../../actors/listener/counters.ts';
import type { BoundsMessage, ListenerReply, ListenersMessage } from '../../actors/listener/messages.ts';
import type { ListenerStart, TlsSettings } from '../../actors/listener/settings.ts';
import type { SessionBounds } from '../../actors/session/limits.ts';
import { WELL_KNOWN } from '../../actors/well-known.ts';
import { SluiceError } from '../../base/errors.ts';
import { wellKnownRef } from '../../runtime/ref.ts';
import type { ActorSystem } from '../../runtime/system.ts';
import { portOf } from '../address.ts';
import { errorFields, type Log } from '../log.ts';
import { type ListeningSocket, openListeningSocket } from '../sockets/listening-socket.ts';
import { openUdpPort } from '../sockets/udp-port.ts';
import { openUnixSocket } from '../sockets/unix-socket.ts';
import { type Bind, describeBind } from './bind.ts';
import { fingerprintOf, readCertificates } from './certificates.ts';
import type { ListenerSpec } from './specs.ts';

export interface ListenerDescription {
  readonly name: string;
  readonly type: string;
  /** `host:port`, or the path of a Unix socket. */
  readonly address: string;
  readonly state: 'listening' | 'stopped';
  readonly connections: number;
  readonly accepted: number;
  readonly refused: number;
  readonly auth: string;
  readonly mountpoint: string;
}

/** OpenSSL's keys for session tickets: a session is resumed on whichever reactor a client comes back to. */
const TICKET_KEYS_BYTES = 48;
/** For all reactors to start, stop or renew a listener, milliseconds. */
const CHANGE_MS_MAX = 6000;

interface Managed {
  /** Its limits change when the configuration is read again. */
  spec: ListenerSpec;
  readonly row: number;
  /** The port that was picked is kept when the listener is stopped and started. */
  bind: Bind;
  socket: ListeningSocket | undefined;
  address: string;
  tls: TlsSettings | undefined;
  fingerprint: string;
}

export class ListenerManager {
  readonly memory: SharedArrayBuffer = allocateCounters();
  readonly #reactors: number;
  readonly #log: Log;
  readonly #counters: ListenerCounters;
  readonly #listeners: Managed[];
  readonly #ticketKeys: Uint8Array = randomBytes(TICKET_KEYS_BYTES);
  #system: ActorSystem | undefined;
  #watch: NodeJS.Timeout | undefined;

  /** Reads the certificates; throws when some are bad. */
  constructor(specs: readonly ListenerSpec[], reactors: number, log: Log) {
    this.#reactors = reactors;
    this.#log = log;
    this.#counters = new ListenerCounters(this.memory, reactors);
    this.#listeners = specs.map((spec, i) => {
      const { bind } = spec;
      const managed: Managed = { spec, row: i + 1, bind, socket: undefined, address: '', tls: undefined, fingerprint: '' };
      this.#readCertificates(managed);
      return managed;
    });
  }

  /** Binds all sockets; the first that cannot be bound closes the others. */
  async open(): Promise<void> {
    const results = await Promise.allSettled(this.#listeners.map((listener) => this.#bind(listener)));
    for (const result of results) {
      if (result.status === 'fulfilled') continue;
      this.close();
      throw result.reason;
    }
  }

  /** For one incarnation of one reactor. */
  starts(thread: number): ListenerStart[] {
    return this.#listeners.flatMap((listener) =>
      listener.socket !== undefined && this.#threadsOf(listener).includes(thread) ? [this.#start(listener, listener.socket)] : [],
    );
  }

  /** A UDP socket cannot be shared. */
  #threadsOf({ spec }: Managed): number[] {
    return Array.from({ length: spec.settings.type === 'quic' ? 1 : this.#reactors }, (_, i) => i + 1);
  }

  /** Reactors run: from now on listeners can be changed. */
  attach(system: ActorSystem): void {
    this.#system = system;
  }

  /** Name → address of those that listen. */
  addresses(): Record<string, string> {
    const listening = this.#listeners.filter(({ socket }) => socket !== undefined);
    return Object.fromEntries(listening.map(({ spec, address }) => [spec.settings.name, address]));
  }

  describe(): ListenerDescription[] {
    return this.#listeners.map(({ spec: { settings }, row, bind, socket, address }) => ({
      name: settings.name,
      type: settings.type,
      address: address || describeBind(bind),
      state: socket === undefined ? 'stopped' : 'listening',
      connections: this.#counters.total(row, COUNTER.connections),
      accepted: this.#counters.total(row, COUNTER.accepted),
      refused: this.#counters.total(row, COUNTER.refused),
      auth: settings.authChain,
      mountpoint: settings.mountpoint,
    }));
  }

  /** Accepts again after `stop`; does nothing when it does already. */
  async start(name: string): Promise<void> {
    const listener = this.#named(name);
    if (listener.socket !== undefined) return;
    const socket = await this.#bind(listener);
    try {
      await this.#tellAll(listener, () => ({ type: 'listen', start: this.#start(listener, socket) }));
    } catch (error) {
      await this.stop(name, false);
      throw error;
    }
    this.#log.info({ listener: name, address: listener.address }, 'listener accepts again');
  }

  /** Accepts no more. Those who are there stay unless `disconnect`, which tells them to leave (0x98). */
  async stop(name: string, disconnect: boolean): Promise<void> {
    const listener = this.#named(name);
    listener.socket?.close();
    listener.socket = undefined;
    await this.#tellAll(listener, () => ({ type: 'unlisten', name, disconnect }));
    this.#log.info({ listener: name, disconnect }, 'listener accepts no more');
  }

  /** Other limits and rates for the listeners, by name, and for sessions that have come by none. Resolves when all reactors have them in force. */
  async limit(specs: readonly ListenerSpec[], bounds: SessionBounds): Promise<void> {
    for (const listener of this.#listeners) {
      const { limits, intake } = specs.find(({ settings }) => settings.name === listener.spec.settings.name)!.settings;
      listener.spec = { ...listener.spec, settings: { ...listener.spec.settings, limits, intake } };
    }
    const system = this.#system;
    if (system === undefined) return;
    const everywhere = Array.from({ length: this.#reactors }, (_, i) => i + 1);
    await this.#ask(system, everywhere, () => ({ type: 'bounds', bounds }));
    for (const listener of this.#listeners) {
      const { name, limits, intake } = listener.spec.settings;
      await this.#tellAll(listener, () => ({ type: 'limit', name, to: { limits, intake } }));
    }
  }

  /** Reads all certificates again. When one is bad its listener keeps what it has, the others are renewed, and the first error is thrown at the end. */
  async renew(): Promise<void> {
    const errors: unknown[] = [];
    for (const listener of this.#listeners) {
      if (listener.spec.tlsFiles !== undefined) await this.#renew(listener).catch((error: unknown) => errors.push(error));
    }
    if (errors.length > 0) throw errors[0];
  }

  /** Looks every `intervalMs` whether a file has changed. */
  watch(intervalMs: number): void {
    if (intervalMs === 0 || this.#listeners.every(({ spec }) => spec.tlsFiles === undefined)) return;
    this.#watch = setInterval(() => void this.#lookAtFiles(), intervalMs);
    this.#watch.unref();
  }

  /** No connection is accepted any more, once the reactors have closed theirs. */
  close(): void {
    clearInterval(this.#watch);
    for (const listener of this.#listeners) {
      listener.socket?.close();
      listener.socket = undefined;
    }
  }

  #named(name: string): Managed {
    const listener = this.#listeners.find(({ spec }) => spec.settings.name === name);
    if (listener !== undefined) return listener;
    const names = this.#listeners.map(({ spec }) => spec.settings.name).join(', ');
    throw new SluiceError('SLUICE_LISTEN_UNKNOWN', `${JSON.stringify(name)}: no such listener; there are ${names || 'none'}`);
  }

  async #bind(listener: Managed): Promise<ListeningSocket> {
    const { bind } = listener;
    const socket = await this.#openSocket(listener);
    listener.socket = socket;
    listener.address = socket.address;
    if (!('path' in bind)) listener.bind = { ...bind, port: portOf(socket.address) };
    return socket;
  }

  #openSocket({ bind, spec }: Managed): Promise<ListeningSocket> {
    if ('path' in bind) return openUnixSocket(bind, this.#reactors);
    return spec.settings.type === 'quic' ? openUdpPort(bind) : openListeningSocket(bind, this.#reactors);
  }

  #start({ spec, row, tls }: Managed, socket: ListeningSocket): ListenerStart {
    return { settings: { ...spec.settings, tls }, row, target: socket.lend() };
  }

  #readCertificates(listener: Managed): void {
    const { tlsFiles, settings } = listener.spec;
    if (tlsFiles === undefined) return;
    // Before they are read: what changes meanwhile is then seen as a change.
    listener.fingerprint = fingerprintOf(tlsFiles);
    const key = settings.name === 'tls' || settings.name === 'wss' ? 'mqtt.tls' : `mqtt.listeners ${settings.name}: tls`;
    const { settings: tls, certificates } = readCertificates(tlsFiles, this.#ticketKeys, key);
    listener.tls = tls;
    this.#log.info({ listener: settings.name, certificates }, 'certificates were read');
  }

  async #renew(listener: Managed): Promise<void> {
    this.#readCertificates(listener);
    const { name } = listener.spec.settings;
    const { tls } = listener;
    if (tls !== undefined && this.#system !== undefined) await this.#tellAll(listener, () => ({ type: 'renew', name, tls }));
  }

  async #lookAtFiles(): Promise<void> {
    for (const listener of this.#listeners) {
      const { tlsFiles, settings } = listener.spec;
      if (tlsFiles === undefined || fingerprintOf(tlsFiles) === listener.fingerprint) continue;
      await this.#renew(listener).catch((error: unknown) =>
        this.#log.error(
          { listener: settings.name, ...errorFields(error) },
          'changed certificates are bad, those before them stay',
        ),
      );
    }
  }

  /** All reactors that are up do it; one that comes up later has it from its boot. */
  async #tellAll(listener: Managed, message: () => ListenersMessage): Promise<void> {
    const system = this.#system;
    if (system !== undefined) await this.#ask(system, this.#threadsOf(listener), message);
  }

  async #ask(system: ActorSystem, threads: readonly number[], message: () => ListenersMessage | BoundsMessage): Promise<void> {
    const replies = await Promise.allSettled(
      threads.map((thread) =>
        system.ask<ListenerReply>(wellKnownRef(system.node, thread, WELL_KNOWN.listener), message(), CHANGE_MS_MAX),
      ),
    );
    for (const reply of replies) {
      if (reply.status === 'fulfilled' && !reply.value.ok) throw new SluiceError('SLUICE_LISTEN_CHANGE', reply.value.error);
    }
  }
}
