/** The clients of one reactor, as operators see and manage them. Every message is an ask. */
import type { SubscribeEntry } from '../../wire/mqtt/packets.ts';
import type { SubscriptionState } from '../session/messages.ts';

export interface ClientView {
  readonly clientId: string;
  readonly username: string;
  readonly address: string;
  readonly listener: string;
  readonly thread: number;
  readonly state: string;
  /** 3, 4 or 5; of the last connection. 0: it has not connected since the node was started. */
  readonly protocol: number;
  readonly keepAliveSeconds: number;
  readonly sessionExpirySeconds: number;
  /** Milliseconds since the epoch; 0 for none. */
  readonly connectedAt: number;
  readonly offlineSince: number;
  readonly subscriptionCount: number;
  readonly inFlight: number;
  readonly queued: number;
  readonly queuedBytes: number;
  /** Messages on disk that wait for it. */
  readonly inbox: number;
  /** QoS 2 messages that it has not released. */
  readonly awaitingRelease: number;
}

export interface ClientDetails extends ClientView {
  readonly subscriptions: readonly SubscriptionState[];
}

export type ClientsMessage =
  /** The smallest ids behind `after`, in order, that contain `like`. Answered by a `ClientIds`. */
  | { readonly type: 'ids'; readonly after: string; readonly limit: number; readonly like: string }
  /** Answered by a `ClientList`: those of them that are here. */
  | { readonly type: 'describe'; readonly clientIds: readonly string[] }
  /** Answered by a `ClientDetails`, or null when it is not here. */
  | { readonly type: 'show'; readonly clientId: string }
  /** Disconnects it, with its session if that is to be discarded. Answered by whether it is here. */
  | { readonly type: 'kick'; readonly clientId: string; readonly discard: boolean }
  /** On its behalf. Answered by the reason codes, or null. */
  | { readonly type: 'subscribe'; readonly clientId: string; readonly entries: readonly SubscribeEntry[] }
  | { readonly type: 'unsubscribe'; readonly clientId: string; readonly filters: readonly string[] };

export interface ClientIds {
  readonly clientIds: readonly string[];
  /** All that are here. */
  readonly total: number;
}

export interface ClientList {
  readonly clients: readonly ClientView[];
}
