/**
 * One thread's part of the wire: its links to the other nodes, and on one thread of the node all connections from them.
 * Every thread sends for itself, so sending has no hop; the accepting thread hands what comes to the other threads' rings.
 * Why it is split like this, and what was measured, is in docs/adr/0007-wire-threads.md.
 *
 * It implements the runtime's hop to other nodes. `publish` runs at the end of each turn, when the turn's messages are all
 * there; `tick` now and then.
 */
import { randomBytes } from 'node:crypto';
import { SluiceError } from '../base/errors.ts';
import { type EncodedForNode, encodeAsBetweenThreads, type NodeLink, type SendOutcome } from '../runtime/node-link.ts';
import { type ActorRef, NODE_MAX, nodeOf } from '../runtime/ref.ts';
import type { ActorSystem } from '../runtime/system.ts';
import { WireAcceptor } from './acceptor.ts';
import { addressText, type NodeAddress, parseAddress } from './address.ts';
import type { ProtocolRange } from './frame.ts';
import type { Identity } from './handshake.ts';
import { MessageSchemas } from './message-schemas.ts';
import { Peer, type PeerPicture } from './peer.ts';
import { WIRE_PROBE } from './probe.ts';
import type { PeerAddress } from './schema-types.ts';
import { SegmentPool } from './segment-pool.ts';
import type { ListenAt, Transport } from './transport.ts';
import type { WireParts } from './wire-parts.ts';

/** The thread that every node has, where others find what they first ask for. */
export const DOOR_THREAD = 1;
const EPOCHS_PER_INCARNATION = 2 ** 32;

export type WireEvent =
  | { readonly what: 'up'; readonly node: number }
  | { readonly what: 'lost' | 'unreachable'; readonly node: number; readonly error: SluiceError }
  | { readonly what: 'refused'; readonly node: number | undefined; readonly address: string; readonly error: SluiceError };

export interface WireOptions {
  readonly cluster: string;
  /** Of this life of the process: larger than that of every life before. */
  readonly incarnation: number;
  readonly roles: readonly string[];
  readonly secret: string;
  readonly transport: Transport;
  /** `host:port` that other nodes may dial; empty: they need it from their configuration. */
  readonly address: string;
  /** Nodes known from the start; an entry for this node itself is ignored. */
  readonly peers: readonly (NodeAddress & { readonly node: number })[];
  /** Threads of this node beside main and the reactors that have a wire of their own. */
  readonly services?: readonly number[];
  /** The thread of this node that accepts connections from other nodes; DOOR_THREAD unless told otherwise. */
  readonly acceptor?: number;
  /** Where to accept; only the accepting thread does. */
  readonly listen?: ListenAt;
  readonly onEvent?: (event: WireEvent) => void;
  /** Others than this program's, for specs. */
  readonly schemas?: MessageSchemas;
  readonly protocol?: ProtocolRange;
}

export class Wire implements NodeLink {
  readonly acceptor: WireAcceptor;
  readonly #system: ActorSystem;
  readonly #options: WireOptions;
  readonly #schemas: MessageSchemas;
  readonly #parts: WireParts;
  /** By node. */
  readonly #peers = new Map<number, Peer>();
  readonly #configured = new Set<number>();
  #epochs = 0;
  #next: (() => void)[] = [];
  readonly #dirty: Peer[] = [];
  #isDirty = false;
  readonly #wakeActor: () => void;
  readonly #onPeersChange: () => void;
  #isStopped = false;

  /** `wakeActor`: `serve` is to be called in a turn, soon. `onPeersChange`: the other threads should know the peers. */
  constructor(system: ActorSystem, options: WireOptions, wakeActor: () => void, onPeersChange: () => void) {
    this.#system = system;
    this.#options = options;
    this.#schemas = options.schemas ?? new MessageSchemas();
    this.#wakeActor = wakeActor;
    this.#onPeersChange = onPeersChange;
    this.#parts = this.#makeParts();
    this.acceptor = new WireAcceptor(this.#parts);
    for (const { node, host, port } of options.peers) {
      this.#configured.add(node);
      this.#add(node, { host, port });
    }
  }

  #makeParts(): WireParts {
    const system = this.#system;
    const { cluster, incarnation, roles, secret, transport, address, protocol } = this.#options;
    const identity: Identity = {
      cluster,
      node: system.node,
      incarnation,
      roles,
      address,
      secret,
      schemas: this.#schemas,
      randomBytes,
      ...(protocol === undefined ? {} : { protocol }),
    };
    return {
      thread: system.thread,
      identity,
      transport,
      remote: system.remote,
      pool: new SegmentPool(),
      slots: system.slots,
      now: () => system.now(),
      random: () => system.random(),
      nextEpoch: () => system.incarnation * EPOCHS_PER_INCARNATION + ++this.#epochs,
      requestTurn: () => system.requestTurn(),
      markDirty: (peer) => this.#markDirty(peer),
      nextTurn: (then) => {
        this.#next.push(then);
        this.#wakeActor();
      },
      whenThreadWritable: (thread, then) => system.whenWritable(thread, then),
      onPeerUp: (node) => this.#onPeerUp(node),
      onPeerDown: (node, wasUp, error) => this.#onPeerDown(node, wasUp, error),
      onDialledBy: (node, text) => this.#onDialledBy(node, text),
      onRefused: (remoteAddress, node, error) => {
        this.#options.onEvent?.({ what: 'refused', node, address: remoteAddress, error });
      },
    };
  }

