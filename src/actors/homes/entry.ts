/**
 * What the metadata knows of a persistent session, under its client id in the `data` groups: where its home is, and the record that its home keeps of it as well. MessagePack, with a version in front.
 *
 * A session has a life: one that begins anew under the same client id is another. With each move its epoch grows. So a node that comes back with a session on its disk can tell whether that is still the session, an earlier
 * stage of it, or one that is over.
 */
import { pack } from 'msgpackr';
import { decodeSession, type SessionRecord } from '../session/record.ts';
import { read } from './notes.ts';

export interface Identity {
  readonly life: string;
  readonly epoch: number;
  /** By which it has come to its last homes with all that the one before had, newest last, at most HOMES_MOVES_KEPT. */
  readonly moves: readonly string[];
}

export interface HomeEntry extends Identity {
  /** The node that has the session. */
  readonly home: number;
  /** Of session/record.ts. */
  readonly record: Uint8Array;
  /** Its will has been published without its home, which was taken for dead (undertaker.ts); until a client is there again. */
  readonly isMourned?: boolean | undefined;
}

export function encodeEntry(entry: HomeEntry): Uint8Array {
  return pack({ version: 1, ...entry });
}

/** Undefined: an entry that this version cannot read. */
export function decodeEntry(value: Uint8Array): HomeEntry | undefined {
  const entry = read(value) as (HomeEntry & { readonly version?: number }) | undefined;
  if (entry?.version !== 1) return undefined;
  const { home, life, epoch, record, moves, isMourned } = entry;
  return { home, life, epoch, record, moves: moves ?? [], ...(isMourned === true ? { isMourned } : {}) };
}

/** Of what the directory has found; undefined as well when it has none. */
export function entryIn(found: { readonly value: Uint8Array | undefined } | undefined): HomeEntry | undefined {
  return found?.value === undefined ? undefined : decodeEntry(found.value);
}

export function recordOf({ record }: HomeEntry): SessionRecord | undefined {
  return read(record) === undefined ? undefined : decodeSession(record);
}

/** Whether nobody may go on with the session any more. Of one whose home died with the client online nobody knows since when it has been alone. */
export function hasExpired({ expirySeconds, offlineSince }: SessionRecord, wallMs: number, never: number): boolean {
  return expirySeconds !== never && offlineSince > 0 && wallMs >= offlineSince + expirySeconds * 1000;
}
