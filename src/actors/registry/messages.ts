/** The registry's protocol. A client id has one owner in the system: the session that claimed it last. */
import type { ActorRef } from '../../runtime/ref.ts';
import type { SessionMessage } from '../session/messages.ts';

export type RegistryMessage =
  /** Ask; answered with `Granted`. The claimer owns the id from then on and gets the session from `previous`, if there is one. */
  | { readonly type: 'claim'; readonly clientId: string; readonly session: ActorRef<SessionMessage> }
  /** The session has ended. Without effect when the id has a newer owner. */
  | { readonly type: 'release'; readonly clientId: string; readonly session: ActorRef<SessionMessage> }
  /** A session that lives makes itself known to a registry that came back empty. */
  | { readonly type: 'announce'; readonly clientId: string; readonly session: ActorRef<SessionMessage> };

export interface Granted {
  /** NOBODY when the id was free. */
  readonly previous: ActorRef<SessionMessage>;
}
