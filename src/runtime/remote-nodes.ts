/**
 * A thread's view of other nodes: the way to them, what comes from them, and what their loss means. The wire (and the
 * simulator) drive it; actors see refs, `Terminated` and failed asks.
 *
 * Each thread sends to a node over a link of its own, and one thread of a node accepts all that comes. So two things can
 * be lost, each alone:
 *   - the way out of this thread to a node: what was asked or watched there is not sure to have arrived;
 *   - the way in from one thread of a node: no reply and no notice of the actors there will come, and watchers that live
 *     there know nothing of this thread any more. The accepting thread tells all the others, in order with what came before.
 */
import { assert } from '../base/assert.ts';
import type { Delivery } from './delivery.ts';
import { ALONE, type EncodedForNode, type NodeLink } from './node-link.ts';
import { type ActorRef, nodeOf, threadOf } from './ref.ts';
import type { ThreadSystem } from './thread-system.ts';

export type NodeState = 'up' | 'down';
export type NodeListener = (node: number, state: NodeState) => void;

export class RemoteNodes {
  readonly #system: ThreadSystem;
  #link: NodeLink = ALONE;
  readonly #listeners: NodeListener[] = [];

  constructor(system: ThreadSystem) {
    this.#system = system;
  }

  get link(): NodeLink {
    return this.#link;
  }

  /** Once, at boot. */
  connect(link: NodeLink): void {
    assert(this.#link === ALONE, 'a thread is connected to other nodes once');
    this.#link = link;
  }

  encode(message: unknown): EncodedForNode {
    return this.#link.encode(message);
  }

  /** `up`: this thread's link to the node stands (again). `down`: it is lost. */
  onChange(listener: NodeListener): void {
    this.#listeners.push(listener);
  }

  changed(node: number, state: NodeState): void {
    this.#system.requestTurn();
    for (const listener of this.#listeners) listener(node, state);
  }

  /** A record from another node. False: the thread of its target has no room; offer it again when `whenWritable(thread)` says so. */
  arrive(
    type: number,
    kind: number,
    target: ActorRef,
    sender: ActorRef,
    correlation: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): boolean {
    return this.#delivery.arrive(type, kind, target, sender, correlation, bytes, start, end);
  }

  /** The same for a message that has been decoded already. */
  arriveMessage(type: number, target: ActorRef, sender: ActorRef, correlation: number, message: unknown): boolean {
    return this.#delivery.arriveMessage(type, target, sender, correlation, message);
  }

  /** A message that this release cannot read: dead, and its asker is told. */
  undecodable(type: number, target: ActorRef, sender: ActorRef, correlation: number): void {
    this.#delivery.undecodable(type, target, sender, correlation);
  }

  /** This thread's way to `node` is lost. */
  outboundLost(node: number): void {
    this.#lost((ref) => nodeOf(ref) === node, false);
  }

  /** Nothing more comes from this thread of `node`; every thread here is told. */
  inboundLost(node: number, thread: number): void {
    this.noteInboundLost(node, thread);
    this.#delivery.announceInboundLost(node, thread);
  }

  /** The same, here alone. */
  noteInboundLost(node: number, thread: number): void {
    this.#lost((ref) => nodeOf(ref) === node && threadOf(ref) === thread, true);
  }

  /** The accepting thread of this node died, and all that comes from other nodes with it. */
  acceptorLost(): void {
    const { node } = this.#system;
    this.#lost((ref) => nodeOf(ref) !== node, true);
  }

  #lost(isThere: (ref: ActorRef) => boolean, forgetWatchers: boolean): void {
    this.#system.requestTurn();
    this.#system.watches.lost(isThere, 'unreachable', forgetWatchers);
    this.#system.asks.lost(isThere);
  }

  get #delivery(): Delivery {
    return this.#system.delivery;
  }
}
