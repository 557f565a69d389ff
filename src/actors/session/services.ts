/** What the sessions of one reactor share. */
import type { ActorRef } from '../../runtime/ref.ts';
import type { ActorSystem } from '../../runtime/system.ts';
import type { AuthenticateRequest } from '../authenticator/messages.ts';
import type { Fences } from '../router/fences.ts';
import type { PressureGauge } from '../router/pressure.ts';
import type { Publisher } from '../router/publisher.ts';
import type { Router } from '../router/router.ts';
import type { BufferPool } from './buffer-pool.ts';
import type { InboundReader } from './inbound.ts';
import type { SessionLimits } from './limits.ts';
import type { SessionMessage } from './messages.ts';
import type { FlushList } from './output.ts';
import type { PublishWriter } from './publish-writer.ts';

export interface OwningSession {
  readonly session: ActorRef<SessionMessage>;
  /** Number of its claim at the registry. */
  readonly claim: number;
}

export interface SessionServices {
  readonly system: ActorSystem;
  readonly router: Router;
  readonly publisher: Publisher;
  readonly fences: Fences;
  readonly limits: SessionLimits;
  readonly pool: BufferPool;
  readonly flushList: FlushList;
  readonly gauge: PressureGauge;
  readonly reader: InboundReader;
  readonly writer: PublishWriter;
  /** Sessions of this reactor that own their client id, by that. */
  readonly sessions: Map<string, OwningSession>;
  /** Who checks user names and passwords; undefined: anybody may connect. */
  readonly authenticator: ActorRef<AuthenticateRequest> | undefined;
}
