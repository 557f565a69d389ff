/** What main does for the extensions of MQTT: `$SYS`, alarms, topic metrics, and the routes to all that reactors know. Made before the reactors start. */
import { randomBytes } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import type { Announce } from '../../actors/announcer/messages.ts';
import type { InsightMessage } from '../../actors/insight/messages.ts';
import type { PayloadSchema } from '../../actors/payload/schema.ts';
import { SESSION_PROBE } from '../../actors/session/probe.ts';
import { WELL_KNOWN } from '../../actors/well-known.ts';
import { wellKnownRef } from '../../runtime/ref.ts';
import type { ActorSystem } from '../../runtime/system.ts';
import { type AlarmSettings, Alarms } from '../alarms/alarms.ts';
import { addAlarmRoutes } from '../alarms/routes.ts';
import { bridgeSpecs } from '../bridge/bridge-options.ts';
import { type AdmitGuest, Bridges } from '../bridge/bridges.ts';
import { addBridgeRoutes } from '../bridge/routes.ts';
import type { Config } from '../config/schema.ts';
import type { Log } from '../log.ts';
import type { OwnMetric, ThreadReading } from '../metrics.ts';
import type { ThreadVitals } from '../own-metrics.ts';
import type { PluginHost } from '../plugin/plugin-host.ts';
import type { ReactorBoot } from '../reactor-boot.ts';
import { FileDocumentStore } from '../security/document-store.ts';
import { reactorBounds } from '../session-limits.ts';
import { SysPublisher } from '../sys/sys-publisher.ts';
import { addClientRoutes } from './client-routes.ts';
import type { Neighbours } from './cluster-clients.ts';
import { addDelayedRoutes } from './delayed-routes.ts';
import { addInsightRoutes } from './insight-routes.ts';
import { intakeOptions } from './intake-options.ts';
import { TopicMeters } from './topic-meters.ts';
import { TraceBook } from './trace-book.ts';
import { addTraceRoutes } from './trace-routes.ts';

/** What is known of the threads. */
export interface ThreadFacts {
  readings(): readonly ThreadReading[];
  vitals(): readonly ThreadVitals[];
}

/** What had to be waited for. */
export interface Prepared {
  readonly schemas: readonly PayloadSchema[];
  readonly plugin: PluginHost | undefined;
}

export class NodeExtensions {
  #config: Config;
  #schemas: readonly PayloadSchema[];
  readonly #reactors: number;
  readonly #traces: TraceBook;
  readonly #threads: ThreadFacts;
  readonly #meters: TopicMeters;
  readonly #alarms: Alarms;
  readonly #bridges: Bridges;
  readonly #nodeName: string;
  readonly #plugin: PluginHost | undefined;
  #system: ActorSystem | undefined;
  #neighbours: Neighbours = { others: [], meta: () => undefined };
  #sys: SysPublisher | undefined;

