/**
 * A node from configuration to serving, in numbered stages on the main thread, and back.
 *
 *   1 exposure   no listener is open to strangers by accident, and rules make sense
 *   2 security   files of users and rules are read, the password pool starts
 *   3 sockets    certificates are read, every data port is bound; a port that is taken ends the boot here, before anything has started
 *   4 data       the data directory is locked: another node that uses it ends the boot here
 *   5 cluster    members and keys are checked, the life of this process is filed; nothing of it for a node by itself
 *   6 http       health answers from now on (ready: 503), so that a slow start can be watched
 *   7 threads    the store recovers what was kept, then the reactors start, each booted by the boot module; clients and other nodes are
 *                accepted
 *   8 main       the actors of the main thread
 *   9 groups     the replicated groups of this node serve: a majority of each is there, and what they hold is in force here
 *  10 running    ready: 200
 *
 * Each stage leaves its undoing on a stack. Stopping, and a failing stage, run the stack from its top: reactors drain first, health
 * answers to the end.
 */
import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import type { PayloadSchema } from '../actors/payload/schema.ts';
import { assert } from '../base/assert.ts';
import { realClock } from '../base/clock.ts';
import { isCoded, SluiceError } from '../base/errors.ts';
import { DRAIN_MS_MAX, REACTORS_MAX, READY_NOTICE_MS } from '../base/limits.ts';
import { startThreads, type ThreadHost, type ThreadService } from '../runtime/thread-host.ts';
import { parseMember } from '../wire/address.ts';
import type { ListenAt, TlsKeys } from '../wire/transport.ts';
import { DOOR_THREAD } from '../wire/wire.ts';
import { formatAddress, portOf } from './address.ts';
import { offersScramAnywhere } from './auth/chains.ts';
import { bridgeSpecs } from './bridge/bridge-options.ts';
import type { ConfigSetting, LoadedConfig } from './config/load.ts';
import { printConfigJson } from './config/print.ts';
import type { Config } from './config/schema.ts';
import { lockData } from './data-lock.ts';
import { checkExposure, httpAddress, wireAddress } from './exposure.ts';
import { intakeOptions } from './extensions/intake-options.ts';
import { NodeExtensions } from './extensions/node-extensions.ts';
import { readPayloadSchemas } from './extensions/payload-schemas.ts';
import { startHttp } from './http-server.ts';
import { beginIncarnation, type Incarnation } from './incarnation.ts';
import { ListenerManager } from './listeners/manager.ts';
import { addListenerRoutes } from './listeners/routes.ts';
import { listenerSpecs } from './listeners/specs.ts';
import { errorFields, type Log } from './log.ts';
import { NodeMeta } from './meta/node-meta.ts';
import { NodeState } from './node-state.ts';
import { checkPlugin } from './plugin/check-plugin.ts';
import { PluginHost } from './plugin/plugin-host.ts';
import { NodeGroups } from './raft/node-groups.ts';
import type { RaftBoot } from './raft/raft-boot.ts';
import { ownReplica } from './raft/replica-file.ts';
import type { ReactorBoot } from './reactor-boot.ts';
import type { Ready } from './ready-line.ts';
import { Reloader, type ReloadReport } from './reloader.ts';
import { NodeSecurity } from './security/node-security.ts';
import { sessionLimits } from './session-limits.ts';
import { type SharedMetadata, untilRetained } from './shared-retained.ts';
import { type ListenAddress, type ListeningSocket, openListeningSocket } from './sockets/listening-socket.ts';
import { findUdpPort } from './sockets/udp-port.ts';
import type { StoreBoot } from './store-boot.ts';
import { TopicCatalogue } from './topics/catalogue.ts';
import { type Awaited, untilAll } from './waiting-notice.ts';
import { checkMembers, isWireOn, readKeys, startNodeWire, type WireBoot, wireBootOf } from './wire-boot.ts';

