/** The registry's protocol. A client id has one owner in the system: the session that claimed it last. */
import type { ActorRef } from '../../runtime/ref.ts';
import type { SessionMessage } from '../session/messages.ts';

export type RegistryMessage =
  /** Ask; answered with `Granted`. The claimer owns the id from then on and gets the session from `previous`, if there is one. */
  | {
      readonly type: 'claim';
      readonly clientId: string;
      readonly session: ActorRef<SessionMessage>;
      /** By a session that is made again from disk: it does not wait for itself. */
      readonly restored?: true;
    }
  /** Ask, by a claimer that found `gone` dead; answered with `Granted` anew: with the one before it, which `gone` had not taken over. */
  | {
      readonly type: 'skip';
      readonly clientId: string;
      readonly session: ActorRef<SessionMessage>;
      readonly gone: ActorRef<SessionMessage>;
    }
  /** Ask; answered with `Owner`. Claims nothing. */
  | { readonly type: 'find'; readonly clientId: string }
  /** The session has ended, as owner or after another. */
  | { readonly type: 'release'; readonly clientId: string; readonly session: ActorRef<SessionMessage> }
  /** A session that lives makes itself known to a registry that came back empty. */
  | { readonly type: 'announce'; readonly clientId: string; readonly session: ActorRef<SessionMessage>; readonly claim: number }
  /** That were all sessions of the reactor. */
  | { readonly type: 'announced'; readonly thread: number }
  /** The persistent ones of these sessions, which lived on `thread` before it died, are there again. */
  | { readonly type: 'restored'; readonly thread: number; readonly clientIds: readonly string[] }
  /** From the relay: a client of this id has connected to another node at `time`. Who owns the id here is told to it as `owned`. */
  | { readonly type: 'elsewhere'; readonly clientId: string; readonly node: number; readonly time: number }
  /** From the runtime: a reactor has died. Behind the claims of its sessions that are in the mailbox. */
  | { readonly type: 'down'; readonly thread: number };

export interface Owner {
  /** NOBODY when nobody owns the id. */
  readonly session: ActorRef<SessionMessage>;
}

export interface Granted {
  /** NOBODY when the id was free. */
  readonly previous: ActorRef<SessionMessage>;
  /** Number of the claim, to be announced with. */
  readonly claim: number;
}
