/**
 * Several nodes in one simulation, with links between them as the wire makes them: each thread sends for itself, one thread of
 * a node accepts; in order per link, bounded, lost as a whole. A link breaks when a node dies, when one of its two threads
 * dies, or when it is cut; it stands again once both sides are there and the way is free.
 */
import { cloneBytes } from '../../base/bytes.ts';
import { isSettlement, isSystem, RECORD } from '../envelope.ts';
import { type EncodedForNode, encodeAsBetweenThreads, type NodeLink, type SendOutcome } from '../node-link.ts';
import { type ActorRef, nodeOf, threadOf } from '../ref.ts';
import type { ActorSystem } from '../system.ts';
import type { ThreadSystem } from '../thread-system.ts';
import { SimCluster } from './cluster.ts';
import { SimWorld } from './world.ts';

export interface SimNetworkOptions {
  /** Nodes 1 … nodes, each with threads 0 … threads - 1. */
  readonly nodes: number;
  readonly threads: number;
  /** How many of them, the last ones, are services; default 0. */
  readonly services?: number;
  readonly seed: number;
  readonly boot: (system: ActorSystem) => void;
  /** How messages between nodes are written and read; default: as between threads. */
  readonly codec?: NodeCodec;
  /** Delay of a turn's messages between nodes, milliseconds; default 0.1 … 2. */
  readonly delayMinMs?: number;
  readonly delayMaxMs?: number;
  /** Bytes that may be under way on a link before it is full. Default 1 MiB. */
  readonly queueBytes?: number;
}

/** Messages as bytes of a kind; 0: as between threads. */
export interface NodeCodec {
  encode(message: unknown): EncodedForNode;
  /** Of a kind other than 0; undefined: nothing that the receiver knows. */
  decode(kind: number, bytes: Uint8Array): unknown;
}

interface SentRecord {
  readonly type: number;
  readonly kind: number;
  readonly target: ActorRef;
  readonly sender: ActorRef;
  readonly correlation: number;
  readonly bytes: Uint8Array;
}

const QUEUE_BYTES = 1 << 20;
const RECORD_BYTES = 26;

export class SimNetwork {
  readonly world: SimWorld;
  readonly #options: SimNetworkOptions;
  /** By node, undefined while dead. */
  readonly #nodes: (SimCluster | undefined)[] = [];
  /** All lives of all nodes. */
  readonly #lives: { readonly node: number; readonly cluster: SimCluster }[] = [];
  readonly #boots: number[] = [];
  readonly #links = new Set<SimLink>();
  /** Ways that are cut, `from > to`. */
  readonly #cuts = new Set<string>();

  constructor(options: SimNetworkOptions) {
    this.#options = options;
    this.world = new SimWorld(options.seed);
    for (let node = 1; node <= options.nodes; node++) this.#start(node);
  }

  /** A living node. */
  node(node: number): SimCluster {
    const cluster = this.#nodes[node];
    if (cluster === undefined) throw new Error(`simulated node ${node} is dead`);
    return cluster;
  }

  /** What has ended threads that nobody killed. */
  get failures(): readonly { readonly node: number; readonly error: unknown }[] {
    return this.#lives.flatMap(({ node, cluster }) => cluster.failures.map(({ error }) => ({ node, error })));
  }

  isAlive(node: number): boolean {
    return this.#nodes[node] !== undefined;
  }

  run(untilMs?: number): void {
    this.world.run(untilMs);
  }

  at(atMs: number, then: () => void): void {
    this.world.at(atMs, then);
  }