export interface BootOptions {
  readonly config: Config;
  readonly settings: readonly ConfigSetting[];
  /** Reads the configuration again. */
  readonly readConfig: () => LoadedConfig;
  readonly log: Log;
  /** The module whose `boot(system, ReactorBoot)` makes a thread a reactor. */
  readonly reactorModule: URL;
  /** The state machines of replicated groups (raft/machines.ts); without it the node has no groups. */
  readonly machineModule?: URL | undefined;
  /** Those state machines are the metadata, and what the node shares with others goes there. */
  readonly hasMetadata?: boolean | undefined;
  /** The node is to stop although it is still starting. */
  readonly signal?: AbortSignal;
  /** A reactor died too often: the node cannot go on. */
  readonly onGiveUp: (error: unknown) => void;
}

export interface RunningNode {
  readonly ready: Ready;
  /** Reads the configuration and the files of users and rules again; rejects and keeps what was when something is bad. */
  reload(): Promise<ReloadReport>;
  /** Reads all certificates again; rejects when some are bad, and keeps the old ones in their place. */
  renewCertificates(): Promise<void>;
  /** Drains and closes everything, within STOP_MS_MAX. */
  stop(): Promise<void>;
}

type Undo = () => void | Promise<void>;

class Boot {
  readonly #options: BootOptions;
  readonly #undos: Undo[] = [];
  readonly #state: NodeState;
  /** Null: nobody offers SCRAM. */
  #scramSecret: Uint8Array | null = null;
  readonly #reactors: number;
  readonly #reloader: Reloader;
  #security: NodeSecurity | undefined;
  #listeners: ListenerManager | undefined;
  #extensions: NodeExtensions | undefined;
  #schemas: readonly PayloadSchema[] = [];
  #cluster: { readonly life: Incarnation; readonly keys: TlsKeys | undefined } | undefined;
  /** Where other nodes reach this one; TCP has a bound socket besides. */
  #wire: { readonly host: string; readonly port: number; readonly socket: ListeningSocket | undefined } | undefined;
  #host: ThreadHost | undefined;
  #topics: TopicCatalogue | undefined;
  #groups: NodeGroups | undefined;
  #meta: NodeMeta | undefined;
  /** Resolves when what the metadata says of users, rules, bans and declared topics is in force. */
  #synced: Promise<unknown> | undefined;