  /** Throws when what is kept of them cannot be read. */
  constructor(config: Config, { schemas, plugin }: Prepared, reactors: number, log: Log, threads: ThreadFacts) {
    this.#plugin = plugin;
    this.#config = config;
    this.#schemas = schemas;
    this.#reactors = reactors;
    this.#traces = new TraceBook(config.node.data, log);
    this.#threads = threads;
    this.#meters = new TopicMeters(reactors, new FileDocumentStore(config.node.data, 'extensions'));
    this.#alarms = new Alarms({
      ...alarmSettings(config),
      dataFolder: config.node.data,
      vitals: () => this.#vitals(),
      log,
      onChange: (event, alarm) => this.#announce(event, alarm),
    });
    const { node, cluster } = config;
    // Two nodes with every default are called the same, and so are two lives of one; the way of a message is about lives.
    this.#nodeName = `${cluster.name}/${node.id}/${randomBytes(6).toString('hex')}`;
    const birth = { self: this.#nodeName, logLevel: config.log.level, node: node.id };
    this.#bridges = new Bridges(bridgeSpecs(config), birth, log);
  }

  reactorBoot(): Pick<ReactorBoot, 'insight' | 'intake' | 'nodeName' | 'plugin'> {
    const { threshold_ms: thresholdMs, top, expiry_s: expiry } = this.#config.mqtt.slow_subscribers;
    return {
      intake: intakeOptions(this.#config, this.#reactors, this.#schemas),
      nodeName: this.#nodeName,
      plugin: this.#plugin?.gateOptions ?? null,
      insight: {
        meters: this.#meters.memory,
        slow: thresholdMs === 0 ? null : { thresholdMs, max: top, expiryMs: expiry * 1000 },
        traces: this.#traces.specs,
      },
    };
  }

  /** The reactors run. */
  attach(system: ActorSystem, admit: AdmitGuest, neighbours: Neighbours): void {
    this.#system = system;
    this.#neighbours = neighbours;
    this.#bridges.start(system, admit);
    this.#plugin?.attach(system, admit);
    this.#meters.attach(system);
    this.#traces.attach(system);
    this.#alarms.start();
    this.#startSys(system);
  }

  /** Puts what can change while the node runs into force. */
  reload(config: Config, schemas: readonly PayloadSchema[]): void {
    const before = this.#config.mqtt.sys_interval_s;
    this.#config = config;
    this.#schemas = schemas;
    this.#alarms.change(alarmSettings(config));
    this.#bridges.change(bridgeSpecs(config));
    const system = this.#system;
    if (system === undefined) return;
    if (config.mqtt.sys_interval_s !== before) {
      this.#sys?.stop();
      this.#sys = undefined;
      this.#startSys(system);
    }
    for (let thread = 1; thread <= this.#reactors; thread++) {
      const insight = wellKnownRef<InsightMessage>(system.node, thread, WELL_KNOWN.insight);
      const intake = intakeOptions(config, this.#reactors, schemas);
      system.tell<InsightMessage>(insight, {
        type: 'reload',
        intake,
        bounds: reactorBounds(config, this.#reactors),
        logLevel: config.log.level,
      });
    }
  }

  #startSys(system: ActorSystem): void {
    const { sys_interval_s: seconds } = this.#config.mqtt;
    if (seconds > 0) this.#sys = new SysPublisher(system, () => this.#threads.readings(), seconds * 1000);
  }

  /** While the reactors still run: guests leave in order. */
  async dismissGuests(): Promise<void> {
    await this.#bridges.stop();
  }

  stop(): void {
    this.#plugin?.stop();
    this.#sys?.stop();
    this.#alarms.stop();
    this.#traces.close();
  }

  metrics(): readonly OwnMetric[] {
    return [...this.#meters.metrics(), ...this.#alarms.metrics(), ...this.#bridges.metrics(), ...(this.#plugin?.metrics() ?? [])];
  }

  addRoutes(app: FastifyInstance): void {
    const system = (): ActorSystem | undefined => this.#system;
    addDelayedRoutes(app, system);
    addInsightRoutes(app, system, this.#meters, this.#config.mqtt.slow_subscribers.top);
    addAlarmRoutes(app, this.#alarms);
    addClientRoutes(app, system, () => this.#neighbours);
    addTraceRoutes(app, this.#traces);
    addBridgeRoutes(app, this.#bridges);
  }

  #vitals(): ReturnType<ConstructorParameters<typeof Alarms>[0]['vitals']> {
    const reactors = this.#threads.vitals().filter(({ thread }) => thread > 0);
    const { connections } = SESSION_PROBE.slot;
    return {
      busy: new Map(reactors.map(({ thread, utilization }) => [thread, utilization])),
      reactorsDown: reactors.filter(({ up }) => !up).map(({ thread }) => thread),
      connections: this.#threads.readings().reduce((sum, { slots }) => sum + (slots[connections] ?? 0), 0),
      connectionsMax: this.#config.mqtt.connections_max,
    };
  }

  #announce(event: string, facts: object): void {
    const system = this.#system;
    if (system === undefined) return;
    const announcer = wellKnownRef<Announce>(system.node, 1, WELL_KNOWN.announcer);
    const payload = JSON.stringify({ event, ...facts });
    system.tell<Announce>(announcer, { type: 'announce', messages: [{ topic: `$events/${event}`, payload }] });
  }
}

function alarmSettings({ alarms }: Config): AlarmSettings {
  return {
    thresholds: {
      busy: alarms.reactor_busy / 100,
      memory: alarms.memory / 100,
      diskUsed: alarms.disk / 100,
      connections: alarms.connections / 100,
    },
    intervalMs: alarms.interval_s * 1000,
    historyMax: alarms.history_max,
  };
}
