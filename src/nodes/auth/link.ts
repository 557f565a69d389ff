/** A link of an authentication chain: somebody who is asked whether a client may connect. */
import type { Rule } from '../../actors/access/messages.ts';
import type { ConnectionInfo } from '../../actors/session/connection.ts';
import type { AUTH_LINKS } from '../config/auth-schema.ts';

export type LinkName = (typeof AUTH_LINKS)[number];

export interface Credentials {
  readonly clientId: string;
  readonly username?: string;
  readonly password?: Uint8Array;
  readonly connection: ConnectionInfo;
}

/** What a link that allows says of the client. */
export interface Grant {
  /** The user that it is, if that is not the user name that it gave. */
  readonly username?: string;
  readonly groups?: readonly string[];
  readonly superuser?: boolean;
  readonly rules?: readonly Rule[];
  /** Milliseconds since the epoch. */
  readonly expiresAt?: number;
}

export type Decision =
  | { readonly verdict: 'allow'; readonly grant: Grant }
  | { readonly verdict: 'deny' }
  /** Not for this link to say: the next one is asked. */
  | { readonly verdict: 'ignore' }
  /** Too much waits already: the client may try again. */
  | { readonly verdict: 'overloaded' };

export interface AuthLink {
  readonly name: LinkName;
  /** `signal` is made when it is asked for, and aborted when nobody waits any more. Rejects when it cannot tell: its back end failed, or talks nonsense. No error of it may hold a password. */
  authenticate(credentials: Credentials, signal: () => AbortSignal): Promise<Decision>;
}

export const ALLOW: Decision = { verdict: 'allow', grant: {} };
export const DENY: Decision = { verdict: 'deny' };
export const IGNORE: Decision = { verdict: 'ignore' };
export const OVERLOADED: Decision = { verdict: 'overloaded' };
