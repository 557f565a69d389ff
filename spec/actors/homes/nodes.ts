/** Nodes with the whole broker on two reactors each, a store each and metadata that they share, in one simulation; and clients in memory that go from one to another. */
import { type Homes, startHomesActor } from '../../../src/actors/homes/start.ts';
import { INBOX_HOLDERS } from '../../../src/actors/inbox/known-inboxes.ts';
import { sessionSupervision } from '../../../src/actors/listener/actor.ts';
import { type RelayActor, spawnRelay } from '../../../src/actors/relay/actor.ts';
import type { SessionMessage } from '../../../src/actors/session/messages.ts';
import { SessionSeed } from '../../../src/actors/session/seed.ts';
import type { SessionServices } from '../../../src/actors/session/services.ts';
import { type StoreMessage, storeRef } from '../../../src/actors/store/messages.ts';
import { NO_EXTENSIONS, OPEN_ACCESS, restoreSessions, startBroker } from '../../../src/nodes/broker.ts';
import { type NodeCodec, SimNetwork } from '../../../src/runtime/sim/network.ts';
import type { ActorSystem } from '../../../src/runtime/system.ts';
import { SimDisk } from '../../storage/sim-disk.ts';
import { oracleEncode } from '../../wire/mqtt/arbitraries.ts';
import { codecBetween } from '../schema-codec.ts';
import { FakeTransport } from '../session/fake-transport.ts';
import { type AnyPacket, decode, publish } from '../session/packets.ts';
import { limits } from '../session/services.ts';
import { type SimStoreOptions, startSimStore } from '../store/sim-store.ts';
import { NODES, type SimMetadata } from './sim-metadata.ts';

const REACTORS = 2;
const DRAIN_MS = 300;
const SLOW_MS = 20;

export class Nodes {
  readonly network: SimNetwork;
  readonly metadata: SimMetadata;
  readonly stores: Map<number, SimStoreOptions>;
  readonly failures: Error[] = [];
  /** What is asked of the metadata of a node takes its time. */
  isSlow = false;
  /** Nodes whose disk fails with the next sync, and what is to happen when it has. */
  readonly #badDisks = new Map<number, () => void>();
  /** Nodes whose disk has failed. */
  readonly #ending = new Set<number>();
  /** Threads of stores that have said so. */
  readonly #failed = new WeakSet<ActorSystem>();
  readonly #services = new Map<string, SessionServices>();
  readonly #homes = new Map<number, Homes>();
  readonly #relays = new Map<number, RelayActor>();
  #lives = 0;
  /** What the first lives of all nodes go on with, as soon as there is a network. */
  #first: (() => void)[] | null = [];

  constructor(seed: number, metadata: SimMetadata, codec: NodeCodec = codecBetween('this', 'this')) {
    this.metadata = metadata;
    const store = (): SimStoreOptions => ({
      disk: new SimDisk(),
      metadata: new Map(),
      declarations: [],
      failures: this.failures,
    });
    this.stores = new Map(NODES.map((node) => [node, store()]));
    this.network = new SimNetwork({
      nodes: NODES.length,
      threads: 1 + REACTORS + 1 + metadata.threads,
      services: 1 + metadata.threads,
      seed,
      codec,
      boot: (system) => {
        if (system.thread === REACTORS + 2) metadata.boot(system);
        else if (system.thread === REACTORS + 1) this.#startStore(system);
        else if (system.thread > 0) this.#boot(system);
      },
    });
    metadata.network = this.network;
    metadata.begin();
    const first = this.#first!;
    this.#first = null;
    for (const begin of first) this.network.at(100, begin);
    this.pass(3000);
  }

