/**
 * Clients as operators see and manage them. Whoever asks asks one reactor of each node, the one that every node has, and that one asks the others of its node. Every message is an ask.
 *
 *   main of a node ── ClientsPage, ClientAct ──▶ reactor 1 of each node ── page, show, kick, … ──▶ all reactors of that node
 */
import { type ActorRef, wellKnownRef } from '../../runtime/ref.ts';
import type { SubscribeEntry } from '../../wire/mqtt/packets.ts';
import type { ClientAct, ClientSummary, ClientsPage } from '../../wire/schema-types.ts';
import { DOOR_THREAD } from '../../wire/wire.ts';
import type { SubscriptionState } from '../session/messages.ts';
import { WELL_KNOWN } from '../well-known.ts';

export type ClientView = ClientSummary;

export interface ClientDetails extends ClientView {
  readonly subscriptions: readonly SubscriptionState[];
}

/** Answered by a `ClientDetails`, or null when it is not here. */
export interface ShowClient {
  readonly type: 'show';
  readonly clientId: string;
}

/** Disconnects it, with its session if that is to be discarded. Answered by whether it is here. */
export interface KickClient {
  readonly type: 'kick';
  readonly clientId: string;
  readonly discard: boolean;
}

/** On its behalf. Answered by the reason codes, or null. */
export type ChangeClient =
  | { readonly type: 'subscribe'; readonly clientId: string; readonly entries: readonly SubscribeEntry[] }
  | { readonly type: 'unsubscribe'; readonly clientId: string; readonly filters: readonly string[] };

export type ClientRequest = ShowClient | KickClient | ChangeClient;

export interface PageRequest {
  readonly after: string;
  readonly limit: number;
  readonly like: string;
}

export type ClientsMessage =
  /** Of this reactor: the clients with the smallest ids behind `after`, in order, that contain `like`. Answered by a `ClientList`. */
  | ({ readonly type: 'page' } & PageRequest)
  | ClientRequest
  /** Of this node, to its first reactor. */
  | ClientsPage
  | ClientAct;

export interface ClientList {
  readonly clients: readonly ClientView[];
  /** All that are here. */
  readonly total: number;
}

export function clientsRef(node: number, thread: number = DOOR_THREAD): ActorRef<ClientsMessage> {
  return wellKnownRef<ClientsMessage>(node, thread, WELL_KNOWN.clients);
}
