/**
 * The way of groups to other nodes: frames as raw bytes to the thread that holds the groups there, each lane in its class of the wire, so that heartbeats and votes wait for nothing. What a full
 * queue does not take is dropped: Raft sends again. A leader hears of it, and probes.
 */
import { wellKnownRef } from '../../runtime/ref.ts';
import type { ActorSystem } from '../../runtime/system.ts';
import { CLASS, kindIn } from '../../wire/classes.ts';
import { RAFT_FRAME, RAFT_SLOT } from './messages.ts';
import { nodeOfReplica, type ReplicaId } from './replica.ts';
import type { Lane, RaftTransport } from './transport.ts';

const KINDS: Readonly<Record<Lane, number>> = {
  urgent: kindIn(CLASS.urgent, RAFT_FRAME),
  append: kindIn(CLASS.data, RAFT_FRAME),
  snapshot: kindIn(CLASS.snapshot, RAFT_FRAME),
};

export class WireRaftTransport implements RaftTransport {
  readonly #system: ActorSystem;
  /** The thread of each node's groups, as far as it is known. */
  readonly #threads = new Map<number, number>();
  readonly #isUp = new Set<number>();
  readonly #onLost: (node: number) => void;
  dropped = 0;

  /** `onLost`: what was on its way to a node, or handed over for it, may not have arrived. Made before the wire has links. */
  constructor(system: ActorSystem, onLost: (node: number) => void) {
    this.#system = system;
    this.#onLost = onLost;
    system.remote.onChange((node, state) => {
      if (state === 'up') this.#isUp.add(node);
      else if (this.#isUp.delete(node)) onLost(node);
    });
  }

  /** A node has said where its groups are. */
  learn(node: number, thread: number): void {
    this.#threads.set(node, thread);
  }

  isUp(node: number): boolean {
    return this.#isUp.has(node);
  }

  send(to: ReplicaId, lane: Lane, bytes: Uint8Array): void {
    const node = nodeOfReplica(to);
    const thread = this.#threads.get(node);
    if (thread === undefined || !this.#isUp.has(node)) return;
    if (this.#system.tellBytes(wellKnownRef(node, thread, RAFT_SLOT), KINDS[lane], bytes, 0, bytes.length)) return;
    this.dropped++;
    if (lane === 'append') this.#onLost(node);
  }
}
