/**
 * From an acceptable CONNECT to a session: check the password, claim the client id, take over what its former owner holds.
 *
 *   new session ──authenticate──▶ authenticator (main)
 *   new session ──claim─────────▶ registry (by hash of the client id) ──▶ the former owner's ref
 *   new session ──surrender─────▶ former owner: disconnects its client, and
 *        same thread:     gives its estate, moved in one step between two messages
 *        another thread:  names its subscriptions; once ours are in place on every reactor we ask it to `yield` the rest. What is published in between reaches
 *                         both; a message then comes twice, never not at all.
 *
 * Each step is an ask with a deadline; a former owner that does not answer is dead or stuck, and its session is lost with it.
 */
import { CONNECT_STEP_TIMEOUT_MS, TAKEOVER_TIMEOUT_MS } from '../../base/limits.ts';
import type { ActorContext } from '../../runtime/actor.ts';
import { placeKey } from '../../runtime/placement.ts';
import { type ActorRef, NOBODY, wellKnownRef } from '../../runtime/ref.ts';
import type { ConnectPacket } from '../../wire/mqtt/packets.ts';
import { Reason } from '../../wire/mqtt/reason-codes.ts';
import type { AuthenticateReply } from '../authenticator/messages.ts';
import type { Granted, RegistryMessage } from '../registry/messages.ts';
import type { Sink } from '../router/sink.ts';
import { WELL_KNOWN } from '../well-known.ts';
import type { SessionMessage, SessionState, Surrendered } from './messages.ts';
import type { SessionServices } from './services.ts';
import { IO_CONTINUE } from './transport.ts';

type Context = ActorContext<SessionMessage>;

/** Calls `then` with the reason code for CONNACK. */
export function authenticate(
  services: SessionServices,
  ctx: Context,
  connect: ConnectPacket,
  then: (reason: number) => void,
): void {
  const { authenticator } = services;
  if (authenticator === undefined) return then(Reason.SUCCESS);
  if (connect.username === undefined) return then(Reason.BAD_USER_NAME_OR_PASSWORD);
  const request = { type: 'authenticate', username: connect.username, password: connect.password ?? new Uint8Array(0) } as const;
  ctx.ask<typeof request, AuthenticateReply>(authenticator, request, CONNECT_STEP_TIMEOUT_MS, (reply) => {
    if (reply === undefined) then(Reason.SERVER_UNAVAILABLE);
    else if (reply.ok) then(Reason.SUCCESS);
    else then(reply.overloaded ? Reason.SERVER_BUSY : Reason.BAD_USER_NAME_OR_PASSWORD);
  });
}

/** The registry that a client id belongs to. */
export function registryOf(services: SessionServices, clientId: string): ActorRef<RegistryMessage> {
  const { node, reactors } = services.system;
  return wellKnownRef<RegistryMessage>(node, placeKey(clientId, reactors), WELL_KNOWN.registry);
}

/** Calls `then` with the former owner, NOBODY or, when the registry did not answer, undefined. */
export function claim(
  services: SessionServices,
  ctx: Context,
  clientId: string,
  then: (previous: ActorRef<SessionMessage> | undefined) => void,
): void {
  const request: RegistryMessage = { type: 'claim', clientId, session: ctx.self };
  ctx.ask<RegistryMessage, Granted>(registryOf(services, clientId), request, CONNECT_STEP_TIMEOUT_MS, (granted) =>
    then(granted?.previous),
  );
}

/**
 * Calls `then` with the state of the former owner, or null when there is none to go on with. With a state, `heir` has the subscriptions.
 */
export function takeOver(
  services: SessionServices,
  ctx: Context,
  heir: Sink,
  previous: ActorRef<SessionMessage>,
  discard: boolean,
  then: (state: SessionState | null) => void,
): void {
  if (previous === NOBODY) return then(null);
  const surrender: SessionMessage = { type: 'surrender', by: ctx.self, discard };
  ctx.ask<SessionMessage, Surrendered>(previous, surrender, TAKEOVER_TIMEOUT_MS, (answer) => {
    if (answer === undefined || answer.kind === 'nothing') return then(null);
    if (answer.kind === 'local') return then(answer.estate.takeOver(heir));
    for (const { filter, ...options } of answer.subscriptions) services.router.subscribe(heir, filter, options);
    const fetch = (): void =>
      ctx.ask<SessionMessage, SessionState>(previous, { type: 'yield' }, TAKEOVER_TIMEOUT_MS, (state) => then(state ?? null));
    services.router.whenInterestApplied(() => ctx.io(IO_CONTINUE, fetch));
  });
}

/** The registry on `thread` has come back empty: tell it which of its client ids have a session here. */
export function announceSessions(services: SessionServices, thread: number): void {
  const { system, sessions } = services;
  const registry = wellKnownRef<RegistryMessage>(system.node, thread, WELL_KNOWN.registry);
  for (const [clientId, session] of sessions) {
    if (placeKey(clientId, system.reactors) === thread) system.tell(registry, { type: 'announce', clientId, session });
  }
}
