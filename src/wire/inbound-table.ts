/**
 * Who is connected to this node, on its accepting thread: for each thread of each other node the life of its process, the
 * number of its last link, and the connections of that link. It decides which hello is taken: numbers only grow, so a hello
 * that was used before is refused, and a new link ends what is left of the one before it, before anything of it is read.
 */
import { SluiceError } from '../base/errors.ts';
import type { RemoteNodes } from '../runtime/remote-nodes.ts';
import type { Hello } from './schema-types.ts';

export interface InboundConnection {
  /** Ends it without a word to this table. */
  cut(): void;
}

interface Source {
  readonly node: number;
  readonly thread: number;
  incarnation: number;
  epoch: number;
  /** By lane; those that are gone stay, so that a lane is used once. */
  lanes: Map<number, InboundConnection>;
  isLive: boolean;
}

export class InboundTable {
  readonly #remote: RemoteNodes;
  readonly #sources = new Map<number, Source>();

  constructor(remote: RemoteNodes) {
    this.#remote = remote;
  }

  /** Throws when this hello was used before, or comes from a former life of a node that is connected. */
  admit({ node, thread, incarnation, epoch, lane }: Hello): void {
    for (const source of this.#sources.values()) {
      if (source.node === node && source.isLive && source.incarnation > incarnation) throw replayed(node, 'is of a former life');
    }
    const source = this.#sources.get(keyOf(node, thread));
    if (source === undefined || source.incarnation !== incarnation || epoch > source.epoch) return;
    if (epoch < source.epoch || source.lanes.has(lane) || !source.isLive) throw replayed(node, 'was used before');
  }

  /** The handshake is done. */
  join({ node, thread, incarnation, epoch, lane, gap }: Hello, connection: InboundConnection): void {
    for (const other of this.#sources.values()) {
      if (other.node === node && other.incarnation !== incarnation) this.#cut(other);
    }
    const source = this.#sources.get(keyOf(node, thread));
    if (source !== undefined && source.incarnation === incarnation && source.epoch === epoch) {
      source.lanes.set(lane, connection);
      return;
    }
    if (source?.isLive === true) this.#cut(source);
    else if (gap) this.#remote.inboundLost(node, thread);
    this.#sources.set(keyOf(node, thread), {
      node,
      thread,
      incarnation,
      epoch,
      lanes: new Map([[lane, connection]]),
      isLive: true,
    });
  }

  /** A connection that had joined is gone, and its link with it. */
  leave({ node, thread }: Hello, connection: InboundConnection): void {
    const source = this.#sources.get(keyOf(node, thread));
    if (source === undefined || ![...source.lanes.values()].includes(connection)) return;
    this.#cut(source);
  }

  #cut(source: Source): void {
    if (!source.isLive) return;
    source.isLive = false;
    for (const connection of source.lanes.values()) connection.cut();
    this.#remote.inboundLost(source.node, source.thread);
  }

  picture(): unknown {
    return [...this.#sources.values()].map(({ node, thread, incarnation, epoch, lanes, isLive }) => ({
      node,
      thread,
      incarnation,
      epoch,
      lanes: lanes.size,
      isLive,
    }));
  }
}

function keyOf(node: number, thread: number): number {
  return node * 64 + thread;
}

function replayed(node: number, why: string): SluiceError {
  return new SluiceError('SLUICE_WIRE_REPLAYED', `a hello of node ${node} ${why}`);
}
