/**
 * Access: what a client may publish and subscribe to, and who may not connect at all. One actor per reactor (well known) holds the rules that are known
 * beforehand and the bans; main's authorizer (well-known slot AUTHORIZER_SLOT there) has the sources that must be asked.
 */

import type { FlappingOptions } from './flapping.ts';

/** Its slot among the well-known actors of thread 0. */
export const AUTHORIZER_SLOT = 7;

export type Permission = 'allow' | 'deny';

/**
 * One rule. Who it is about: every list that is given must contain the client, absent lists are about everybody. What it is about: an absent `topics`
 * is every topic. The first rule that is about a client and what it wants to do decides.
 */
export interface Rule {
  readonly permission: Permission;
  readonly action: 'publish' | 'subscribe' | 'all';
  /** Topic filters; `%c`, `${clientid}`, `%u`, `${username}` stand for the client's own; `eq ` in front takes the rest literally. */
  readonly topics?: readonly string[];
  /** Client ids and user names; `*` stands for any characters. The user name '' is that of a client without one. */
  readonly clients?: readonly string[];
  readonly users?: readonly string[];
  /** Groups that the authentication has put the client into. */
  readonly groups?: readonly string[];
  /** IP addresses and CIDR blocks. */
  readonly addresses?: readonly string[];
  /** Names of the listeners that the client has come by. */
  readonly listeners?: readonly string[];
  /** Only for these QoS. */
  readonly qos?: readonly number[];
  /** Only for publishes that are retained (true) or not (false). */
  readonly retain?: boolean;
}

/** Whom rules and bans are about. */
export interface Identity {
  readonly clientId: string;
  /** '' for none. */
  readonly username: string;
  /** IP address without the port. */
  readonly address: string;
  readonly groups: readonly string[];
  /** Name of the listener that it has come by; '' when that does not matter. */
  readonly listener: string;
}

/** What a reactor knows of a built-in user, for SCRAM. */
export interface BuiltinUser {
  /** `SCRAM-SHA-256$iterations:salt$stored:server`. */
  readonly scram: string;
  readonly superuser: boolean;
  readonly groups: readonly string[];
}

/** Sources of rules that the reactors have, in memory. */
export type RuleBook = Readonly<Record<string, readonly Rule[]>>;

export interface Ban {
  readonly kind: 'client' | 'user' | 'address';
  /** Client id, user name, or IP address or CIDR block. */
  readonly value: string;
  /** Milliseconds since the epoch; null: until it is lifted. */
  readonly until: number | null;
  readonly reason: string;
}

/** To the access actor of a reactor, as asks: the answer says that it is in force there. */
export type AccessMessage =
  /** These rules replace those of their source. */
  | { readonly type: 'rules'; readonly source: string; readonly rules: readonly Rule[] }
  /** These bans replace all; clients whom they are about are disconnected. */
  | { readonly type: 'bans'; readonly bans: readonly Ban[] }
  /** A client that belongs to this reactor has connected, on whichever. */
  | { readonly type: 'connected'; readonly clientId: string }
  /** These users replace all. */
  | { readonly type: 'users'; readonly users: readonly (readonly [name: string, user: BuiltinUser])[] }
  /** These credentials of the SCRAM file, by user name, replace all. */
  | { readonly type: 'scram'; readonly users: readonly (readonly [name: string, credential: string])[] }
  /** How often a client may connect; null: nobody counts. */
  | { readonly type: 'flapping'; readonly options: FlappingOptions | null }
  /** Users or passwords have changed, so many times by now: no login that was right before is recognised any more. */
  | { readonly type: 'logins'; readonly changes: number }
  /** This user is another now; null: it is gone. */
  | { readonly type: 'user'; readonly name: string; readonly user: BuiltinUser | null };

/** The actor on main that bans who connects over and over; slot of thread 0. */
export const FLAPPING_SLOT = 8;

export interface FlappingMessage {
  readonly type: 'flapping';
  readonly clientId: string;
}

/** An ask to the authorizer: the rules of one source for one client; answered with `RulesReply`. */
export interface RulesRequest {
  readonly type: 'rules-of';
  readonly source: string;
  readonly identity: Identity;
}

/** `rules` is absent when the source failed. */
export interface RulesReply {
  readonly rules?: readonly Rule[];
}

/** An ask to the authorizer: may this client do this? Answered with `PermitReply`. */
export interface PermitRequest {
  readonly type: 'permit';
  readonly source: string;
  readonly identity: Identity;
  readonly action: 'publish' | 'subscribe';
  readonly topic: string;
  readonly qos: number;
  readonly retain: boolean;
}

/** `failed`: the source gave no answer that makes sense. */
export interface PermitReply {
  readonly verdict: Permission | 'ignore' | 'failed';
}

export type AuthorizerMessage = RulesRequest | PermitRequest;
