/**
 * The actor stops: with its session, or because the node drains or the actor has failed, after which the session goes on elsewhere. Everything that holds it by reference lets go. While the node drains others publish still, so what is
 * for a session that lasts goes on into its inbox until the thread ends.
 */
import type { TerminationReason } from '../../runtime/actor.ts';
import { encodeDisconnect } from '../../wire/mqtt/control-encoder.ts';
import { Reason } from '../../wire/mqtt/reason-codes.ts';
import { registryOf } from './claim.ts';
import { dropConnection } from './leaving.ts';
import { Orphan } from './orphan.ts';
import { SESSION_PROBE } from './probe.ts';
import type { Session } from './session.ts';
import { returnFromMemory } from './shared-work.ts';
import { disown } from './takeover.ts';

const { slot } = SESSION_PROBE;

export function stopping(session: Session, reason: TerminationReason): void {
  if (session.replaying !== null && session.state === 'online') session.persistence.saveLater();
  session.replaying?.disconnected();
  const isDraining = reason === 'stopped' && session.state !== 'ended';
  // Its heir, who has yet to stop, takes what it has, if it is still in time; until then it collects.
  if (isDraining && session.state === 'handing') return;
  const orphan = reason === 'stopped' ? null : orphanOf(session);
  if (isDraining) goOnCollecting(session);
  if (session.client !== null)
    dropClient(session, reason === 'stopped' ? Reason.SERVER_SHUTTING_DOWN : Reason.UNSPECIFIED_ERROR, orphan);
  session.persistence.strikeWill();
  session.services.router.unsubscribeAll(session);
  session.services.exclusive.releaseAll(session);
  // A node that drains keeps nothing for anybody.
  const wasMember = session.services.shares.partAll(session);
  if (wasMember && (session.state === 'ended' || reason !== 'stopped')) returnFromMemory(session, undefined, true);
  if (session.standing !== null) session.services.access.leave(session.standing);
  session.bequest?.end();
  if (!isDraining) session.admission?.abandon();
  // Not a session any more, but its next instance is: it keeps the client id.
  if (orphan !== null) {
    session.count(slot.sessions, -1);
    return session.rebirth!.leave(orphan);
  }
  if (session.restored instanceof Orphan && !isDraining) session.restored.end();
  if (session.state === 'ended' && !session.isSucceeded) session.persistence.forget();
  if (session.clientId === '') return;
  session.count(slot.sessions, -1);
  disown(session);
  session.ctx.tell(registryOf(session.services, session.clientId), {
    type: 'release',
    clientId: session.clientId,
    session: session.ctx.self,
  });
}

/** What is published for it until the thread ends is found in its inbox by the node's next life. Whoever is at handing it over, or at getting it, collects anyway. */
function goOnCollecting(session: Session): void {
  const { inbox, services, clientId } = session;
  if (inbox !== null) new Orphan(services, session, clientId, inbox);
}

/** This actor is being stopped under its client's feet: by a drain, or because it failed. */
function dropClient(session: Session, reason: number, orphan: Orphan | null): void {
  const { dialect } = session.client!;
  if (session.state === 'online') session.write(encodeDisconnect(dialect, { reason }));
  // A session that goes on has its will published in its time.
  if (reason === Reason.UNSPECIFIED_ERROR && orphan === null) session.afterlife.publishWill();
  dropConnection(session);
}

/** The actor has failed: what its next instance, which its supervisor makes, begins with. Null: the session ends. */
function orphanOf(session: Session): Orphan | null {
  const { inbox } = session;
  const before = session.restored instanceof Orphan ? session.restored : null;
  const isOwner = session.state === 'online' || session.state === 'offline';
  if (before === null && (inbox === null || !isOwner || session.isSucceeded)) return null;
  if (session.rebirth?.mayBegin(session.ctx.now()) !== true) return null;
  return before ?? new Orphan(session.services, session, session.clientId, inbox!);
}
