/**
 * The authenticator: one actor on the main thread (well-known slot AUTHENTICATOR_SLOT there, on no other thread) that checks user names and
 * passwords for the sessions of all reactors. It is there only when the configuration names a file of users.
 */
import type { ConnectionInfo } from '../session/connection.ts';

/** Its slot among the well-known actors of thread 0. */
export const AUTHENTICATOR_SLOT = 6;

/** An ask; the answer is an `AuthenticateReply`. */
export interface AuthenticateRequest {
  readonly type: 'authenticate';
  readonly username: string;
  readonly password: Uint8Array;
  readonly clientId: string;
  /** Where the client comes from; with the listener, its chain, and what its certificate says. */
  readonly connection: ConnectionInfo;
}

export interface AuthenticateReply {
  readonly ok: boolean;
  /** Too many checks wait already: the client may try again. Absent otherwise. */
  readonly overloaded?: true;
}