  constructor(options: BootOptions) {
    this.#options = options;
    this.#reactors = options.config.node.threads || defaultReactors(availableParallelism());
    this.#state = new NodeState(options.config, this.#reactors, this.#serviceNames().length, options.log);
    const { config, settings, readConfig, log } = options;
    this.#reloader = new Reloader(config, settings, {
      read: readConfig,
      apply: (fresh, schemas) => this.#reloaded(fresh, schemas),
      reloadSecurity: async (fresh) => this.#security?.reload(fresh),
      log,
    });
  }

  async #reloaded(config: Config, schemas: readonly PayloadSchema[]): Promise<void> {
    this.#options.log.level = config.log.level;
    this.#extensions?.reload(config, schemas);
    await this.#listeners?.limit(listenerSpecs(config, this.#reactors), sessionLimits(config, this.#reactors));
  }

  async run(): Promise<RunningNode> {
    const { log } = this.#options;
    const stages: [name: string, stage: () => void | Promise<void>][] = [
      ['exposure', () => this.#checkConfig()],
      ['security', () => this.#startSecurity()],
      ['sockets', () => this.#openSockets()],
      ['data', () => this.#lockData()],
      ['cluster', () => this.#joinCluster()],
      ['http', () => this.#startHttp()],
      ['threads', () => this.#startThreads()],
      ['main', () => this.#spawnMainActors()],
      ['groups', () => this.#untilServing(this.#options.signal ?? new AbortController().signal)],
      ['running', () => this.#state.enter('running')],
    ];
    for (const [index, [name, stage]] of stages.entries()) {
      try {
        await stage();
        log.debug({ stage: index + 1, name }, 'boot stage done');
      } catch (error) {
        log.debug({ stage: index + 1, name, ...errorFields(error) }, 'boot stage failed');
        await this.#unwind();
        throw error;
      }
    }
    return {
      ready: this.#ready(),
      reload: () => this.#reloader.reload(),
      renewCertificates: () => this.#listeners!.renew(),
      stop: () => this.#stop(),
    };
  }

  /** What the schema cannot tell. */
  async #checkConfig(): Promise<void> {
    checkExposure(this.#options.config);
    intakeOptions(this.#options.config, this.#reactors);
    bridgeSpecs(this.#options.config);
    checkPlugin(this.#options.config);
    this.#schemas = await readPayloadSchemas(this.#options.config);
  }

  async #startSecurity(): Promise<void> {
    if (offersScramAnywhere(this.#options.config)) this.#scramSecret = randomBytes(32);
    const security = await NodeSecurity.start(this.#options.config, this.#options.log, this.#metaNodes().length > 0);
    this.#security = security;
    this.#undos.push(() => security.close());
    const extensions = new NodeExtensions(
      this.#options.config,
      { schemas: this.#schemas, plugin: await PluginHost.load(this.#options.config, this.#options.log) },
      this.#reactors,
      this.#options.log,
      this.#state,
    );
    this.#extensions = extensions;
    this.#undos.push(() => extensions.stop());
  }

  #joinCluster(): void {
    const { config } = this.#options;
    if (!isWireOn(config)) return;
    checkMembers(config);
    const keys = readKeys(config);
    this.#cluster = { keys, life: beginIncarnation(config.node.data, realClock.wallClock(), Math.random) };
  }

  async #openSockets(): Promise<void> {
    const { config, log } = this.#options;
    const listeners = new ListenerManager(listenerSpecs(config, this.#reactors), this.#reactors, log);
    await listeners.open();
    this.#listeners = listeners;
    this.#undos.push(() => listeners.close());
    await this.#openWire(wireAddress(config));
  }

  async #openWire(address: ListenAddress | undefined): Promise<void> {
    if (address === undefined) return;
    const { host } = address;
    if (this.#options.config.wire.transport === 'quic') {
      this.#wire = { host, port: await findUdpPort(address), socket: undefined };
      return;
    }
    const socket = await openListeningSocket(address, 1);
    this.#undos.push(() => socket.close());
    this.#wire = { host, port: portOf(socket.address), socket };
  }

  #wireBoot(thread: number): WireBoot | undefined {
    if (this.#cluster === undefined || this.#wire === undefined) return undefined;
    const { life, keys } = this.#cluster;
    const { port } = this.#wire;
    const services = this.#hasGroups() ? [this.#reactors + this.#serviceNames().length] : [];
    const acceptor = services[0] ?? DOOR_THREAD;
    const listen = thread === acceptor ? this.#listenAt() : undefined;
    return wireBootOf(this.#options.config, life, keys, port, acceptor, listen, services);
  }

  #listenAt(): ListenAt | undefined {
    if (this.#wire === undefined) return undefined;
    const { host, port, socket } = this.#wire;
    const target = socket?.lend();
    return target !== undefined && 'fd' in target ? { fd: target.fd } : { host, port };
  }

  async #lockData(): Promise<void> {
    const { node, storage } = this.#options.config;
    if (!storage.enabled) return;
    const lock = await lockData(node.data, `node ${node.id}, process ${process.pid}`);
    this.#undos.push(() => lock.release());
  }

  async #startHttp(): Promise<void> {
    const address = httpAddress(this.#options.config);
    if (address === undefined) return;
    const reloader = this.#reloader;
    const describeConfig = (): string => printConfigJson(reloader.settings);
    const extensions = this.#extensions!;
    const { addRoutes, ...admin } = this.#security!.httpAdmin();
    const listeners = this.#listeners;
    const sources = {
      ...this.#state.sources(extensions.metrics()),
      describeConfig,
      topics: () => this.#topics,
      groups: () => this.#groups,
      meta: () => this.#meta,
    };
    const http = await startHttp(address, sources, this.#options.log, {
      ...admin,
      addRoutes: (app) => {
        addRoutes(app);
        if (listeners !== undefined) addListenerRoutes(app, listeners);
        extensions.addRoutes(app);
        reloader.addRoutes(app);
      },
    });
    this.#state.bound('http', http.address);
    this.#undos.push(async () => {
      await http.close();
      await admin.audit.settled();
    });
  }

  async #startThreads(): Promise<void> {
    const { config, log, reactorModule, onGiveUp } = this.#options;
    const security = this.#security!;
    const listeners = this.#listeners;
    assert(listeners !== undefined, 'sockets are open before reactors start');
    const bootArguments = (thread: number): ReactorBoot => ({
      config: this.#reloader.config, // a reactor that is started again begins with what holds then
      listeners: listeners.starts(thread),
      counters: listeners.memory,
      declarations: this.#topics?.list(),
      scram: this.#scramSecret === null ? null : { users: security.scramFile, secret: this.#scramSecret },
      wire: this.#wireBoot(thread),
      metadata: this.#sharedMetadata(),
      security: security.reactorBoot(),
      ...this.#extensions!.reactorBoot(),
    });
    const host = await startThreads({
      node: config.node.id,
      reactors: this.#reactors,
      boots: this.#cluster?.life.boots ?? 0,
      bootModule: reactorModule,
      bootArguments,
      services: this.#services(),
      servicesUp: async (system) => {
        if (this.#hasGroups()) this.#groups = new NodeGroups(system);
        const topics = new TopicCatalogue(system, this.#metaNodes().length > 0, log);
        this.#topics = topics;
        this.#undos.push(() => topics.close());
        await topics.load();
      },
      onDeath: (thread, incarnation, error) => this.#state.reactorDied(thread, incarnation, error),
      onGiveUp: (_thread, error) => onGiveUp(error),
    }).catch((error: unknown): never => {
      log.error(errorFields(error), 'a thread could not boot');
      if (isCoded(error)) throw new SluiceError(error.code, error.message, { cause: error });
      const what = error instanceof Error ? error.message : String(error);
      throw new SluiceError('SLUICE_NODE_BOOT', `a thread could not boot: ${what}`, { cause: error });
    });
    this.#host = host;
    this.#undos.push(() => host.stop(DRAIN_MS_MAX));
    this.#state.observe(host);
    listeners.attach(host.system);
    listeners.watch(config.mqtt.tls.reload_interval_ms);
    for (const [name, address] of Object.entries(listeners.addresses())) this.#state.bound(`mqtt.${name}`, address);
    if (this.#wire !== undefined) this.#state.bound('wire', formatAddress(this.#wire.host, this.#wire.port));
  }

  /** Of the service threads, in their order. */
  #serviceNames(): string[] {
    return this.#options.config.storage.enabled ? ['store', ...(this.#hasGroups() ? ['raft'] : [])] : [];
  }

  #hasGroups(): boolean {
    const { config, machineModule } = this.#options;
    return machineModule !== undefined && config.storage.enabled && config.node.roles.includes('meta');
  }

  #services(): ThreadService[] {
    const { config, machineModule } = this.#options;
    if (!config.storage.enabled) return [];
    if (!this.#hasGroups()) return [storeService(config)];
    const { replica, isNew } = ownReplica(config.node.data, config.node.id, Math.random);
    const wire = this.#wireBoot(this.#reactors + this.#serviceNames().length);
    return [storeService(config), raftService({ config, replica, isNewReplica: isNew, wire, machines: String(machineModule) })];
  }

  async #spawnMainActors(): Promise<void> {
    assert(this.#host !== undefined, 'threads run before main has actors');
    const { config, log } = this.#options;
    const wire = this.#wireBoot(0);
    if (wire !== undefined) await startNodeWire(this.#host.system, config, wire, log);
    this.#security!.attach(this.#host.system);
    const host = this.#host;
    const others = (wire?.nodes ?? []).filter((node) => node !== config.node.id);
    this.#extensions!.attach(host.system, (...guest) => host.admitGuest(...guest), { others, meta: () => this.#meta });
    this.#undos.push(() => this.#extensions!.dismissGuests());
    const nodes = this.#metaNodes();
    if (nodes.length === 0) return;
    this.#meta = await NodeMeta.start(this.#host.system, config.meta.groups, nodes);
    this.#synced = Promise.all([this.#security!.follow(this.#meta), this.#topics!.follow(this.#meta)]);
  }

  /** Nodes that hold the metadata, this one among them or not; none when this node does without. */
  #metaNodes(): number[] {
    const { config, hasMetadata } = this.#options;
    if (hasMetadata !== true || !config.storage.enabled) return [];
    const others = config.cluster.meta.flatMap((text) => parseMember(text)?.node ?? []).filter((node) => node !== config.node.id);
    return this.#hasGroups() ? [config.node.id, ...others] : others;
  }

  /** What nodes that are one broker share beside messages. */
  #sharedMetadata(): SharedMetadata | undefined {
    const nodes = this.#metaNodes();
    const peers = this.#wireBoot(0)?.nodes.length ?? 0;
    return nodes.length === 0 || peers < 2 ? undefined : { nodes, counts: this.#options.config.meta.groups };
  }

  async #untilServing(signal: AbortSignal): Promise<void> {
    await this.#groups?.serving(this.#options.log, signal);
    const awaited: Awaited[] = [{ what: 'workers that check passwords', promise: this.#security!.opened() }];
    const nodes = this.#metaNodes();
    if (this.#synced !== undefined) {
      awaited.push({ what: `users, rules and declared topics from the metadata on nodes ${nodes}`, promise: this.#synced });
    }
    if (this.#sharedMetadata() !== undefined) {
      const promise = untilRetained(this.#host!.system, signal);
      awaited.push({ what: `retained messages from the metadata on nodes ${nodes}`, promise });
    }
    await untilAll(awaited, {
      log: this.#options.log,
      code: 'SLUICE_NODE_WAITING',
      message: 'this node is not ready: it waits for what it does not get, and goes on trying',
      everyMs: READY_NOTICE_MS,
      signal,
    });
  }

  #ready(): Ready {
    const { http, wire } = this.#state.facts().listeners;
    const mqtt = this.#listeners?.addresses() ?? {};
    return {
      node: this.#options.config.node.id,
      pid: process.pid,
      ...(http === undefined ? {} : { http }),
      ...(wire === undefined ? {} : { wire }),
      ...(Object.keys(mqtt).length === 0 ? {} : { mqtt }),
    };
  }

  async #stop(): Promise<void> {
    this.#state.enter('draining');
    await this.#handOver();
    // Before the reactors are told: from here on nobody new gets in.
    this.#listeners?.close();
    this.#wire?.socket?.close();
    await this.#unwind();
  }

  /** While everything still runs: who writes to the groups goes on elsewhere. */
  async #handOver(): Promise<void> {
    const { log } = this.#options;
    // A node by itself has nobody who could take over.
    if (this.#groups === undefined || this.#cluster === undefined) return;
    try {
      const { left } = await this.#groups.handOver();
      if (left > 0) log.warn({ groups: left }, 'nobody has taken over groups that this node leads');
    } catch (error) {
      log.warn(errorFields(error), 'the groups could not be handed over');
    }
  }

  /** An undoing that fails is logged and does not keep the others from running. */
  async #unwind(): Promise<void> {
    for (let undo = this.#undos.pop(); undo !== undefined; undo = this.#undos.pop()) {
      try {
        await undo();
      } catch (error) {
        this.#options.log.error(errorFields(error), 'stopping a part of the node failed');
      }
    }
  }
}

export function bootNode(options: BootOptions): Promise<RunningNode> {
  return new Boot(options).run();
}

function storeService({ node, storage }: Config): ThreadService {
  const bootArguments: StoreBoot = {
    directory: node.data,
    segmentBytes: storage.segment_bytes,
    tailBytes: storage.tail_bytes,
    memoryBytes: storage.memory_bytes,
    onCorruption: storage.on_corruption,
  };
  return { name: 'store', bootModule: new URL('./store-thread.js', import.meta.url), bootArguments };
}

function raftService(bootArguments: RaftBoot): ThreadService {
  return { name: 'raft', bootModule: new URL('./raft/raft-thread.js', import.meta.url), bootArguments };
}

/** One core is left to main and to the kernel's side of the sockets: on two cores, two reactors are slower than one (ADR 4). */
function defaultReactors(cores: number): number {
  return Math.min(Math.max(1, cores - 1), REACTORS_MAX);
}
