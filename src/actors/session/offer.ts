/** What of the protocol this server offers to clients: an operator may switch parts off, and 5.0 clients are told by CONNACK. */
import type { Qos } from '../../wire/mqtt/constants.ts';
import type { Reason } from '../../wire/mqtt/reason-codes.ts';

export interface Offer {
  /** Of PUBLISH packets and wills; subscriptions are granted no more. */
  readonly qosMax: Qos;
  readonly retain: boolean;
  readonly wildcards: boolean;
  readonly shared: boolean;
  readonly subscriptionIds: boolean;
  /** A client may leave its id to the server. */
  readonly emptyClientIds: boolean;
  readonly clientIdBytesMax: number;
  /** Overlapping subscriptions of a client: one copy of a message with all identifiers, or one for each. */
  readonly overlap: 'merge' | 'separate';
  /** Payloads that claim to be text are looked at. */
  readonly payloadFormatCheck: boolean;
  /** Topic aliases that the server sets towards a client that takes them. */
  readonly topicAliasOutMax: number;
  /** Response information for clients that ask for it, `%c` stands for the client id; empty for none. */
  readonly responseInformation: string;
  /** Sends every client elsewhere; null for none. */
  readonly redirect: Redirect | null;
  /** Retained messages of this reactor. */
  readonly retainedMessagesMax: number;
  readonly retainedBytesMax: number;
}

export interface Redirect {
  readonly reason: typeof Reason.USE_ANOTHER_SERVER | typeof Reason.SERVER_MOVED;
  readonly reference: string;
}

/** Everything. */
export const FULL_OFFER: Offer = {
  qosMax: 2,
  retain: true,
  wildcards: true,
  shared: true,
  subscriptionIds: true,
  emptyClientIds: true,
  clientIdBytesMax: 65_535,
  overlap: 'merge',
  payloadFormatCheck: true,
  topicAliasOutMax: 32,
  responseInformation: '',
  redirect: null,
  retainedMessagesMax: Number.MAX_SAFE_INTEGER,
  retainedBytesMax: Number.MAX_SAFE_INTEGER,
};
