/**
 * The authenticator: one actor on the main thread (well-known slot AUTHENTICATOR_SLOT there, on no other thread) that checks user names and
 * passwords for the sessions of all reactors. It is there only when the configuration asks for authentication.
 */
import type { Rule } from '../access/messages.ts';
import type { ConnectionInfo } from '../session/connection.ts';

/** Its slot among the well-known actors of thread 0. */
export const AUTHENTICATOR_SLOT = 6;

/** An ask; the answer is an `AuthenticateReply`. */
export interface AuthenticateRequest {
  readonly type: 'authenticate';
  /** Undefined when CONNECT has none; likewise the password. */
  readonly username?: string;
  readonly password?: Uint8Array;
  readonly clientId: string;
  /** Where the client comes from; with the listener, its chain, and what its certificate says. */
  readonly connection: ConnectionInfo;
}

export interface AuthenticateReply {
  readonly ok: boolean;
  /** Follows from the chain, the user name and the password alone: the same may be let in again without an ask, as long as users have changed no more often than this. Absent otherwise. */
  readonly memorable?: number;
  /** Too many checks wait already: the client may try again. Absent otherwise. */
  readonly overloaded?: true;
  /** Whom to ask gave no answer: the client may try again later. Absent otherwise. */
  readonly unavailable?: true;
  /** The user that it is, when that is not the user name of its CONNECT. */
  readonly username?: string;
  /** Groups that it belongs to. */
  readonly groups?: readonly string[];
  /** No rule is asked about what it does. */
  readonly superuser?: boolean;
  /** Rules that come with its credentials. */
  readonly rules?: readonly Rule[];
  /** When its credentials end, milliseconds since the epoch. */
  readonly expiresAt?: number;
}