  /** As a node that starts does, before its reactors: inboxes that nobody knows are forgotten, and their numbers are free. */
  #startStore(system: ActorSystem): void {
    const options = this.stores.get(system.node)!;
    const onFailed = (error: Error): void => this.#storeFailed(system, error);
    const take = (then: () => void): void => {
      if (!this.isSlow) return then();
      const { network } = this;
      const life = network.node(system.node);
      network.at(network.world.nowMs + system.random() * SLOW_MS, () => {
        if (network.isAlive(system.node) && network.node(system.node) === life && life.isAlive(system.thread)) then();
      });
    };
    startSimStore(system, { ...options, onFailed, take });
    const shards = INBOX_HOLDERS.flatMap(({ prefix, inboxIn }) =>
      [...options.metadata].flatMap(([key, value]) => (key.startsWith(prefix) ? inboxIn(value)! : [])),
    );
    system.tell<StoreMessage>(storeRef(system), { type: 'keep', engine: 'shared', shards });
  }

  #boot(system: ActorSystem): void {
    const { node, thread } = system;
    const services = startBroker(system, limits({}), { access: OPEN_ACCESS }, [], { ...NO_EXTENSIONS, hasNodes: true });
    this.#services.set(`${node}/${thread}`, services);
    const failed = (error: unknown): void => void this.failures.push(error as Error);
    restoreSessions(services, sessionSupervision(system.slots, failed), () => {});
    if (thread !== 1) return;
    const homes = startHomesActor(services, { ...this.metadata.serve(system), nodes: NODES });
    this.#homes.set(node, homes);
    const life = ++this.#lives;
    const { publisher, shares, gauge, inboxes } = services;
    const onFence = (name: string, from: number): void => homes.actor.passed(name, from);
    const relay = spawnRelay(system, { nodes: NODES, life, publisher, shares, gauge, onFence, inboxes: inboxes! });
    // All reactors have made their sessions by then.
    const begin = (): void => {
      if (this.#homes.get(node) !== homes) return;
      homes.begin(() => {
        homes.actor.relay = relay;
        relay.begin();
        this.#relays.set(node, relay);
      });
    };
    if (this.#first === null) this.network.at(this.network.world.nowMs + 100, begin);
    else this.#first.push(begin);
  }

  at(node: number, thread: number): SessionServices {
    return this.#services.get(`${node}/${thread}`)!;
  }

  pass(ms: number): void {
    this.network.run(this.network.world.nowMs + ms);
  }

  /** A disk is about to fail, or its node to end for that. */
  get hasBadDisk(): boolean {
    return this.#badDisks.size > 0;
  }

  mendDisks(): void {
    this.#badDisks.clear();
    for (const { disk } of this.stores.values()) disk.failSync = null;
  }

  /** The next sync fails, and the node ends, as in order as it can; in `handOverMs` it stops, and `ended` hears when it is over. */
  breakDisk(node: number, handOverMs: number, restartMs: number, ended: () => void): void {
    this.stores.get(node)!.disk.failSync = { after: 1, code: 'EIO' };
    this.#badDisks.set(node, () => {
      const life = this.network.node(node);
      const later = (ms: number, then: () => void): void =>
        this.network.at(this.network.world.nowMs + ms, () => {
          if (this.network.isAlive(node) && this.network.node(node) === life) then();
        });
      life.kill(REACTORS + 1);
      this.#ending.add(node);
      later(handOverMs, () => this.stop(node, restartMs));
      later(handOverMs + DRAIN_MS - 1, ended);
    });
  }

  /** As on a real node the thread of the store ends when its turn does, and then the others are told to. */
  #storeFailed(system: ActorSystem, error: Error): void {
    if (this.#failed.has(system)) return;
    this.#failed.add(system);
    const { node } = system;
    const end = this.#badDisks.get(node);
    if (end === undefined) return void this.failures.push(error);
    const life = this.network.node(node);
    this.network.at(this.network.world.nowMs, () => {
      if (this.network.isAlive(node) && this.network.node(node) === life) end();
    });
  }

  /** In order: its clients are disconnected, and what is on its way comes to its end while the others go on. */
  stop(node: number, restartMs: number): void {
    this.#homes.delete(node);
    this.#relays.delete(node);
    const life = this.network.node(node);
    for (let thread = 1; thread <= REACTORS; thread++) void life.system(thread).drain(DRAIN_MS);
    this.network.at(this.network.world.nowMs + DRAIN_MS, () => {
      if (this.network.isAlive(node) && this.network.node(node) === life) this.kill(node, restartMs);
    });
  }

  /** Without `restartMs` for ever. */
  kill(node: number, restartMs?: number): void {
    this.#homes.delete(node);
    this.#relays.delete(node);
    this.#badDisks.delete(node);
    this.#ending.delete(node);
    this.stores.get(node)!.disk.failSync = null;
    this.stores.get(node)!.disk.kill();
    this.network.kill(node, restartMs);
    this.metadata.killed(node, restartMs);
  }

  /** Nodes that have a session of that client. */
  homesOf(clientId: string): number[] {
    return NODES.filter((node) => [1, 2].some((thread) => this.at(node, thread).sessions.has(clientId)));
  }

  /** What the homes actor of the node shows. */
  homes(node: number): unknown {
    return this.#homes.get(node)?.actor.inspect();
  }

  /** It lets clients in. */
  isOpen(node: number): boolean {
    return this.#relays.has(node) && !this.#ending.has(node);
  }

  /** Everything that the node has taken for others is on their disks. */
  hasPassedAll(node: number): boolean {
    if (this.#ending.has(node)) return false;
    const { nodes } = (this.#relays.get(node)?.inspect() ?? { nodes: [] }) as { nodes: { waitingBytes: number }[] };
    return nodes.every(({ waitingBytes }) => waitingBytes === 0);
  }

  counter(node: number, slot: number): number {
    return this.at(node, 1).system.slots[slot]!;
  }
}

/** A client that keeps its part of a session: what it has received at QoS 2 and not released, what it has sent and nobody has acknowledged. */
export class Hopper {
  readonly id: string;
  readonly clean: boolean;
  transport: FakeTransport | null = null;
  isOnline = false;
  isSubscribed = false;
  /** Of the last CONNACK. */
  hadSession = false;
  refusals = 0;
  /** By topic, in order of arrival. */
  readonly got: Map<string, string[]> = new Map();
  readonly acknowledged: { readonly topic: string; readonly text: string; readonly node: number }[] = [];
  readonly #filter: string | undefined;
  readonly #unreleased = new Set<number>();
  readonly #sent = new Map<number, { readonly topic: string; readonly text: string }>();
  readonly #owed: object[] = [];
  node = 0;
  #nextId = 1;

  constructor(id: string, filter?: string) {
    this.id = id;
    this.clean = filter === undefined;
    this.#filter = filter;
  }

  get isConnected(): boolean {
    return this.transport !== null && !this.transport.ended;
  }

  connect(nodes: Nodes, node: number, thread: number): void {
    const services = nodes.at(node, thread);
    const transport = new FakeTransport();
    const seed = new SessionSeed(services, () => transport);
    services.system.spawn<SessionMessage>(() => seed.make(), { name: 'session' });
    nodes.pass(1);
    this.transport = transport;
    this.isOnline = false;
    this.node = node;
    this.#owed.length = 0;
    this.#sent.clear();
    this.#send({ cmd: 'connect', protocolId: 'MQTT', clientId: this.id, clean: this.clean, keepalive: 0 });
  }

  /** Without a word. */
  leave(): void {
    if (this.isConnected) this.transport!.close();
    this.forget();
  }

  /** The node is gone. */
  forget(): void {
    this.transport = null;
    this.isOnline = false;
  }

  /** As one who has been sent much, and whose releases are all lost. */
  holdAllIds(): void {
    for (let packetId = 1; packetId <= 65_535; packetId++) this.#unreleased.add(packetId);
  }

  publish(topic: string, text: string, qos: 1 | 2): void {
    if (!this.isOnline) return;
    const messageId = this.#nextId;
    this.#nextId = (this.#nextId % 60_000) + 1;
    this.#sent.set(messageId, { topic, text });
    this.transport!.feed(publish(0, text, { topic, qos, messageId }));
  }

  /** Reads what has come, and answers some of it. */
  pump(answers: number): void {
    if (this.transport === null) return;
    for (const packet of decode(0, this.transport.takeReceived()) as unknown as AnyPacket[]) this.#take(packet);
    if (this.transport.ended) return this.forget();
    if (this.isOnline) for (const packet of this.#owed.splice(0, answers)) this.#send(packet);
  }

  #take({ cmd, messageId, topic, payload, qos, returnCode, sessionPresent }: AnyPacket): void {
    switch (cmd) {
      case 'connack':
        this.isOnline = returnCode === 0;
        if (returnCode !== 0) this.refusals++;
        else this.hadSession = sessionPresent === true;
        if (this.isOnline && this.#filter !== undefined && !this.isSubscribed)
          this.#send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: this.#filter, qos: 2 }] });
        return;
      case 'suback':
        this.isSubscribed = true;
        return;
      case 'publish':
        if (qos !== 2 || !this.#unreleased.has(messageId))
          this.got.set(topic, [...(this.got.get(topic) ?? []), payload.toString()]);
        if (qos === 2) this.#unreleased.add(messageId);
        this.#owed.push({ cmd: qos === 2 ? 'pubrec' : 'puback', messageId });
        return;
      case 'pubrel':
        this.#unreleased.delete(messageId);
        this.#owed.push({ cmd: 'pubcomp', messageId });
        return;
      case 'pubrec':
      case 'puback': {
        const sent = this.#sent.get(messageId);
        if (sent !== undefined) this.acknowledged.push({ ...sent, node: this.node });
        this.#sent.delete(messageId);
        if (cmd === 'pubrec') this.#send({ cmd: 'pubrel', messageId });
      }
    }
  }

  #send(packet: object): void {
    this.transport!.feed(oracleEncode(4, packet));
  }
}
