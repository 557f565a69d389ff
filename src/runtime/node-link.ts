/** The hop to other nodes. The runtime only names it; the wire implements it. */
import type { ActorRef } from './ref.ts';

export interface NodeLink {
  /** False: no way to that node now; the runtime counts a dead letter `no_route`. `bytes` may be reused after the call. */
  send(
    type: number,
    kind: number,
    target: ActorRef,
    sender: ActorRef,
    correlation: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): boolean;
}

/** A node by itself. */
export const NO_ROUTE: NodeLink = { send: () => false };
