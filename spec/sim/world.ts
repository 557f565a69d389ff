/**
 * One simulated node under load and weather: reactors with the whole broker on them, clients that misbehave as clients do, and what must hold all the
 * same. A seed is a run: everything that may differ is drawn from it.
 *
 *   storm ──▶ calm: all come back, all drains ──▶ retained store ──▶ every session is ended ──▶ nothing is left
 *
 * What must hold: QoS 1 at least, QoS 2 exactly and QoS 0 at most once, to whom it was owed and to nobody who did not ask; first arrivals in order per
 * publisher, topic and QoS; a session is there when it should be and has one owner; retained messages are the last of their topics; nothing is left of sessions
 * that have ended; no actor fails. When a reactor dies only the sessions that it may have held lose anything. ledger.ts and client.ts check what single
 * packets can break, this file the rest.
 */

import { sessionSupervision } from '../../src/actors/listener/actor.ts';
import { LISTENER_PROBE } from '../../src/actors/listener/probe.ts';
import { REGISTRY_PROBE } from '../../src/actors/registry/probe.ts';
import type { SessionLimits } from '../../src/actors/session/limits.ts';
import type { SessionMessage } from '../../src/actors/session/messages.ts';
import { FULL_OFFER } from '../../src/actors/session/offer.ts';
import { SESSION_PROBE } from '../../src/actors/session/probe.ts';
import { SessionSeed } from '../../src/actors/session/seed.ts';
import type { SessionServices } from '../../src/actors/session/services.ts';
import { IO_CONTINUE, type Transport } from '../../src/actors/session/transport.ts';
import { SHARE_DEFAULTS } from '../../src/actors/share/strategy.ts';
import { MQTT_TOPIC_LEVELS_MAX } from '../../src/base/limits.ts';
import { Prng } from '../../src/base/prng.ts';
import { OPEN_ACCESS, startBroker } from '../../src/nodes/broker.ts';
import type { Actor, ActorContext } from '../../src/runtime/actor.ts';
import type { DeadLetter } from '../../src/runtime/dead-letters.ts';
import type { ActorInspection } from '../../src/runtime/inspection.ts';
import { RUNTIME_PROBE } from '../../src/runtime/probe.ts';
import { SimCluster } from '../../src/runtime/sim/cluster.ts';
import type { ActorSystem } from '../../src/runtime/system.ts';
import { type Qos, SESSION_EXPIRY_NEVER } from '../../src/wire/mqtt/constants.ts';
import { SimClient } from './client.ts';
import { Connection, type Peer, type Weather } from './fabric.ts';
import { Ledger } from './ledger.ts';

export interface WorldOptions {
  readonly seed: number;
  /** Keeps the events for printing. */
  readonly verbose?: boolean;
}

export interface Event {
  readonly atMs: number;
  readonly who: string;
  readonly what: string;
}

export interface Violation extends Event {
  /** Payload of the message concerned. */
  readonly payload?: string | undefined;
}

export interface Outcome {
  readonly seed: number;
  readonly reactors: number;
  readonly digest: string;
  readonly violations: readonly Violation[];
  readonly events: readonly Event[];
  readonly messages: number;
  readonly copies: number;
  readonly takeovers: number;
  readonly kills: number;
  readonly virtualMs: number;
}

const TOPICS: readonly string[] = ['a', 'b', 'a/b', 'a/c', 'a/b/c', 'b/c', '$s/a'];
const FILTERS: readonly string[] = [...TOPICS, '#', '+', 'a/#', 'a/+', '+/b', '+/+/c', 'b/#', '$s/#'];
const CALM_MS = 2500;
const RETAINED_MS = 300;
const GOODBYE_MS = 1000;
const IDLE_MS = 60_000;
/** A home of a session that was left: so long may what is on the way still touch it. */
const HOME_FADES_MS = 50;

class SimListener implements Actor<never> {
  readonly #services: SessionServices;
  readonly #onStarted: (ctx: ActorContext<never>) => void;

  constructor(services: SessionServices, onStarted: (ctx: ActorContext<never>) => void) {
    this.#services = services;
    this.#onStarted = onStarted;
  }

  started(ctx: ActorContext<never>): void {
    this.#onStarted(ctx);
  }

  receive(): void {}

