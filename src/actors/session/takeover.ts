/**
 * The client id has a new owner: the session on this side disconnects its client and hands over what it keeps, within the thread in one step and to another one in two, as claim.ts
 * and handover.ts draw it.
 */
import { assert } from '../../base/assert.ts';
import { TAKEOVER_TIMEOUT_MS } from '../../base/limits.ts';
import type { ReplyTo } from '../../runtime/actor.ts';
import { type ActorRef, threadOf } from '../../runtime/ref.ts';
import { Reason } from '../../wire/mqtt/reason-codes.ts';
import type { Sink } from '../router/sink.ts';
import { registryOf } from './claim.ts';
import { Bequest } from './handover.ts';
import { disconnect } from './leaving.ts';
import type { SessionMessage, SessionState, Surrendered } from './messages.ts';
import { type Heir, type Session, TIMER } from './session.ts';
import { detachedSnapshot } from './state.ts';
import { IO_CONTINUE } from './transport.ts';

/** `heir` has claimed the client id. */
export function surrender(session: Session, heir: Heir): void {
  if (session.state === 'claiming') {
    session.heir = heir; // first comes what we are being given ourselves
    return;
  }
  // Who has been handed it is not there any more, or nobody would have been sent here.
  if (session.state === 'handing') comeBack(session);
  disown(session);
  if (heir.isMourned === true) session.afterlife.will = null;
  if (session.state === 'online') {
    const resumed = !heir.discard && session.expirySeconds > 0;
    if (resumed && (session.afterlife.will?.delaySeconds ?? 0) > 0) session.afterlife.will = null; // [MQTT-3.1.3-9]
    session.isSucceeded = resumed;
    disconnect(session, Reason.SESSION_TAKEN_OVER); // [MQTT-3.1.4-3]
  }
  if (heir.discard || session.state !== 'offline') endFor(session, heir);
  else session.ctx.respond(heir.to, handOver(session, heir));
}

/** Its own claim has come to nothing: its heir is to go by it, to who had the client id before. */
export function passOver({ heir, ctx }: Session): void {
  if (heir !== null) ctx.respond(heir.to, { kind: 'gone' } satisfies Surrendered);
}

/** Nothing of it is wanted. The heir hears so when what the inbox has for others is theirs for good: it overwrites the record. */
function endFor(session: Session, { to }: Heir): void {
  if (session.state === 'offline') session.afterlife.publishWill();
  session.persistence.end(() => {
    session.services.shares.partAll(session);
    session.ctx.respond(to, leaveBehind(session));
  });
  session.end();
}

function leaveBehind(session: Session): Surrendered {
  const { inbox } = session;
  if (inbox === null) return { kind: 'nothing' };
  session.isSucceeded = true;
  const { shard } = inbox.machine;
  return session.persistence.discard() ? { kind: 'nothing', shard, isEmptying: true } : { kind: 'nothing', shard };
}

function handOver(session: Session, heir: Heir): Surrendered {
  session.afterlife.will = null;
  session.state = 'handing';
  session.services.handing.enter(session.clientId, session.ctx.self, session.claim);
  session.isSucceeded = true;
  session.handingTimer = session.ctx.startTimer(TAKEOVER_TIMEOUT_MS, TIMER.handing);
  if (threadOf(heir.by) === threadOf(session.ctx.self)) return { kind: 'local', estate: session };
  session.bequest = new Bequest(session.services, session, heir.by);
  const { subscriptions } = session.bequest;
  return session.inbox === null
    ? { kind: 'remote', subscriptions }
    : { kind: 'remote', subscriptions, shard: session.inbox.machine.shard };
}

/** The client id is somebody else's from now on: nothing is claimed in its name any more. */
export function disown({ services, clientId, ctx }: Session): void {
  for (const claims of [services.sessions, services.handing]) claims.remove(clientId, ({ session }) => session === ctx.self);
}

/** Nobody has come for what is to be handed over: the session goes on waiting for its client. */
export function comeBack(session: Session): void {
  const { services, ctx, clientId, inbox, claim } = session;
  ctx.cancelTimer(session.handingTimer!);
  session.bequest?.giveUp();
  session.bequest = null;
  session.isSucceeded = false;
  session.state = 'offline';
  disown(session);
  if (claim > 0) {
    services.sessions.enter(clientId, ctx.self, claim);
    // A registry that has come back meanwhile has not heard of it, and may have let somebody else in.
    ctx.tell(registryOf(services, clientId), { type: 'announce', clientId, session: ctx.self, claim });
  }
  // The heir, on another thread, may have collected for it.
  if (inbox !== null)
    services.inboxes!.know([inbox.machine.shard], [], ([facts]) => {
      if (facts) inbox.reaches(facts.next);
    });
  const offlineMs = Math.max(0, services.system.wallClock() - session.offlineSince);
  if (session.afterlife.begin(ctx, session.expirySeconds, TIMER.afterlife, offlineMs)) session.end();
}

/** The heir has its subscriptions in place: it gets the rest as soon as that is complete. */
export function hand(session: Session, to: ReplyTo): void {
  const bequest = session.bequest;
  // It came too late.
  if (bequest === null) return session.ctx.respond(to, null);
  const give = (): void => {
    if (session.state !== 'handing') return;
    const machine = detachedSnapshot(session.machine.snapshot());
    const replays = session.replaying?.states() ?? [];
    const state: SessionState =
      session.inbox === null ? { machine, replays } : { machine, replays, inbox: session.inbox.state() };
    session.ctx.respond(to, state);
    session.services.exclusive.leave(session);
    session.end();
  };
  bequest.whenComplete(() => {
    session.services.shares.partAll(session); // the heir is a member since long
    const then = (): void => session.ctx.io(IO_CONTINUE, give);
    if (session.inbox === null) then();
    else session.inbox.whenWritten(() => session.services.inboxes!.whenDurable(then));
  });
}

export function takeOver(session: Session, heir: Sink, by: ActorRef<SessionMessage>): SessionState {
  assert(session.state === 'handing', 'only a session that has surrendered is taken over');
  session.services.router.moveSink(session, heir);
  session.services.shares.move(session, heir);
  session.services.exclusive.move(session, heir, session.clientId, by);
  const machine = session.machine.snapshot();
  const replays = session.replaying?.states() ?? [];
  const state: SessionState = session.inbox === null ? { machine, replays } : { machine, replays, inbox: session.inbox };
  session.end();
  return state;
}