  /** Nothing passes from `from` to `to`, until `heal`. The other direction is another way. */
  cut(from: number, to: number): void {
    this.#cuts.add(`${from}>${to}`);
    for (const link of [...this.#links]) if (link.from.node === from && link.to === to) link.lose();
  }

  heal(from: number, to: number): void {
    this.#cuts.delete(`${from}>${to}`);
    for (const link of this.#links) if (link.from.node === from && link.to === to) link.comeUp();
  }

  /** The process dies; with `restartMs` its next life begins that much later. */
  kill(node: number, restartMs?: number): void {
    const cluster = this.#nodes[node];
    if (cluster === undefined) return;
    this.#nodes[node] = undefined;
    for (let thread = 0; thread < this.#options.threads; thread++) cluster.kill(thread);
    if (restartMs !== undefined) this.at(this.world.nowMs + restartMs, () => this.#start(node));
  }

  #start(node: number): void {
    const boots = (this.#boots[node] ?? -1) + 1;
    this.#boots[node] = boots;
    const { threads, services = 0, boot, seed } = this.#options;
    // The node counts as alive while its threads are made: its links look it up.
    const cluster = new SimCluster({
      threads,
      services,
      seed,
      node,
      boots,
      boot,
      world: this.world,
      onThread: (system, state) => (state === 'born' ? this.#born(system) : this.#died(system)),
    });
    this.#nodes[node] = cluster;
    this.#lives.push({ node, cluster });
    for (const link of this.#links) if (link.to === node || link.from.node === node) link.comeUp();
  }

  #born(system: ThreadSystem): void {
    const links: SimLink[] = [];
    for (let to = 1; to <= this.#options.nodes; to++) {
      if (to === system.node) continue;
      const link = new SimLink(this, system, to);
      links[to] = link;
      this.#links.add(link);
    }
    system.remote.connect(new SimNodeLink(links, this.#options.codec));
    for (const link of this.#links) if (link.from === system || link.to === system.node) link.comeUp();
  }

  #died(system: ThreadSystem): void {
    const isAcceptor = system.thread === this.#acceptingThread;
    for (const link of [...this.#links]) {
      if (link.from === system) {
        this.#links.delete(link);
        link.end();
      } else if (isAcceptor && link.to === system.node) {
        link.lose();
      }
    }
    const cluster = this.#nodes[system.node];
    if (!isAcceptor || cluster === undefined) return;
    for (let thread = 0; thread < this.#options.threads; thread++) {
      if (cluster.isAlive(thread)) cluster.system(thread).remote.acceptorLost();
    }
  }

  get #acceptingThread(): number {
    return Math.min(1, this.#options.threads - 1);
  }

  // ---- what links ask ----

  /** The system that accepts for a node, when there is a way to it. */
  acceptorOf(from: number, to: number): ThreadSystem | undefined {
    const cluster = this.#nodes[to];
    if (cluster === undefined || this.#cuts.has(`${from}>${to}`) || !cluster.isAlive(this.#acceptingThread)) return undefined;
    return cluster.system(this.#acceptingThread) as ThreadSystem;
  }

  delay(): number {
    return this.world.delay(this.#options.delayMinMs ?? 0.1, this.#options.delayMaxMs ?? 2);
  }

  /** The receiving end of a link. False: the thread of the target has no room. */
  arrive(acceptor: ThreadSystem, { type, kind, target, sender, correlation }: SentRecord, bytes: Uint8Array): boolean {
    const { remote } = acceptor;
    const { codec } = this.#options;
    const isMessage = type === RECORD.message || type === RECORD.ask || type === RECORD.reply;
    if (codec === undefined || kind === 0 || !isMessage)
      return remote.arrive(type, kind, target, sender, correlation, bytes, 0, bytes.length);
    const message = codec.decode(kind, bytes);
    if (message !== undefined) return remote.arriveMessage(type, target, sender, correlation, message);
    remote.undecodable(type, target, sender, correlation);
    return true;
  }

  get queueBytes(): number {
    return this.#options.queueBytes ?? QUEUE_BYTES;
  }
}

class SimNodeLink implements NodeLink {
  readonly #links: readonly (SimLink | undefined)[];
  readonly encode: NodeLink['encode'];

  constructor(links: readonly (SimLink | undefined)[], codec: NodeCodec | undefined) {
    this.#links = links;
    this.encode = codec === undefined ? encodeAsBetweenThreads : (message) => codec.encode(message);
  }

  send(
    type: number,
    kind: number,
    target: ActorRef,
    sender: ActorRef,
    correlation: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): SendOutcome {
    const link = this.#links[nodeOf(target)];
    if (link === undefined) return 'no_route';
    return link.send({ type, kind, target, sender, correlation, bytes: cloneBytes(bytes, start, end) });
  }

  publish(): void {
    for (const link of this.#links) link?.flush();
  }

  whenWritable(node: number, _kind: number, then: () => void): void {
    const link = this.#links[node];
    if (link === undefined) then();
    else link.whenWritable(then);
  }
}

/** From one thread to one node. */
class SimLink {
  readonly from: ThreadSystem;
  readonly to: number;
  readonly #network: SimNetwork;
  /** Counts the times that the link stood; what was sent by an earlier one is lost. */
  #epoch = 0;
  #isUp = false;
  #isComing = false;
  #acceptor: ThreadSystem | undefined;
  #unsent: SentRecord[] = [];
  #arrived: SentRecord[] = [];
  #underWayBytes = 0;
  #lastArrivalMs = 0;
  #waiters: (() => void)[] = [];

  constructor(network: SimNetwork, from: ThreadSystem, to: number) {
    this.#network = network;
    this.from = from;
    this.to = to;
  }

  send(record: SentRecord): SendOutcome {
    if (!this.#isUp) return 'no_route';
    const mustArrive = isSystem(record.type) || isSettlement(record.type);
    if (!mustArrive && this.#underWayBytes >= this.#network.queueBytes) return 'full';
    this.#underWayBytes += RECORD_BYTES + record.bytes.length;
    this.#unsent.push(record);
    return 'sent';
  }

  whenWritable(then: () => void): void {
    this.#waiters.push(then);
    this.#serveWaiters();
  }

  #serveWaiters(): void {
    if (this.#waiters.length === 0 || (this.#isUp && this.#underWayBytes > this.#network.queueBytes / 2)) return;
    const waiters = this.#waiters.splice(0);
    const { world } = this.#network;
    world.at(world.nowMs, () => {
      for (const then of waiters) then();
      this.from.requestTurn();
    });
  }

  /** At the end of the sender's turn. */
  flush(): void {
    if (this.#unsent.length === 0) return;
    const batch = this.#unsent.splice(0);
    const epoch = this.#epoch;
    this.#later(() => {
      if (epoch !== this.#epoch) return;
      this.#arrived.push(...batch);
      this.#handOn();
    });
  }

  #later(then: () => void): void {
    const { world } = this.#network;
    this.#lastArrivalMs = Math.max(this.#lastArrivalMs, world.nowMs + this.#network.delay());
    world.at(this.#lastArrivalMs, then);
  }

  #handOn(): void {
    const acceptor = this.#acceptor!;
    acceptor.requestTurn();
    for (let record = this.#arrived[0]; record !== undefined; record = this.#arrived[0]) {
      // As a socket hands it out: a Buffer, in memory that is soon used for something else.
      const bytes = Buffer.from(record.bytes);
      if (!this.#network.arrive(acceptor, record, bytes)) {
        const epoch = this.#epoch;
        acceptor.whenWritable(threadOf(record.target), () => {
          if (epoch === this.#epoch) this.#handOn();
        });
        return;
      }
      bytes.fill(0xdd);
      this.#arrived.shift();
      this.#underWayBytes -= RECORD_BYTES + bytes.length;
    }
    this.#serveWaiters();
  }

  /** Tries to stand, if it does not. */
  comeUp(): void {
    if (this.#isUp || this.#isComing) return;
    this.#isComing = true;
    this.#later(() => {
      this.#isComing = false;
      const acceptor = this.#network.acceptorOf(this.from.node, this.to);
      if (acceptor === undefined || this.#isUp) return;
      if (this.#epoch > 0) acceptor.remote.inboundLost(this.from.node, this.from.thread);
      this.#epoch++;
      this.#acceptor = acceptor;
      this.#isUp = true;
      this.from.remote.changed(this.to, 'up');
    });
  }

  /** The way is gone: both sides notice, the receiver a little later. */
  lose(): void {
    if (!this.#isUp) return;
    this.#drop();
    this.from.remote.outboundLost(this.to);
    this.from.remote.changed(this.to, 'down');
    this.comeUp();
  }

  /** The sending thread is dead. */
  end(): void {
    if (this.#isUp) this.#drop();
    this.#waiters = [];
  }

  #drop(): void {
    const acceptor = this.#acceptor!;
    this.#isUp = false;
    this.#epoch++;
    this.#unsent = [];
    this.#arrived = [];
    this.#underWayBytes = 0;
    this.#serveWaiters();
    const { node, thread } = this.from;
    this.#later(() => acceptor.remote.inboundLost(node, thread));
  }
}
