/**
 * Passes publishes on between the nodes of a cluster, on reactor 1 of each. Towards its own reactors the relay is a subscriber: for each other node a sink with the filters that the node wants, so a message
 * reaches the relay by the same way as any client of another reactor, and leaves once for each node, whatever the number of subscribers there. Without other nodes there is none, and no message does more.
 *
 * Bounds: nodes by REACTORS_MAX, filters as those of the nodes' clients, bytes as outgoing.ts says.
 */
import { INTEREST_RETRY_MS, RELAY_CLIENTS_BATCH, RELAY_HELLO_MS, STORE_ASK_MS } from '../../base/limits.ts';
import type { Actor, ActorContext } from '../../runtime/actor.ts';
import { placeKey } from '../../runtime/placement.ts';
import { type ActorRef, nodeOf, wellKnownRef } from '../../runtime/ref.ts';
import type { ActorSystem } from '../../runtime/system.ts';
import { Reason } from '../../wire/mqtt/reason-codes.ts';
import type { RelayClients, RelayFence } from '../../wire/schema-types.ts';
import type { Inboxes } from '../inbox/inboxes.ts';
import { metadataRef } from '../metadata/messages.ts';
import type { RegistryMessage } from '../registry/messages.ts';
import { InterestMachine } from '../router/interest-machine.ts';
import type { PressureGauge } from '../router/pressure.ts';
import type { Publisher } from '../router/publisher.ts';
import { noteDelivered } from '../router/remote-runs.ts';
import { decodeRun, emptyRun } from '../router/run-codec.ts';
import type { Run } from '../router/sink.ts';
import type { ShareTable } from '../share/table.ts';
import { WELL_KNOWN } from '../well-known.ts';
import { Arrivals } from './arrivals.ts';
import { Backlog } from './backlog.ts';
import { type BacklogsPorts, findBacklogs } from './backlogs.ts';
import { ClientClock } from './client-clock.ts';
import { RelayFences } from './fences.ts';
import { RELAY_RUNS, type RelayMessage, relayRef } from './messages.ts';
import { Outgoing } from './outgoing.ts';
import { OwnFilters, SHARE_PREFIX } from './own-filters.ts';
import { RELAY_PROBE } from './probe.ts';
import { RemoteGroups } from './remote-groups.ts';

const ANY_TOPIC = '#';
const RELAYED = { qos: 2, retainAsPublished: true } as const;
const HELLO = 1;
const RETRY = 2;
const OPEN = 3;
const IO_LATER = 1;
const { slot } = RELAY_PROBE;

export interface RelayOptions {
  /** All nodes that pass messages on to each other, this one among them; the same on all of them, in order. */
  readonly nodes: readonly number[];
  /** Tells the lives of this thread apart, over restarts of the process. */
  readonly life: number;
  readonly publisher: Publisher;
  readonly shares: ShareTable;
  readonly gauge: PressureGauge;
  /** What waits for other nodes is kept there; undefined: in memory alone, since nothing lasts on this node. */
  readonly inboxes?: Inboxes | undefined;
  /** What comes from the node from here on is behind that fence. In the turn of the stream, between two messages. */
  readonly onFence?: (name: string, node: number) => void;
}

interface Peer {
  readonly node: number;
  readonly outgoing: Outgoing;
  /** Its life, as it has said. */
  life: number;
  /** What the node wants, as this reactor's router knows it. */
  readonly subscribed: Set<string>;
  /** It has said what it wants, to this life of the relay; until then it is taken to want everything. */
  isKnown: boolean;
}

export class RelayActor implements Actor<RelayMessage> {
  readonly #system: ActorSystem;
  readonly #options: RelayOptions;
  readonly #own: OwnFilters;
  readonly #groups: RemoteGroups;
  readonly #interest: InterestMachine;
  readonly #arrivals: Arrivals;
  readonly #peers = new Map<number, Peer>();
  #ctx!: ActorContext<RelayMessage>;
  #isRetrying = false;
  /** What waits on disk for others has been found. */
  #isOpen = false;
  /** It takes part. */
  #isRunning = false;
  #whenOpen: (() => void)[] = [];
  readonly #clock: ClientClock;
  readonly #fences: RelayFences;
  /** Refilled for each run that goes to disk. */
  readonly #lent: Run;
  /** Clients that have connected in this turn. */
  #connected: { clientIds: string[]; times: number[] } = { clientIds: [], times: [] };

