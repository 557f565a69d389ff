/**
 * From an acceptable CONNECT to a session: check the password, claim the client id, take over what its former owner holds.
 *
 *   new session ──authenticate──▶ authenticator (main)
 *   new session ──claim─────────▶ registry (by hash of the client id) ──▶ the former owner's ref
 *   new session ──surrender─────▶ former owner: disconnects its client, and
 *        same thread:     gives its estate, moved in one step between two messages
 *        another thread:  names its subscriptions; once ours are in place on every reactor we ask it to `yield` the rest. See handover.ts on how what is
 *                         published meanwhile comes exactly once.
 *
 * Each step is an ask with a deadline. A former owner that is dead is passed over; of one that is only slow nobody knows more, so the client is refused and may try again.
 */
import { CONNECT_STEP_TIMEOUT_MS, SURRENDER_TIMEOUT_MS, TAKEOVER_TIMEOUT_MS } from '../../base/limits.ts';
import type { ActorContext } from '../../runtime/actor.ts';
import { placeKey } from '../../runtime/placement.ts';
import { type ActorRef, NOBODY, wellKnownRef } from '../../runtime/ref.ts';
import type { ConnectPacket } from '../../wire/mqtt/packets.ts';
import { Reason } from '../../wire/mqtt/reason-codes.ts';
import type { AuthenticateReply, AuthenticateRequest } from '../authenticator/messages.ts';
import type { Granted, RegistryMessage } from '../registry/messages.ts';
import type { Sink } from '../router/sink.ts';
import { WELL_KNOWN } from '../well-known.ts';
import type { ConnectionInfo } from './connection.ts';
import { Inheritance } from './handover.ts';
import type { SessionMessage, SessionState, SubscriptionState, Surrendered } from './messages.ts';
import { SESSION_PROBE } from './probe.ts';
import type { SessionServices } from './services.ts';
import { IO_CONTINUE } from './transport.ts';

type Context = ActorContext<SessionMessage>;

/** Calls `then` with the reason code for CONNACK and, when somebody has vouched for the client, with what that said. */
export function authenticate(
  services: SessionServices,
  ctx: Context,
  connect: ConnectPacket,
  connection: ConnectionInfo,
  then: (reason: number, proof: AuthenticateReply | undefined) => void,
): void {
  const { authenticator } = services;
  const identity = connection.tls?.username;
  if (identity) return then(Reason.SUCCESS, { ok: true, username: identity }); // a certificate has said who it is
  // Without passwords anybody may come in, unless there is another way to show who one is.
  if (authenticator === undefined) return then(services.enhanced.size === 0 ? Reason.SUCCESS : Reason.NOT_AUTHORIZED, undefined);
  const request: AuthenticateRequest = {
    type: 'authenticate',
    clientId: connect.clientId,
    connection,
    ...(connect.username === undefined ? {} : { username: connect.username }),
    ...(connect.password === undefined ? {} : { password: connect.password }),
  };
  const { logins } = services;
  const known = logins?.recall(request, ctx.now());
  if (known !== undefined) {
    services.system.slots[SESSION_PROBE.slot.recognised]! += 1;
    return then(Reason.SUCCESS, known);
  }
  ctx.ask<AuthenticateRequest, AuthenticateReply>(authenticator, request, CONNECT_STEP_TIMEOUT_MS, (reply) => {
    if (reply?.memorable !== undefined) logins?.remember(request, reply, ctx.now());
    if (reply === undefined || reply.unavailable === true) then(Reason.SERVER_UNAVAILABLE, undefined);
    else if (reply.ok) then(Reason.SUCCESS, reply);
    else then(reply.overloaded ? Reason.SERVER_BUSY : Reason.BAD_USER_NAME_OR_PASSWORD, undefined);
  });
}

/** Who takes a session over. */
export interface HeirSink extends Sink {
  /** Messages for this inbox may come from now on; its former owner, on another thread, is still at it. */
  inherits(shard: number): void;
}

/** The registry that a client id belongs to. */
export function registryOf(services: SessionServices, clientId: string): ActorRef<RegistryMessage> {
  const { node, reactors } = services.system;
  return wellKnownRef<RegistryMessage>(node, placeKey(clientId, reactors), WELL_KNOWN.registry);
}

/** Calls `then` with the registry's answer, undefined when there was none. */
export function claim(
  services: SessionServices,
  ctx: Context,
  clientId: string,
  then: (granted: Granted | undefined) => void,
  restored = false,
): void {
  const request: RegistryMessage = { type: 'claim', clientId, session: ctx.self, ...(restored ? { restored } : {}) };
  ctx.ask<RegistryMessage, Granted>(registryOf(services, clientId), request, CONNECT_STEP_TIMEOUT_MS, (granted) => then(granted));
}

