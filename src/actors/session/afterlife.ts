/**
 * What is left to do when a session's connection is over: its will is published, at once or after its delay, and the session expires. The will comes first
 * or with the end of the session, whichever is earlier [MQTT-3.1.2-8]; a client that comes back in time gets neither.
 */
import { WILL_RETRY_MS } from '../../base/limits.ts';
import type { ActorContext } from '../../runtime/actor.ts';
import { SESSION_EXPIRY_NEVER } from '../../wire/mqtt/constants.ts';
import type { Will } from '../../wire/mqtt/packets.ts';
import type { WillVerdict } from '../homes/messages.ts';
import type { Who } from '../intake/template.ts';
import type { SessionMessage } from './messages.ts';
import type { SessionServices } from './services.ts';
import { willRun } from './will.ts';

/** Longest that one timer runs, milliseconds; what is longer is waited for in steps. */
const TIMER_STEP_MS_MAX = 3_600_000;

export class Afterlife {
  /** Null when there is none, or it has been published or waived. */
  will: Will | null = null;
  /** Whose it is. */
  identity: Who | null = null;
  /** Of a session that other nodes may speak for: asks whether its will is its own to publish. Null: it is. */
  askForWill: ((then: (verdict: WillVerdict) => void) => void) | null = null;
  #isAsking = false;
  readonly #services: SessionServices;
  #willDueAt = Number.POSITIVE_INFINITY;
  #expiresAt = Number.POSITIVE_INFINITY;

  constructor(services: SessionServices) {
    this.#services = services;
  }

  /** The connection has been over for `sinceMs` and the session goes on for `expirySeconds`. Returns as `advance`. */
  begin(ctx: ActorContext<SessionMessage>, expirySeconds: number, timerKey: number, sinceMs = 0): boolean {
    const now = ctx.now() - sinceMs;
    this.#expiresAt = expirySeconds === SESSION_EXPIRY_NEVER ? Number.POSITIVE_INFINITY : now + expirySeconds * 1000;
    this.#willDueAt = now + (this.will?.delaySeconds ?? 0) * 1000;
    return this.advance(ctx, timerKey);
  }

  /** Does what is due and sets the timer for what comes next. Returns true when the session has expired. */
  advance(ctx: ActorContext<SessionMessage>, timerKey: number): boolean {
    const now = ctx.now();
    const expired = now >= this.#expiresAt;
    if (this.will !== null && (expired || now >= this.#willDueAt)) {
      if (this.askForWill === null) this.publishWill();
      else {
        this.#ask(this.askForWill, this.will, ctx, timerKey);
        return false;
      }
    }
    if (expired) return true;
    const nextAt = this.will === null ? this.#expiresAt : Math.min(this.#willDueAt, this.#expiresAt);
    if (nextAt < Number.POSITIVE_INFINITY) ctx.startTimer(Math.min(nextAt - now, TIMER_STEP_MS_MAX), timerKey);
    return false;
  }

  /** The session goes on until there is an answer. */
  #ask(ask: NonNullable<Afterlife['askForWill']>, will: Will, ctx: ActorContext<SessionMessage>, timerKey: number): void {
    if (this.#isAsking) return;
    this.#isAsking = true;
    ask((verdict) => {
      this.#isAsking = false;
      // The client has come back.
      if (this.will !== will) return;
      if (verdict === 'publish') this.publishWill();
      else if (verdict === 'done') this.will = null;
      ctx.startTimer(verdict === 'later' ? WILL_RETRY_MS : 0, timerKey);
    });
  }

  publishWill(): void {
    const will = this.will;
    this.will = null;
    if (will === null) return;
    const { router, intake, system } = this.#services;
    const run = willRun(will, router.topics, system.wallClock());
    if (run !== undefined) intake.publishFor({ identity: this.identity, rewrites: null }, run);
  }
}
