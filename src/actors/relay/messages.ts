/**
 * The protocol between the relays of two nodes, one on reactor 1 of each: what the clients of a node want, and the publishes that follow from it.
 *
 *     A                                                       B
 *     | <-- Interest… (router/messages.ts): filters of B's clients   every change once, in numbered deltas
 *     | --- RELAY_RUNS: life, seq, runs ------------------------> |   what a turn has for B
 *     | <-- RelayAck seq ---------------------------------------- |   all of it is delivered, and on disk where a session lasts
 *
 * What is not acknowledged is sent again when the link is back; a `seq` that was taken before is not taken twice. Interest and acknowledgements have schemas (wire/schemas), runs are raw bytes of the wire's data class.
 * `RelayClients` tells of clients that have connected (client-clock.ts), `RelayFence` asks for a fence in the streams (fences.ts).
 */
import { type ActorRef, wellKnownRef } from '../../runtime/ref.ts';
import type { RelayAck, RelayClients, RelayFence, RelayHello } from '../../wire/schema-types.ts';
import { DOOR_THREAD } from '../../wire/wire.ts';
import type { InterestMessage } from '../router/messages.ts';
import type { SessionMessage } from '../session/messages.ts';
import { WELL_KNOWN } from '../well-known.ts';

/** Kind of raw bytes. */
export const RELAY_RUNS = 1;

/** With events of the node itself. In `Interest…` between nodes, `from` is the node. */
export type RelayMessage =
  | InterestMessage
  | RelayAck
  | RelayHello
  | RelayClients
  | RelayFence
  /** From a registry of this node: a client has connected. */
  | { readonly type: 'connected'; readonly clientId: string }
  /** From the same, behind that: a client of this id has connected to another node, and this session owns the id here. */
  | {
      readonly type: 'owned';
      readonly clientId: string;
      readonly session: ActorRef<SessionMessage>;
      readonly node: number;
      readonly time: number;
    }
  | { readonly type: 'flush' }
  | { readonly type: 'node'; readonly node: number; readonly state: 'up' | 'down' };

export function relayRef(node: number): ActorRef<RelayMessage> {
  return wellKnownRef<RelayMessage>(node, DOOR_THREAD, WELL_KNOWN.relay);
}
