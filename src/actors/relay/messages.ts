/**
 * The protocol between the relays of two nodes, one on reactor 1 of each: what the clients of a node want, and the publishes that follow from it.
 *
 *     A                                                       B
 *     | <-- interest.* (router/messages.ts): filters of B's clients   every change once, in numbered deltas
 *     | --- RELAY_RUNS: life, seq, runs ------------------------> |   what a turn has for B
 *     | <-- relay.ack seq --------------------------------------- |   all of it is delivered, and on disk where a session lasts
 *
 * What is not acknowledged is sent again when the link is back; a `seq` that was taken before is not taken twice. Interest and acknowledgements are objects, runs are raw bytes of the wire's data class.
 */
import { type ActorRef, wellKnownRef } from '../../runtime/ref.ts';
import { DOOR_THREAD } from '../../wire/wire.ts';
import type { InterestMessage } from '../router/messages.ts';
import type { SessionMessage } from '../session/messages.ts';
import { WELL_KNOWN } from '../well-known.ts';

/** Kind of raw bytes. */
export const RELAY_RUNS = 1;

export interface RelayAck {
  readonly type: 'relay.ack';
  readonly from: number;
  /** Of the node that sent the runs. */
  readonly life: number;
  readonly seq: number;
}

/** "I am there": makes the link, and is answered by nothing. With another `life` than before: what was sent to me until now is lost. */
export interface RelayHello {
  readonly type: 'relay.hello';
  readonly from: number;
  readonly life: number;
}

/** Clients that have connected to the sender, with the time of each by client-clock.ts. */
export interface RelayClients {
  readonly type: 'relay.clients';
  readonly from: number;
  readonly clientIds: readonly string[];
  readonly times: readonly number[];
}

/** From the new home of a session: put this fence into your streams to `nodes`, as soon as you know that the sender wants all of these filters. See fences.ts. */
export interface RelayFence {
  readonly type: 'relay.fence';
  readonly from: number;
  readonly name: string;
  readonly nodes: readonly number[];
  readonly filters: readonly string[];
}

/** With events of the node itself. In `interest.*` between nodes, `from` is the node. */
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