  onIo(_event: number, transport: unknown, ctx: ActorContext<never>): void {
    const seed = new SessionSeed(this.#services, () => transport as Transport);
    ctx.spawn<SessionMessage>(() => seed.make(), { name: 'session' });
  }
}

interface Reactor {
  services: SessionServices;
  listener: ActorContext<never> | undefined;
}

export class World {
  readonly prng: Prng;
  readonly ledger: Ledger = new Ledger();
  readonly weather: Weather;
  readonly #seed: number;
  readonly #events: Event[] | undefined;
  readonly #violations: Violation[] = [];
  readonly #cluster: SimCluster;
  readonly #reactors: (Reactor | undefined)[] = [];
  readonly #reactorCount: number;
  readonly #limits: SessionLimits;
  readonly #clients: SimClient[] = [];
  /** They look at the quiet world afterwards. */
  readonly #newcomers: SimClient[] = [];
  readonly #connections: { readonly client: SimClient; readonly reactor: number; readonly connection: Connection }[] = [];
  /** Who was accepted last under a client id. */
  readonly #accepted = new Map<string, Connection>();
  readonly #stormMs: number;
  #kills = 0;
  #isCalm = false;
  #isEnding = false;

  constructor(options: WorldOptions) {
    this.#seed = options.seed;
    this.#events = options.verbose ? [] : undefined;
    const prng = new Prng(options.seed + 0x51_7e);
    this.prng = prng;
    this.#reactorCount = 1 + prng.below(3);
    this.#stormMs = 100 + prng.next() * 400;
    this.weather = randomWeather(prng);
    this.#limits = randomLimits(prng);
    this.#cluster = new SimCluster({
      threads: this.#reactorCount + 1,
      seed: options.seed,
      ...(prng.chance(0.3) ? { linkBytes: 4096 + prng.below(16_384) } : {}),
      ...(prng.chance(0.3) ? { delayMaxMs: 5 } : {}),
      boot: (system) => this.#boot(system),
    });
    const count = 3 + prng.below(6);
    for (let i = 0; i < count; i++) {
      const client = new SimClient(this, {
        name: `c${i}`,
        level: prng.chance(0.5) ? 5 : 4,
        persistent: prng.chance(0.7),
        receiveMaximum: prng.chance(0.3) ? 1 + prng.below(10) : undefined,
      });
      this.#clients.push(client);
    }
  }

  get nowMs(): number {
    return this.#cluster.nowMs;
  }

  after(delayMs: number, then: () => void): void {
    this.#cluster.at(this.nowMs + delayMs, then);
  }

  log(who: string, what: string): void {
    this.#events?.push({ atMs: this.nowMs, who, what });
  }

  violated(who: string, what: string, payload?: string): void {
    this.#violations.push({ atMs: this.nowMs, who, what, payload });
    this.log(who, `VIOLATION ${what}`);
  }

  // ── The run ────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  run(): Outcome {
    const { prng } = this;
    this.#cluster.run(5); // the reactors come to know each other
    for (const client of this.#clients) this.#live(client);
    if (this.#reactorCount > 1 && prng.chance(0.3)) {
      const kills = 1 + prng.below(2);
      for (let i = 0; i < kills; i++) this.after(prng.next() * this.#stormMs, () => this.#kill());
    }
    this.#cluster.run(this.nowMs + this.#stormMs);
    this.#calm();
    this.#cluster.run(this.nowMs + CALM_MS);
    this.#checkDelivered();
    this.#checkRetained();
    this.#endAll();
    this.#checkNothingLeft();
    let copies = 0;
    for (const life of this.ledger.lives) for (const { total } of life.got.values()) copies += total;
    return {
      seed: this.#seed,
      reactors: this.#reactorCount,
      digest: this.#cluster.trace.digest(),
      violations: this.#violations,
      events: this.#events ?? [],
      messages: this.ledger.messages.size,
      copies,
      takeovers: this.#takeovers,
      kills: this.#kills,
      virtualMs: this.nowMs,
    };
  }

  #boot(system: ActorSystem): void {
    const { thread } = system;
    if (thread === 0) return;
    const services = startBroker(system, this.#limits, { access: OPEN_ACCESS });
    const reactor: Reactor = { services, listener: undefined };
    this.#reactors[thread] = reactor;
    system.spawn<never>(
      () =>
        new SimListener(services, (ctx) => {
          reactor.listener = ctx;
        }),
      {
        name: 'listener',
        supervision: sessionSupervision(system.slots, (error) =>
          this.violated(`reactor ${thread}`, `a session failed: ${error instanceof Error ? error.stack : String(error)}`),
        ),
      },
    );
  }

  /** One thing after the other, as long as the storm lasts. */
  #live(client: SimClient): void {
    const prng = this.prng;
    this.after(-Math.log(1 - prng.next()) * 6, () => {
      if (this.#isCalm) return;
      this.#act(client);
      this.#live(client);
    });
  }

  #act(client: SimClient): void {
    const { prng } = this;
    if (client.state === 'off') {
      client.connect(this.#anyReactor());
      return;
    }
    if (client.state === 'connecting') {
      if (prng.chance(0.1)) client.drop(prng.next() * 20, prng.chance(0.5));
      else if (prng.chance(0.11)) client.connect(this.#anyReactor());
      return;
    }
    const choice = prng.next();
    if (choice < 0.6) this.#publishSome(client);
    else if (choice < 0.78) client.subscribe(this.#someFilters(), prng.below(3) as Qos);
    else if (choice < 0.82) client.unsubscribe(this.#someFilters());
    else if (choice < 0.88) client.drop(prng.chance(0.5) ? prng.next() : prng.next() * 300, prng.chance(0.5));
    else if (choice < 0.95) client.connect(this.#anyReactor());
    else if (choice < 0.97) client.disconnect();
    else if (choice < 0.98) client.wiping = client.options.persistent;
    else client.ping();
  }

  #publishSome(client: SimClient): void {
    const { prng } = this;
    const topic = TOPICS[prng.below(TOPICS.length)]!;
    const qos = prng.below(3) as Qos;
    const retain = prng.chance(0.1);
    for (let left = 1 + prng.below(8); left > 0; left--) {
      if (qos > 0 && client.unacknowledged >= Math.min(20, this.#limits.inFlightMax)) return;
      client.publish(topic, qos, retain, prng.chance(0.03) ? prng.below(30_000) : prng.below(40));
    }
  }

  #someFilters(): string[] {
    const { prng } = this;
    return Array.from(new Set(Array.from({ length: 1 + prng.below(3) }, () => FILTERS[prng.below(FILTERS.length)]!)));
  }

  #anyReactor(): number {
    return 1 + this.prng.below(this.#reactorCount);
  }

  // ── Connections ────────────────────────────────────────────────────────────────────────────────────────────────────────────

  open(client: SimClient, reactor: number, peer: Omit<Peer, 'onFirstWrite'>): Connection | undefined {
    const listener = this.#reactors[reactor]?.listener;
    if (listener === undefined) return undefined;
    const name = `${client.name}@${reactor}`;
    const connection: Connection = new Connection(
      this.#cluster,
      this.prng,
      this.weather,
      {
        ...peer,
        onFirstWrite: (bytes) => this.#onFirstWrite(client, connection, bytes),
      },
      name,
    );
    this.#connections.push({ client, reactor, connection });
    this.after(0.01, () => {
      if (this.#reactors[reactor]?.listener === listener) listener.io(1, connection);
    });
    return connection;
  }

  /** A client id has one owner: who is accepted finds the one before him gone. */
  #onFirstWrite(client: SimClient, connection: Connection, bytes: Uint8Array): void {
    const isAccepted = bytes[0] === 0x20 && bytes[3] === 0;
    if (!isAccepted) return;
    const former = this.#accepted.get(client.name);
    if (former !== undefined && !former.serverDone) this.violated(client.name, 'is connected twice');
    this.#accepted.set(client.name, connection);
  }

  /** Connected: the session is at this reactor and soon nowhere else. */
  settled(client: SimClient): void {
    for (const reactor of client.homes.keys()) {
      if (reactor === client.reactor) continue;
      const open = this.#connections.some((c) => c.client === client && c.reactor === reactor && !c.connection.serverDone);
      if (!open) client.homes.set(reactor, Math.min(client.homes.get(reactor)!, this.nowMs + HOME_FADES_MS));
    }
  }

  refused(client: SimClient, reason: number): void {
    if (this.#kills === 0) this.violated(client.name, `refused with reason ${reason}`);
  }

  disconnected(who: string, reason: number): void {
    if (reason !== 0x8e && !(this.#kills > 0 && reason === 0x8b))
      this.violated(who, `disconnected with reason 0x${reason.toString(16)}`);
  }

  #kill(): void {
    const thread = this.#anyReactor();
    if (!this.#cluster.isAlive(thread)) return;
    this.#kills++;
    const respawnMs = 5 + this.prng.next() * 60;
    this.log(`reactor ${thread}`, `KILLED, back in ${respawnMs.toFixed(0)} ms`);
    this.#reactors[thread] = undefined;
    this.#cluster.kill(thread, respawnMs);
    for (const { reactor, connection } of this.#connections) {
      if (reactor === thread && !connection.serverDone) connection.serverDied();
    }
    for (const client of this.#clients) {
      if ((client.homes.get(thread) ?? 0) < this.nowMs) continue;
      client.lose();
    }
  }

  // ── After the storm ────────────────────────────────────────────────────────────────────────────────────────────────────────

  #calm(): void {
    this.#isCalm = true;
    this.log('world', 'calm');
    Object.assign(this.weather, { lateWrite: 0, cut: 0.1, lateAck: 0, latencyMsMax: 0.2 });
    for (const client of this.#clients) {
      if (client.options.persistent || client.state !== 'off' || this.prng.chance(0.3)) this.#keepConnected(client);
    }
  }

  #keepConnected(client: SimClient): void {
    if (this.#isEnding) return;
    if (client.state === 'off') client.connect(this.#anyReactor());
    this.after(40, () => this.#keepConnected(client));
  }

  #checkDelivered(): void {
    for (const client of this.#clients) {
      if (client.options.persistent && !client.isQuiet) this.violated(client.name, `does not come to rest: ${client.describe()}`);
    }
    for (const { life, message } of this.ledger.missing()) {
      this.violated(life.client, `${message.payload} on ${message.topic} QoS ${message.qos} never came`, message.payload);
    }
  }

  /** The last retained message of each topic, as a newcomer sees it. */
  #checkRetained(): void {
    const writer = this.#newcomer('writer');
    const reader = this.#newcomer('reader');
    writer.connect(this.#anyReactor());
    this.#cluster.run(this.nowMs + RETAINED_MS);
    const last = new Map<string, string>();
    for (const topic of TOPICS) {
      for (let i = 0; i < 2; i++) last.set(topic, writer.publish(topic, 1, true, 0).payload);
    }
    this.#cluster.run(this.nowMs + RETAINED_MS);
    reader.connect(this.#anyReactor());
    this.#cluster.run(this.nowMs + RETAINED_MS);
    reader.subscribe(['#', '$s/#'], 1);
    this.#cluster.run(this.nowMs + RETAINED_MS);
    const got = [...(reader.life?.got.keys() ?? [])].map((message) => message.payload);
    for (const [topic, payload] of last) {
      if (!got.includes(payload)) this.violated('reader', `${payload}, retained on ${topic}, is not there`, payload);
    }
    if (got.length !== last.size) this.violated('reader', `${got.length} retained messages of ${last.size}: ${got.join(' ')}`);
    for (const topic of TOPICS) writer.clear(topic);
    this.#cluster.run(this.nowMs + RETAINED_MS);
  }

  #newcomer(name: string): SimClient {
    const options = { name, level: 5, persistent: false, receiveMaximum: undefined } as const;
    const client = new SimClient(this, options);
    this.#newcomers.push(client);
    return client;
  }

  /** Everybody says goodbye: a clean start that ends with its connection. */
  #endAll(): void {
    this.#isEnding = true;
    for (const client of this.#clients) {
      client.leaving = true;
      client.connect(this.#anyReactor());
    }
    this.#cluster.run(this.nowMs + GOODBYE_MS);
    for (const client of this.#clients) {
      if (client.state !== 'on') this.violated(client.name, 'cannot say goodbye');
    }
    for (const client of [...this.#clients, ...this.#newcomers]) client.disconnect();
    this.#cluster.run(this.nowMs + IDLE_MS);
  }

  #checkNothingLeft(): void {
    for (const { thread, error } of this.#cluster.failures) this.violated(`reactor ${thread}`, `has failed: ${error}`);
    for (let thread = 1; thread <= this.#reactorCount; thread++) {
      const who = `reactor ${thread}`;
      const system = this.#cluster.system(thread);
      const { services } = this.#reactors[thread]!;
      const { root, timers, asks, queued, deadLetters } = system.inspect();
      const left: Record<string, number> = {
        sessions: services.sessions.size,
        timers,
        asks,
        queued,
        connectionsCounted: system.slots[SESSION_PROBE.slot.connections]!,
        sessionsCounted: system.slots[SESSION_PROBE.slot.sessions]!,
        failures: system.slots[LISTENER_PROBE.slot.sessionFailures]! + system.slots[RUNTIME_PROBE.slot.failures]!,
      };
      for (const actor of root.children) Object.assign(left, leftOf(actor));
      for (const [what, count] of Object.entries(left)) if (count !== 0) this.violated(who, `${what}: ${count} left`);
      for (const letter of deadLetters.last) {
        if (!isExpected(letter, this.#kills > 0)) this.violated(who, `dead letter ${JSON.stringify(letter)}`);
      }
    }
  }

  get #takeovers(): number {
    let takeovers = 0;
    for (let thread = 1; thread <= this.#reactorCount; thread++) {
      takeovers += this.#cluster.system(thread).slots[REGISTRY_PROBE.slot.takeovers]!;
    }
    return takeovers;
  }
}

/**
 * Who asks a session may find that it has just ended, or is about to, and who is answered may have ended meanwhile. What is sent to a dead reactor is lost; what
 * waits in a mailbox for its actor's end is nobody's message but one of those.
 */
function isExpected({ reason, message }: DeadLetter, hasKills: boolean): boolean {
  if (reason === 'not_found') return ['surrender', 'yield', 'superseded', 'ask', 'reply', 'failure', 'Object'].includes(message);
  return (
    ((reason === 'unreachable' || reason === 'too_late') && hasKills) ||
    (reason === 'stopped' && ['surrender', 'yield', `io/${IO_CONTINUE}`].includes(message))
  );
}

/** What an actor of a quiet reactor should have none of. */
function leftOf({ name, detail, children }: ActorInspection): Record<string, number> {
  const left: Record<string, number> = { [`children of ${name}`]: children.length };
  const { subscriptions, filters: ownFilters, sinks, clientIds, messages } = (detail ?? {}) as Record<string, number>;
  if (name === 'router') Object.assign(left, { subscriptions, filters: ownFilters, sinks });
  if (name === 'registry') Object.assign(left, { clientIds });
  if (name === 'retained') Object.assign(left, { retained: messages });
  if (name === 'interest') {
    const { waiting, peers } = detail as {
      waiting: number;
      peers: { thread: number; synced: boolean; filters: number; lag: number }[];
    };
    left['waiting for interest'] = waiting;
    for (const { thread, synced, filters, lag } of peers) {
      left[`filters of ${thread}`] = filters;
      left[`lag of ${thread}`] = lag;
      left[`unsynced ${thread}`] = synced ? 0 : 1;
    }
  }
  return left;
}

function randomWeather(prng: Prng): Weather {
  return {
    lateWrite: prng.chance(0.5) ? prng.next() * 0.5 : 0,
    lateWriteMsMax: prng.chance(0.2) ? 400 : 20,
    latencyMsMax: prng.chance(0.3) ? 10 : 0.5,
    cut: prng.next() * 0.5,
    lateAck: prng.next(),
    lateAckMsMax: prng.chance(0.3) ? 100 : 10,
  };
}

function randomLimits(prng: Prng): SessionLimits {
  const inFlightMax = [1, 2, 5, 20, 200][prng.below(5)]!;
  return {
    packetBytesMax: 1 << 20,
    connectTimeoutMs: 5000,
    inFlightMax,
    keepAliveSecondsMax: 0,
    sessionExpirySecondsMax: SESSION_EXPIRY_NEVER,
    subscriptionsMax: 1000,
    queueMessagesMax: 1_000_000,
    queueBytesMax: 1 << 30,
    queueOverflow: 'refuse',
    topicLevelsMax: MQTT_TOPIC_LEVELS_MAX,
    outputBytesMax: prng.chance(0.3) ? 8192 : 1 << 22,
    sharing: SHARE_DEFAULTS,
    offer: FULL_OFFER,
  };
}