  constructor(system: ActorSystem, options: RelayOptions) {
    this.#system = system;
    this.#options = options;
    const { nodes, publisher, shares } = options;
    const { router } = publisher;
    this.#lent = emptyRun(router.topics.internName('-')!);
    this.#own = new OwnFilters(router, shares);
    this.#clock = new ClientClock(system.node);
    this.#groups = new RemoteGroups(router, (key) => shares.isKnownGroup(key));
    this.#interest = new InterestMachine({
      thread: this.#placeOf(system.node),
      reactors: nodes.length,
      incarnation: Math.floor(system.random() * 2 ** 28),
      local: this.#own,
      changed: (filter, place) => this.#wantedThere(filter, place),
      wake: () => this.#flushSoon(),
    });
    this.#arrivals = this.#makeArrivals();
    this.#fences = new RelayFences(
      (node, filter) => node === system.node || this.#peers.get(node)?.subscribed.has(filter) === true,
      (fence) => this.#putFence(fence),
    );
    for (const node of nodes) if (node !== system.node) this.#peers.set(node, this.#makePeer(node));
  }

  #makePeer(node: number): Peer {
    const { publisher, gauge, life } = this.#options;
    const system = this.#system;
    const outgoing = new Outgoing({
      thread: system.thread,
      life,
      slots: system.slots,
      gauge,
      isOwn: () => !publisher.router.isRelayed,
      send: (bytes) => this.#ctx.tellBytes(relayRef(node) as ActorRef<never>, RELAY_RUNS, bytes, 0, bytes.length),
      whenWritable: (then) => system.whenNodeWritable(node, RELAY_RUNS, then),
      decode: (bytes, start, end) => {
        decodeRun(bytes, start, end, publisher.router.topics, this.#lent);
        return this.#lent;
      },
    });
    return { node, outgoing, life: 0, subscribed: new Set(), isKnown: false };
  }

  #makeArrivals(): Arrivals {
    const { publisher, shares, gauge } = this.#options;
    const { router } = publisher;
    const run = emptyRun(router.topics.internName('-')!);
    return new Arrivals({
      deliver: (bytes, start, end, key, writes) => {
        decodeRun(bytes, start, end, router.topics, run);
        if (key !== undefined) {
          publisher.giveRelayed(run, (given) => shares.deliverRelayed(key, given));
        } else {
          const delivered = publisher.publishRelayed(run);
          if (run.topic.plan !== null) noteDelivered(router, run, delivered);
        }
        for (const write of publisher.writes) writes.add(write);
        return gauge.take();
      },
      passed: (name, node) => this.#options.onFence?.(name, node),
      acknowledge: (node, life, seq) => {
        this.#system.tell<RelayMessage>(relayRef(node), { type: 'RelayAck', from: this.#system.node, life, seq });
        this.#system.requestTurn();
      },
      hasFailed: () => this.#options.inboxes?.hasFailed === true,
      count: (runs) => {
        this.#system.slots[slot.received]! += runs;
      },
    });
  }

  started(ctx: ActorContext<RelayMessage>): void {
    this.#ctx = ctx;
    this.#isRetrying = false;
    if (this.#isRunning) return this.#run();
    const { router } = this.#options.publisher;
    // Nobody is there until it is heard of.
    for (const { outgoing } of this.#peers.values()) router.subscribe(outgoing, ANY_TOPIC, RELAYED);
    this.#openBacklogs();
  }

  /** What waits for other nodes on disk has been found: from here on nothing that is published here is missed. */
  whenOpen(then: () => void): void {
    this.#whenOpen.push(then);
    if (this.#isOpen) this.#opened();
  }

  /** The sessions of this node have been made again: it takes part. */
  begin(): void {
    this.whenOpen(() => this.#later(() => this.#run()));
  }

  /** What is under way to other nodes outlives this one, and what clients here publish until the node has stopped. */
  stopping(): void {
    for (const { outgoing } of this.#peers.values()) outgoing.down();
  }

  onIo(_event: number, argument: unknown): void {
    (argument as () => void)();
  }

  #openBacklogs(): void {
    const { inboxes, publisher } = this.#options;
    if (inboxes === undefined) return this.#opened();
    const later = (then: () => void): void => this.#later(then);
    const ask: BacklogsPorts['ask'] = (message, then) => this.#ctx.ask(metadataRef(this.#system), message, STORE_ASK_MS, then);
    findBacklogs({ inboxes, ask, later }, [...this.#peers.keys()], (states) => {
      if (states === undefined) return void this.#ctx.startTimer(RELAY_HELLO_MS, OPEN);
      const { topics } = publisher.router;
      for (const { node, outgoing } of this.#peers.values()) {
        const onWritten = (): void => later(() => outgoing.goOn());
        outgoing.attach(new Backlog({ inboxes, topics, later, onWritten }, states.get(node)!));
      }
      this.#opened();
    });
  }

  #opened(): void {
    this.#isOpen = true;
    const waiting = this.#whenOpen;
    this.#whenOpen = [];
    for (const then of waiting) then();
  }

  #later(then: () => void): void {
    this.#ctx.io(IO_LATER, then);
  }

  #run(): void {
    this.#isRunning = true;
    const { publisher, shares } = this.#options;
    const note = (filter: string | undefined): void => {
      if (this.#own.note(filter)) this.#flushSoon();
    };
    publisher.router.onFilters(note);
    shares.onGroups((key) => {
      this.#groups.hereChanged(key);
      note(SHARE_PREFIX + key);
    });
    this.#interest.start();
    for (const { node } of this.#peers.values()) this.#interest.peerDown(this.#placeOf(node));
    this.#flushSoon();
    this.#ctx.startTimer(0, HELLO);
  }

  receive(message: RelayMessage): void {
    if (!this.#isRunning) return;
    switch (message.type) {
      case 'flush':
        this.#own.settle(this.#interest);
        this.#interest.flush();
        break;
      case 'node':
        this.#linkChanged(message.node, message.state);
        break;
      case 'connected':
        this.#connected.clientIds.push(message.clientId);
        this.#connected.times.push(this.#clock.connected(message.clientId, this.#ctx.now(), this.#ctx.wallClock()));
        if (this.#connected.times.length >= RELAY_CLIENTS_BATCH) this.#tellConnected();
        return;
      case 'RelayClients':
        return this.#connectedElsewhere(message);
      case 'owned': {
        const { clientId, session, node, time } = message;
        // What lasts of it stays here until it expires.
        if (this.#clock.isLater(clientId, node, time))
          this.#ctx.tell(session, { type: 'disconnect', reason: Reason.SESSION_TAKEN_OVER });
        return;
      }
      case 'RelayFence':
        this.#fences.ask(message);
        return;
      case 'RelayHello':
        this.#greeted(message.from, message.life);
        break;
      case 'RelayAck':
        if (message.life === this.#options.life) this.#peers.get(message.from)?.outgoing.acknowledged(message.seq);
        break;
      default: {
        const place = this.#placeOf(message.from);
        if (place === 0) return;
        this.#heardOf(message.from);
        this.#interest.receive({ ...message, from: place });
      }
    }
    this.#afterwards();
  }

  receiveBytes(kind: number, bytes: Uint8Array, start: number, end: number, ctx: ActorContext<RelayMessage>): void {
    if (!this.#isRunning) return;
    const node = nodeOf(ctx.sender);
    const { router } = this.#options.publisher;
    router.origin = node;
    if (kind !== RELAY_RUNS || !this.#peers.has(node) || !this.#arrivals.receive(node, bytes, start, end)) {
      this.#system.slots[slot.malformed]!++;
    }
    router.origin = this.#system.node;
  }

  onTimer(key: number, ctx: ActorContext<RelayMessage>): void {
    if (key === OPEN) return this.#openBacklogs();
    if (key === HELLO) {
      for (const { node, outgoing } of this.#peers.values()) {
        this.#arrivals.repeat(node, false);
        outgoing.tick();
        if (outgoing.isUp) outgoing.up();
        else this.#hello(node);
      }
      this.#clock.sweep(ctx.now());
      ctx.startTimer(RELAY_HELLO_MS, HELLO);
      return;
    }
    this.#isRetrying = false;
    this.#interest.tick();
    this.#afterwards();
  }

  /** Nodes that are there. */
  get nodesUp(): number[] {
    return [...this.#peers.values()].filter(({ outgoing }) => outgoing.isUp).map(({ node }) => node);
  }

  /** Every other node is there, and has said what it wants. */
  get knowsOthers(): boolean {
    return this.#interest.synced && [...this.#peers.values()].every(({ outgoing }) => outgoing.isUp);
  }

  /** Asks every node that is there, this one too, for a fence in its streams to `nodes`; `filters`: what is to come behind it, which this node's clients want by now. */
  fence(name: string, nodes: readonly number[], filters: readonly string[], of: readonly number[]): void {
    const fence: RelayFence = { type: 'RelayFence', from: this.#system.node, name, nodes, filters };
    for (const node of of) this.#system.tell<RelayMessage>(relayRef(node), fence);
    this.#system.requestTurn();
  }

  inspect(): unknown {
    return {
      wanted: this.#own.size,
      nodes: [...this.#peers.values()].map(({ node, outgoing, subscribed }) => ({
        node,
        isUp: outgoing.isUp,
        filters: subscribed.size,
        waitingBytes: outgoing.bytes,
        backlog: outgoing.backlog?.messages ?? 0,
      })),
      interest: this.#interest.inspect(),
    };
  }

  endTurn(): void {
    if (this.#connected.times.length > 0) this.#tellConnected();
    let waiting = 0;
    let backlog = 0;
    for (const { outgoing } of this.#peers.values()) {
      outgoing.endTurn();
      waiting += outgoing.bytes;
      backlog += outgoing.backlog?.messages ?? 0;
    }
    this.#system.slots[slot.waitingBytes] = waiting;
    this.#system.slots[slot.backlog] = backlog;
  }

  // ---- nodes ----

  #linkChanged(node: number, state: 'up' | 'down'): void {
    const peer = this.#peers.get(node);
    if (peer === undefined) return;
    // What was sent before the way stood, to one who had been heard of, may be lost as well.
    peer.outgoing.down();
    if (state === 'up') {
      this.#hello(node);
      this.#arrivals.repeat(node, true);
      return this.#heardOf(node);
    }
    this.#fences.forget(node);
    // What it wanted it is taken to want until it says otherwise: its sessions may last.
    this.#interest.peerDown(this.#placeOf(node));
  }

  #greeted(node: number, life: number): void {
    const peer = this.#peers.get(node);
    if (peer === undefined) return;
    if (peer.life !== life) {
      peer.life = life;
      peer.outgoing.down();
      // It may not know yet of this life, either.
      this.#hello(node);
    }
    this.#heardOf(node);
  }

  #hello(node: number): void {
    this.#say(node, { type: 'RelayHello', from: this.#system.node, life: this.#options.life });
  }

  #heardOf(node: number): void {
    const peer = this.#peers.get(node);
    if (peer === undefined || peer.outgoing.isUp) return;
    peer.outgoing.up();
    this.#interest.peerUp(this.#placeOf(node));
  }

  /** Places in the interest machine count from 1; 0: a stranger. */
  #placeOf(node: number): number {
    return this.#options.nodes.indexOf(node) + 1;
  }

  #putFence({ name, nodes }: RelayFence): void {
    const { node: here } = this.#system;
    const bytes = Buffer.from(name);
    for (const node of nodes) this.#peers.get(node)?.outgoing.fence(bytes);
    if (nodes.includes(here)) this.#options.onFence?.(name, here);
    this.#system.requestTurn();
  }

  // ---- clients ----

  #tellConnected(): void {
    const { node } = this.#system;
    const message: RelayClients = { type: 'RelayClients', from: node, ...this.#connected };
    this.#connected = { clientIds: [], times: [] };
    for (const peer of this.#peers.values())
      if (peer.outgoing.isUp) this.#system.tell<RelayMessage>(relayRef(peer.node), message);
    this.#system.requestTurn();
  }

  /** The registry knows who owns the id, and has told by then when that one came: otherwise news would meet a client that is faster, in the moment before it is known here, and disconnect it. */
  #connectedElsewhere({ from, clientIds, times }: RelayClients): void {
    const { node, reactors } = this.#system;
    for (const [i, clientId] of clientIds.entries()) {
      const time = times[i]!;
      this.#clock.heard(time);
      const registry = wellKnownRef<RegistryMessage>(node, placeKey(clientId, reactors), WELL_KNOWN.registry);
      this.#ctx.tell(registry, { type: 'elsewhere', clientId, node: from, time });
    }
  }

  // ---- what other nodes want ----

  /** Undefined: of any node. */
  #wantedThere(filter: string | undefined, place: number): void {
    for (const peer of this.#peers.values()) {
      const its = this.#placeOf(peer.node);
      if (filter === undefined) this.#compare(peer, its);
      else if (its === place) this.#subscribe(peer, filter, this.#interest.knows(place, filter));
    }
  }

  #compare(peer: Peer, place: number): void {
    const filters = this.#interest.filtersOf(place);
    // While it has not said everything, what it wanted before stays.
    if (filters === undefined) return;
    const now = new Set(filters);
    for (const filter of peer.subscribed) if (!now.has(filter)) this.#subscribe(peer, filter, false);
    for (const filter of now) this.#subscribe(peer, filter, true);
    if (peer.isKnown) return;
    peer.isKnown = true;
    if (!now.has(ANY_TOPIC)) this.#options.publisher.router.unsubscribe(peer.outgoing, ANY_TOPIC);
  }

  #subscribe({ outgoing, subscribed }: Peer, filter: string, isWanted: boolean): void {
    if (isWanted === subscribed.has(filter)) return;
    const { router } = this.#options.publisher;
    if (isWanted) subscribed.add(filter);
    else subscribed.delete(filter);
    if (filter.startsWith(SHARE_PREFIX)) this.#groups.change(filter.slice(SHARE_PREFIX.length), outgoing, isWanted);
    else if (isWanted) router.subscribe(outgoing, filter, RELAYED);
    else router.unsubscribe(outgoing, filter);
  }

  // ---- what leaves ----

  #flushSoon(): void {
    this.#system.tell<RelayMessage>(relayRef(this.#system.node), { type: 'flush' });
  }

  #say(node: number, message: RelayMessage): void {
    this.#ctx.tell(relayRef(node), message);
  }

  #afterwards(): void {
    this.#fences.settle();
    const interest = this.#interest;
    const from = this.#system.node;
    // What is refused is like what is lost: the machine sends it again.
    for (const { to, message } of interest.outbox) this.#say(this.#options.nodes[to - 1]!, { ...message, from });
    interest.outbox.length = 0;
    this.#system.slots[slot.filters] = this.#own.size;
    if (this.#isRetrying || !interest.busy) return;
    this.#isRetrying = true;
    this.#ctx.startTimer(INTEREST_RETRY_MS, RETRY);
  }
}

export function spawnRelay(system: ActorSystem, options: RelayOptions): RelayActor {
  const relay = new RelayActor(system, options);
  const ref = system.spawn<RelayMessage>(() => relay, { name: 'relay', wellKnown: WELL_KNOWN.relay });
  system.remote.onChange((node, state) => system.tell<RelayMessage>(ref, { type: 'node', node, state }));
  system.atTurnEnd(() => relay.endTurn());
  return relay;
}
