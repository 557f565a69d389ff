/**
 * One CONNECT on its way to an answer: its client is authenticated, what it may do is found out, its client id claimed, and what the former owner of that id
 * holds is taken over. The steps are in claim.ts and permission.ts; this is their order, and what the session hears of it. Lives until the session is admitted or has ended.
 */
import { HOMES_SETTLE_MS_MAX } from '../../base/limits.ts';
import type { ActorContext } from '../../runtime/actor.ts';
import { formatRef } from '../../runtime/ref.ts';
import type { ConnectPacket } from '../../wire/mqtt/packets.ts';
import { Reason } from '../../wire/mqtt/reason-codes.ts';
import type { AuthenticateReply } from '../authenticator/messages.ts';
import type { HomesMessage, Settled } from '../homes/messages.ts';
import type { Granted } from '../registry/messages.ts';
import { authenticate, claim, type HeirSink, takeOver } from './claim.ts';
import type { ConnectionInfo } from './connection.ts';
import type { Terms } from './handshake.ts';
import type { SessionMessage, SessionState } from './messages.ts';
import { permit, welcome } from './permission.ts';
import { OWN_CLIENTS, type SessionServices } from './services.ts';
import type { Standing } from './standing.ts';
import { IO_CONTINUE } from './transport.ts';

type Context = ActorContext<SessionMessage>;

/** What is left of the session that had the client id. */
export interface Former {
  /** To go on with; null: the session begins. */
  readonly state: SessionState | null;
  /** The one that has ended has left its record, for the new owner of the client id to get rid of. */
  readonly hasRecord: boolean;
  /** So is this inbox. */
  readonly discarded: number | undefined;
}

/** The session that wants to be admitted. */
export interface Applicant extends HeirSink {
  /** The client may come in: from here on the session goes by its client id. False when the client has left meanwhile. */
  authenticated(connect: ConnectPacket, terms: Terms, standing: Standing): boolean;
  /** The client id is the session's, by that claim; whoever had it before has yet to give it. */
  own(claim: number): void;
  /** The client is banned, now that it is in. */
  expelled(): void;
  /** The client id is the session's, with the state of the session that had it, if there was one. */
  admitted(connect: ConnectPacket, terms: Terms, former: Former): void;
  refused(reason: number): void;
}

export class Admission {
  readonly #services: SessionServices;
  readonly #ctx: Context;
  readonly #applicant: Applicant;
  readonly #connect: ConnectPacket;
  readonly #terms: Terms;
  /** Gives up what is being taken over from another thread. */
  #abandon: (() => void) | null = null;

  constructor(services: SessionServices, ctx: Context, applicant: Applicant, connect: ConnectPacket, terms: Terms) {
    this.#services = services;
    this.#ctx = ctx;
    this.#applicant = applicant;
    this.#connect = connect;
    this.#terms = terms;
  }

  begin(connection: ConnectionInfo): void {
    authenticate(this.#services, this.#ctx, this.#connect, connection, (reason, proof) => {
      if (reason !== Reason.SUCCESS) this.#applicant.refused(reason);
      else this.identified(connection, proof);
    });
  }

  /** It is known who the client is; `proof` says so. */
  identified(connection: ConnectionInfo, proof: AuthenticateReply | undefined): void {
    const who = { clientId: this.#terms.clientId, connection, proof };
    const onExpel = (): void => this.#ctx.io(IO_CONTINUE, () => this.#applicant.expelled());
    permit(this.#services, this.#ctx, this.#connect, who, onExpel, (standing, reason) => {
      if (standing === undefined) return this.#applicant.refused(reason);
      welcome(this.#services, this.#ctx, this.#connect, standing, (isWelcome) => {
        if (!isWelcome) this.#applicant.refused(Reason.NOT_AUTHORIZED);
        else
          this.#whenKnown(() =>
            this.#settle(() => this.#applicant.authenticated(this.#connect, this.#terms, standing) && this.#claim()),
          );
      });
    });
  }

  /** A reactor that has just come back learns first what shared subscriptions the others have, or its clients' messages would miss them. */
  #whenKnown(then: () => void): void {
    const { shares } = this.#services;
    if (shares.isKnown) then();
    else shares.whenKnown(() => this.#ctx.io(IO_CONTINUE, then));
  }

  /** In a cluster the session, if there is one, comes here first. */
  #settle(then: () => void): void {
    const { homes } = this.#services;
    const { clientId, sessionExpirySeconds } = this.#terms;
    if (homes === undefined || clientId.startsWith(OWN_CLIENTS)) return then();
    const isClean = this.#connect.cleanStart;
    const request: HomesMessage = { type: 'settle', clientId, isClean, isLasting: !isClean || sessionExpirySeconds > 0 };
    this.#ctx.ask<HomesMessage, Settled>(homes, request, HOMES_SETTLE_MS_MAX, (settled) => {
      if (settled === 'here') then();
      else this.#applicant.refused(Reason.SERVER_UNAVAILABLE);
    });
  }

  /** The session ends before it was admitted. */
  abandon(): void {
    this.#abandon?.();
  }

  #claim(): void {
    claim(this.#services, this.#ctx, this.#terms.clientId, (granted) => {
      if (granted === undefined) this.#applicant.refused(Reason.SERVER_UNAVAILABLE);
      else this.#takeOver(granted);
    });
  }

  #takeOver(granted: Granted): void {
    const { clientId } = this.#terms;
    this.#applicant.own(granted.claim);
    const from = { clientId, previous: granted.previous, discard: this.#connect.cleanStart };
    this.#abandon = takeOver(this.#services, this.#ctx, this.#applicant, from, (state, left) => {
      const former = { hasRecord: left?.shard !== undefined, discarded: left?.isEmptying === true ? undefined : left?.shard };
      if (state === undefined) this.#applicant.refused(Reason.SERVER_UNAVAILABLE);
      else this.#applicant.admitted(this.#connect, this.#terms, { state, ...former });
    });
  }
}

/** An id that no other session has and that cannot be guessed from those of others. */
export function newClientId(ctx: Context): string {
  const random = Math.floor(ctx.random() * 2 ** 32).toString(36);
  return `sluice-${formatRef(ctx.self).replaceAll('.', '-')}-${random}`;
}
