/**
 * What the metadata keeps of a persistent session, under its client id: enough to make it again after a restart. Its messages and how far its client is with them are in
 * its inbox. MessagePack, with a version in front.
 */
import { pack, unpack } from 'msgpackr';
import type { Will } from '../../wire/mqtt/packets.ts';
import { KEYS } from '../metadata/messages.ts';
import type { ReplayState } from '../replay/machine.ts';
import type { SubscriptionState } from './messages.ts';

export interface SessionRecord {
  readonly version: 1;
  readonly clientId: string;
  /** Its inbox. */
  readonly shard: number;
  /** Seconds that it outlives a connection; SESSION_EXPIRY_NEVER for ever. */
  readonly expirySeconds: number;
  /** Wall clock in milliseconds at which its connection ended; 0 while there is one. */
  readonly offlineSince: number;
  /** Still to be published, if the client does not come back in time. */
  readonly will: Will | null;
  /** Shared ones with their prefix. */
  readonly subscriptions: readonly SubscriptionState[];
  /** Of its inbox, see InboxState. */
  readonly idShift?: number;
  readonly unsureTo?: number;
  /** Those that replay declared topics, and how far they are. */
  readonly replays?: readonly ReplayState[];
}

export function sessionKey(clientId: string): string {
  return KEYS.session + clientId;
}

/** What a record says of the packet ids of its inbox; nothing where there is nothing to say, as for most. */
export function idsOf({
  idShift,
  unsureTo,
}: Required<Pick<SessionRecord, 'idShift' | 'unsureTo'>>): Pick<SessionRecord, 'idShift' | 'unsureTo'> {
  return { ...(idShift === 0 ? {} : { idShift }), ...(unsureTo === 0 ? {} : { unsureTo }) };
}

export function encodeSession(record: SessionRecord): Uint8Array {
  return pack(record);
}

/** Undefined: a record that this version cannot read. */
export function decodeSession(value: Uint8Array): SessionRecord | undefined {
  const record = unpack(value) as SessionRecord;
  return record.version === 1 ? record : undefined;
}
