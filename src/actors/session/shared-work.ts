/** A session's part in shared subscriptions goes to other members: when it leaves the group, and when its client is gone. */
import type { Session } from './session.ts';

/** It has left the shared subscription: what waits in its name goes to another member. */
export function returnShared(session: Session, key: string): void {
  returnKept(session, key, false); // the delivery of what has been sent goes on [MQTT-3.10.4-3]
}

/** There are members who can take what it keeps. */
export function release(session: Session, key: string): void {
  if (session.state === 'offline') returnKept(session, key, true);
}

/** Messages that are kept in a shared subscription's name go to another member. */
function returnKept(session: Session, key: string, unacknowledged: boolean): void {
  returnFromMemory(session, key, unacknowledged);
  returnFromInbox(session, (share) => share === key, unacknowledged);
}

export function returnFromMemory(session: Session, key: string | undefined, unacknowledged: boolean): void {
  session.services.shares.redeliver(session.machine.takeShared(key, unacknowledged));
}

/** As long as there is a client that can take them; until then they are safe where they are. */
function returnFromInbox(session: Session, wants: (share: string) => boolean, unacknowledged: boolean): void {
  const { shares, returns } = session.services;
  const { inbox } = session;
  if (inbox === null) return;
  returns!.begin(inbox, {
    wants: (share) => wants(share) && shares.hasOnline(share),
    onlyWaiting: !unacknowledged,
    goesOn: () => session.state === 'offline' || (session.state === 'online' && !unacknowledged),
    done: () => {},
  });
}

/** The client is gone: its part of the work goes to members who are there. */
export function releaseShared(session: Session): void {
  const { shares } = session.services;
  const shared = Array.from(shares.membersOf(session), ({ share }) => share).filter((share) => shares.hasOnline(share));
  if (shared.length === 0) return;
  for (const share of shared) returnFromMemory(session, share, true);
  returnFromInbox(session, (share) => shared.includes(share), true);
}