  get acceptingThread(): number {
    return this.#options.acceptor ?? DOOR_THREAD;
  }

  // ---- what the runtime asks ----

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
    const peer = this.#peers.get(nodeOf(target));
    if (peer === undefined) return 'no_route';
    return peer.send(type, kind, target, sender, correlation, bytes, start, end);
  }

  encode(message: unknown): EncodedForNode {
    const kind = this.#schemas.kindOf(message);
    if (kind === 0) return encodeAsBetweenThreads(message);
    const bytes = this.#schemas.encode(kind, message);
    return { kind, bytes, start: 0, end: bytes.length };
  }

  whenWritable(node: number, kind: number, then: () => void): void {
    const peer = this.#peers.get(node);
    if (peer === undefined) this.#parts.nextTurn(then);
    else peer.whenWritable(kind, then);
  }

  // ---- what happens when ----

  /** Reaches out to all peers that are known; later ones are dialled when they become known. */
  dialAll(): void {
    for (const peer of this.#peers.values()) peer.dial();
  }

  publish(): void {
    this.acceptor.flush();
    if (!this.#isDirty) return;
    this.#isDirty = false;
    let isMore = false;
    for (const peer of this.#dirty.splice(0)) {
      if (!peer.flush()) continue;
      isMore = true;
      peer.drained();
    }
    if (isMore) this.#wakeActor();
  }

  #markDirty(peer: Peer): void {
    this.#dirty.push(peer);
    this.#isDirty = true;
  }

  /** In a turn: what was put off to it. */
  serve(): void {
    for (const then of this.#next.splice(0)) then();
  }

  tick(now: number, lateMs: number): void {
    let queued = 0;
    let links = 0;
    for (const peer of this.#peers.values()) {
      peer.tick(now, lateMs);
      queued += peer.queuedBytes;
      if (peer.isUp) links++;
    }
    this.acceptor.tick(now, lateMs);
    this.#system.slots[WIRE_PROBE.slot.queued] = queued;
    this.#system.slots[WIRE_PROBE.slot.links] = links;
  }

  stop(): void {
    this.#isStopped = true;
    for (const peer of this.#peers.values()) peer.stop();
    this.acceptor.close(new SluiceError('SLUICE_WIRE_STOPPED', `node ${this.#system.node} is stopping`));
  }

  // ---- peers ----

  get peers(): PeerAddress[] {
    return Array.from(this.#peers.values(), ({ node, address }) => ({ node, address }));
  }

  /**
   * Where nodes listen. What the configuration says stays, and what a node says of itself (`isOwnWord`) counts more than
   * hearsay, which only adds nodes that are not known. True when there was anything new.
   */
  learn(peers: readonly PeerAddress[], isOwnWord: boolean): boolean {
    let isNew = false;
    for (const { node, address: text } of peers) {
      const address = parseAddress(text);
      if (address === undefined || node < 1 || node > NODE_MAX) continue;
      if (node === this.#system.node || this.#configured.has(node)) continue;
      const known = this.#peers.get(node);
      if (known !== undefined && (!isOwnWord || known.address === addressText(address))) continue;
      isNew = true;
      if (known === undefined) this.#add(node, address);
      else known.moveTo(address);
      // Main has little to say to other nodes: it dials when it has.
      if (this.#system.thread !== 0) this.#peers.get(node)!.dial();
    }
    return isNew;
  }

  #add(node: number, address: NodeAddress): void {
    if (node !== this.#system.node) this.#peers.set(node, new Peer(node, address, this.#parts));
  }

  #onPeerUp(node: number): void {
    this.#system.remote.changed(node, 'up');
    this.#options.onEvent?.({ what: 'up', node });
    if (this.#system.thread === this.acceptingThread) this.#onPeersChange();
  }

  #onPeerDown(node: number, wasUp: boolean, error: SluiceError): void {
    if (this.#isStopped) return;
    this.#system.remote.outboundLost(node);
    if (wasUp) this.#system.remote.changed(node, 'down');
    this.#options.onEvent?.({ what: wasUp ? 'lost' : 'unreachable', node, error });
  }

  #onDialledBy(node: number, address: string): void {
    if (this.learn([{ node, address }], true)) this.#onPeersChange();
    this.#peers.get(node)?.nudge();
  }

  picture(): { readonly peers: readonly PeerPicture[]; readonly inbound: unknown } {
    return {
      peers: Array.from(this.#peers.values(), (peer) => peer.picture()),
      inbound: this.acceptor.table.picture(),
    };
  }
}