interface Former {
  readonly clientId: string;
  readonly previous: ActorRef<SessionMessage>;
  readonly discard: boolean;
  /** Of its will somebody else takes care. */
  readonly isMourned?: boolean;
}

/** What a session that has ended leaves. */
type Left = Extract<Surrendered, { kind: 'nothing' }>;

/**
 * Calls `then` with the state of the former owner, or null when there is none to go on with, or undefined when nobody can tell whether there is. With a state,
 * `heir` has the subscriptions. Returns how to give up in between.
 */
export function takeOver(
  services: SessionServices,
  ctx: Context,
  heir: HeirSink,
  { clientId, previous, discard, isMourned }: Former,
  then: (state: SessionState | null | undefined, left?: Left) => void,
): () => void {
  let inheritance: Inheritance | null = null;
  const inherit = (former: ActorRef<SessionMessage>, subscriptions: readonly SubscriptionState[]): void => {
    const inherited = new Inheritance(services, heir, ctx.self, subscriptions);
    inheritance = inherited;
    const settle = (state: SessionState | null | undefined): void => {
      if (state == null) inherited.end();
      else inherited.enter();
      then(state);
    };
    whenSubscribed(services, () =>
      ctx.io(IO_CONTINUE, () => fetchState(ctx, former, inherited, services.inboxes !== null, settle)),
    );
  };
  const follow = (former: ActorRef<SessionMessage> | undefined): void => {
    if (former === undefined) return then(undefined);
    if (former === NOBODY) return then(null);
    const surrender: SessionMessage = { type: 'surrender', by: ctx.self, discard, isMourned };
    ctx.ask<SessionMessage, Surrendered>(former, surrender, SURRENDER_TIMEOUT_MS, (answer, failure) => {
      if (failure === 'timeout')
        then(undefined); // it is only slow, and has the session still
      else if (answer === undefined || answer.kind === 'gone') skip(services, ctx, clientId, former, follow);
      else if (answer.kind === 'leaving') then(undefined);
      else if (answer.kind === 'nothing') then(null, answer);
      else if (answer.kind === 'local') then(answer.estate.takeOver(heir, ctx.self));
      else {
        if (answer.shard !== undefined) heir.inherits(answer.shard);
        inherit(former, answer.subscriptions);
      }
    });
  };
  follow(previous);
  return () => inheritance?.end();
}

/** Calls `then` when every reactor knows of the subscriptions made so far: what is published from then on reaches them. */
export function whenSubscribed({ router, shares }: SessionServices, then: () => void): void {
  router.whenInterestApplied(() => shares.whenApplied(then));
}

/** `gone` does not answer. If it has died before it could take over from the one before it, that one is still there: calls `then` with it, or NOBODY, or undefined. */
function skip(
  services: SessionServices,
  ctx: Context,
  clientId: string,
  gone: ActorRef<SessionMessage>,
  then: (previous: ActorRef<SessionMessage> | undefined) => void,
): void {
  const request: RegistryMessage = { type: 'skip', clientId, session: ctx.self, gone };
  ctx.ask<RegistryMessage, Granted>(registryOf(services, clientId), request, CONNECT_STEP_TIMEOUT_MS, (granted) =>
    then(granted?.previous),
  );
}

/** Calls `then` in the session's own turn, when the state is here and the streams are parted; null: the former owner is gone, and all that it had; undefined: it has it still, or the disk has. */
function fetchState(
  ctx: Context,
  previous: ActorRef<SessionMessage>,
  inheritance: Inheritance,
  isLasting: boolean,
  then: (state: SessionState | null | undefined) => void,
): void {
  let isParted = false;
  let state: SessionState | undefined;
  inheritance.part(previous, () => {
    isParted = true;
    if (state !== undefined) ctx.io(IO_CONTINUE, () => then(state!));
  });
  ctx.ask<SessionMessage, SessionState | null>(previous, { type: 'yield' }, TAKEOVER_TIMEOUT_MS, (answer, failure) => {
    if (answer === undefined) return then(isLasting || failure === 'timeout' ? undefined : null);
    if (answer === null) return then(undefined);
    state = answer;
    if (isParted) then(answer);
  });
}

/** The registry on `thread` has come back empty: tell it which of its client ids have a session here. */
export function announceSessions(services: SessionServices, thread: number): void {
  const { system, sessions, handing } = services;
  const registry = wellKnownRef<RegistryMessage>(system.node, thread, WELL_KNOWN.registry);
  for (const claims of [sessions, handing]) {
    for (const [clientId, { session, claim }] of claims) {
      if (placeKey(clientId, system.reactors) === thread) system.tell(registry, { type: 'announce', clientId, session, claim });
    }
  }
  system.tell(registry, { type: 'announced', thread: system.thread });
}
