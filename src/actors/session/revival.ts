/** A session that is made again without its client: from disk when its node starts or its reactor has died, or in place of an actor that has failed. */
import { assert } from '../../base/assert.ts';
import { NOBODY } from '../../runtime/ref.ts';
import { parseFilter } from '../../wire/mqtt/topics.ts';
import type { Inbox } from '../inbox/inbox.ts';
import { inboundOf } from '../inbox/inboxes.ts';
import type { Granted } from '../registry/messages.ts';
import { claim } from './claim.ts';
import { saveOffline } from './leaving.ts';
import type { Orphan } from './orphan.ts';
import { loadSession, restoredInbox } from './persistence.ts';
import { SESSION_PROBE } from './probe.ts';
import type { SessionRecord } from './record.ts';
import type { Restored } from './restorer.ts';
import { type Session, TIMER } from './session.ts';
import { releaseShared } from './shared-work.ts';
import { passOver, surrender } from './takeover.ts';
import { IO_CONTINUE } from './transport.ts';

const { slot } = SESSION_PROBE;

/** Made again from disk, without a client, unless somebody has its client id already. */
export function restore(session: Session, restored: Restored): void {
  const { record, done } = restored;
  session.clientId = record.clientId;
  session.expirySeconds = record.expirySeconds;
  session.state = 'claiming';
  session.count(slot.sessions, 1);
  const begin = (granted: Granted | undefined): void => {
    if (granted === undefined) return session.services.inboxes!.inAWhile(() => session.ctx.io(IO_CONTINUE, ask));
    session.restored = null;
    const isFree = granted.previous === NOBODY;
    if (isFree) beginAgain(session, restored, granted);
    else session.end();
    done();
    if (!isFree) passOver(session);
    else if (session.heir !== null) surrender(session, session.heir);
  };
  const ask = (): void => claim(session.services, session.ctx, record.clientId, begin, true);
  ask();
}

/** The instance before has failed, or the session comes from another node, or stays after all: goes on with what is on disk, and with what has come for its inbox since. */
export function revive(session: Session, orphan: Orphan): void {
  session.clientId = orphan.clientId;
  session.state = 'claiming';
  session.count(slot.sessions, 1);
  if (orphan.heirOf === undefined) {
    // The claim of the instance before, under the same ref.
    const { sessions, handing } = session.services;
    const known = sessions.find(orphan.clientId, session.ctx.self) ?? handing.find(orphan.clientId, session.ctx.self);
    session.claim = known?.claim ?? 0;
    return load(session, orphan);
  }
  const begin = (granted: Granted | undefined): void => {
    if (granted === undefined) return session.services.inboxes!.inAWhile(() => session.ctx.io(IO_CONTINUE, ask));
    // It came too early or too late, and has nothing of the session.
    if (granted.previous !== orphan.heirOf && granted.previous !== NOBODY)
      session.ctx.tell(granted.previous, { type: 'superseded' });
    session.own(granted.claim);
    load(session, orphan);
  };
  const ask = (): void => claim(session.services, session.ctx, orphan.clientId, begin, true);
  ask();
}

function load(session: Session, orphan: Orphan): void {
  loadSession(session.services, session.ctx, orphan, (found) => {
    if (session.state !== 'claiming') return; // superseded
    if (found === undefined) session.end();
    else {
      const { record, facts, taken } = found;
      orphan.inbox.restart(facts, taken);
      session.expirySeconds = record.expirySeconds;
      resume(session, record, orphan.inbox, inboundOf(facts));
    }
    session.restored = null;
    orphan.end();
    if (session.heir !== null) surrender(session, session.heir);
  });
}

function beginAgain(session: Session, { record, facts, taken }: Restored, { claim: number }: Granted): void {
  const { inboxes } = session.services;
  assert(inboxes !== null, 'sessions are restored where they are kept');
  session.own(number);
  const { inbox, inbound } = restoredInbox(inboxes, record, facts, taken);
  resume(session, record, inbox, inbound);
}

/** Goes on without a client. */
function resume(session: Session, record: SessionRecord, inbox: Inbox, inbound: readonly number[]): void {
  const { limits, router, shares, system } = session.services;
  session.outbound.machine = session.newMachine(limits.inFlightMax, true);
  session.machine.restore({ inbound, inFlight: [], queued: [] });
  session.persistence.keep(inbox);
  for (const { filter, ...options } of record.subscriptions) {
    const parsed = parseFilter(filter);
    if (parsed?.shareGroup !== undefined) shares.join(session, parsed.shareGroup, parsed.filter, options, false);
    else if (parsed !== undefined) router.subscribe(session, parsed.filter, options);
    if (parsed?.isExclusive) session.services.exclusive.adopt(session, record.clientId, session.ctx.self, [parsed.filter]);
  }
  session.restoreReplays(record.replays);
  session.afterlife.identity = { clientId: record.clientId, username: '' };
  session.afterlife.will = record.will;
  session.afterlife.askForWill = session.persistence.willQuestion();
  session.state = 'offline';
  session.offlineSince = record.offlineSince || system.wallClock();
  const offlineMs = Math.max(0, system.wallClock() - session.offlineSince); // clocks are set back at times
  if (session.afterlife.begin(session.ctx, session.expirySeconds, TIMER.afterlife, offlineMs)) session.end();
  else {
    if (record.offlineSince === 0) saveOffline(session);
    releaseShared(session);
  }
}
