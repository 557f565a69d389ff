/**
 * Where the instances of one session actor come from. The first has the client's connection, or what was on disk when the node started. When it fails its supervisor restarts it in the same place, with the same
 * ref and mailbox: a persistent session then comes back from disk without its connection, any other one ends. One that fails again and again stays on disk and ends as well.
 */
import { SESSION_REVIVALS_MAX, SESSION_REVIVALS_MS } from '../../base/limits.ts';
import type { Actor, ActorContext } from '../../runtime/actor.ts';
import { SessionActor } from './actor.ts';
import type { SessionMessage } from './messages.ts';
import type { Orphan } from './orphan.ts';
import type { Restored } from './restorer.ts';
import type { SessionServices } from './services.ts';
import type { Transport } from './transport.ts';

/** Where a session that fails leaves what its next instance begins with. */
export interface Rebirth {
  /** Whether there is to be a next instance. */
  mayBegin(nowMs: number): boolean;
  leave(orphan: Orphan): void;
}

export class SessionSeed implements Rebirth {
  readonly #services: SessionServices;
  /** Makes the transport of the client's connection, when the session starts and not before. */
  #open: (() => Transport) | null;
  #restored: Restored | null;
  #orphan: Orphan | null = null;
  #isFirst = true;
  /** When it has failed of late. */
  #failures: number[] = [];

  constructor(services: SessionServices, open: (() => Transport) | null, restored: Restored | null = null) {
    this.#services = services;
    this.#open = open;
    this.#restored = restored;
  }

  make(): Actor<SessionMessage> {
    const open = this.#open;
    const restored = this.#restored;
    const orphan = this.#orphan;
    this.#open = null; // what it refers to must not stay as long as the session
    this.#restored = null;
    this.#orphan = null;
    if (orphan === null && !this.#isFirst) return ENDED;
    this.#isFirst = false;
    return new SessionActor(this.#services, open?.() ?? null, orphan ?? restored, this);
  }

  mayBegin(nowMs: number): boolean {
    this.#failures = this.#failures.filter((at) => at > nowMs - SESSION_REVIVALS_MS);
    this.#failures.push(nowMs);
    return this.#failures.length <= SESSION_REVIVALS_MAX;
  }

  leave(orphan: Orphan): void {
    this.#orphan = orphan;
  }
}

/** In place of a session that does not come back. */
const ENDED: Actor<SessionMessage> = {
  started(ctx: ActorContext<SessionMessage>): void {
    ctx.stop();
  },
  receive(): void {},
};
