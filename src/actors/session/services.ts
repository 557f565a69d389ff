/** What sessions share instead of owning it. */
import type { ActorRef } from '../../runtime/ref.ts';
import type { ActorSystem } from '../../runtime/system.ts';
import type { AuthorizerMessage } from '../access/messages.ts';
import type { AccessPolicy } from '../access/policy.ts';
import type { EnhancedAuthenticator } from '../authenticator/enhanced.ts';
import type { KnownLogins } from '../authenticator/known-logins.ts';
import type { AuthenticateRequest } from '../authenticator/messages.ts';
import type { Events } from '../events/events.ts';
import type { ExclusiveClaims } from '../exclusive/claims.ts';
import type { HomesMessage } from '../homes/messages.ts';
import type { Emptying } from '../inbox/emptying.ts';
import type { Inboxes } from '../inbox/inboxes.ts';
import type { SharedReturns } from '../inbox/shared-returns.ts';
import type { Insight } from '../insight/insight.ts';
import type { Intake } from '../intake/intake.ts';
import type { Plugin } from '../plugin/hooks.ts';
import type { Claims } from '../registry/claims.ts';
import type { ReplayReads } from '../replay/reads.ts';
import type { Fences } from '../router/fences.ts';
import type { PressureGauge } from '../router/pressure.ts';
import type { Publisher } from '../router/publisher.ts';
import type { Router } from '../router/router.ts';
import type { ShareTable } from '../share/table.ts';
import type { BufferPool } from './buffer-pool.ts';
import type { InboundReader } from './inbound.ts';
import type { SessionLimits } from './limits.ts';
import type { FlushList } from './output.ts';
import type { PublishWriter } from './publish-writer.ts';
import type { ListenerRates } from './rates.ts';

/** Client ids of the node's own clients begin with it. */
export const OWN_CLIENTS = '$bridge/';

/** What the sessions of one listener have in common, beyond their limits. */
export interface ListenerProfile {
  readonly name: string;
  /** Name of the chain that authenticates its clients; '' is the node's. */
  readonly authChain: string;
  /** Prefix of every topic of its clients; '' is none. */
  readonly mountpoint: string;
}

/** What the sessions of one reactor share; `listener`, `limits`, `reader` and `writer` are those of the listener. */
export interface SessionServices {
  readonly system: ActorSystem;
  readonly listener: ListenerProfile;
  readonly router: Router;
  readonly publisher: Publisher;
  readonly fences: Fences;
  readonly shares: ShareTable;
  readonly limits: SessionLimits;
  readonly pool: BufferPool;
  readonly flushList: FlushList;
  readonly gauge: PressureGauge;
  readonly reader: InboundReader;
  /** Makes a reader that holds clients to other limits. */
  readonly newReader: (limits: SessionLimits) => InboundReader;
  readonly writer: PublishWriter;
  /** Null: the operator has none. */
  readonly plugin: Plugin | null;
  /** What this node is called in the way of a message over bridges; '' is nothing. */
  readonly nodeName: string;
  /** The node's own clients (bridges): they get no subscriptions that they have not asked for, and may have ids that others may not. */
  readonly isOwn?: boolean;
  /** What is done beyond the standard with what comes from clients. */
  readonly intake: Intake;
  readonly exclusive: ExclusiveClaims;
  readonly insight: Insight;
  /** Null: nobody is told what happens. */
  readonly events: Events | null;
  /** Sessions of this reactor that own their client id, or will when they have taken over from who had it before. */
  readonly sessions: Claims;
  /** Sessions of this reactor that others are being given. Until they have been, a registry that comes back has to know of them. */
  readonly handing: Claims;
  /** Methods of enhanced authentication, by name. */
  readonly enhanced: ReadonlyMap<string, EnhancedAuthenticator>;
  /** Who checks user names and passwords; undefined: anybody may connect. */
  readonly authenticator: ActorRef<AuthenticateRequest> | undefined;
  /** Logins that need not be asked about; null: each is. */
  readonly logins: KnownLogins | null;
  /** Where persistent sessions keep their messages; null: in memory, and a restart forgets them. */
  readonly inboxes: Inboxes | null;
  /** Gives what shared subscriptions have put into inboxes to other members; null as `inboxes` is. */
  readonly returns: SharedReturns | null;
  /** Does so with the inboxes of sessions that are over; null as `inboxes` is. */
  readonly emptying: Emptying | null;
  /** Where replays of declared topics are read; null: nothing is declared on this node. */
  readonly replays: ReplayReads | null;
  /** How fast the clients of the listener may be; null: as fast as they like. */
  readonly rates: ListenerRates | null;
  /** What clients may do, and who is banned. */
  readonly access: AccessPolicy;
  /** Whom to ask what the policy's rules do not say; undefined when all of them are in memory. */
  readonly authorizer: ActorRef<AuthorizerMessage> | undefined;
  /** The node is one of several: where its persistent sessions live is settled there. */
  readonly homes?: ActorRef<HomesMessage>;
  /** Why nobody is accepted, for CONNACK; absent: everybody may be. */
  readonly refusal?: number;
}
