/** The hop to other nodes. The runtime only names it; the wire implements it, and the simulator. */
import { type Encoded, encodeMessage } from './message-codec.ts';
import type { ActorRef } from './ref.ts';

/** `full`: not now, `whenWritable` says when. `no_route`: not reachable, nothing to wait for. `too_large`: never. */
export type SendOutcome = 'sent' | 'full' | 'no_route' | 'too_large';

/** A message as bytes; its kind tells the receiving node how to read them. */
export interface EncodedForNode extends Encoded {
  readonly kind: number;
}

export interface NodeLink {
  /** `bytes` may be reused after the call. System records and settlements are never `full`. */
  send(
    type: number,
    kind: number,
    target: ActorRef,
    sender: ActorRef,
    correlation: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): SendOutcome;
  /** Valid until the next call. */
  encode(message: unknown): EncodedForNode;
  /** At the end of a turn, twice: what was sent in it leaves. */
  publish(): void;
  /** One-shot: called in a turn in which raw bytes of this kind are taken again, or when the node is lost. */
  whenWritable(node: number, kind: number, then: () => void): void;
}

const encoded = { kind: 0, bytes: new Uint8Array(0), start: 0, end: 0 };

/** MessagePack, as between threads: for nodes that run the same release. */
export function encodeAsBetweenThreads(message: unknown): EncodedForNode {
  const { bytes, start, end } = encodeMessage(message);
  return Object.assign(encoded, { bytes, start, end });
}

/** A node by itself. */
export const ALONE: NodeLink = {
  send: () => 'no_route',
  encode: encodeAsBetweenThreads,
  publish: () => {},
  whenWritable: (_node, _kind, then) => then(),
};
