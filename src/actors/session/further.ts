/** Messages that the session's former home, another node, still had when it came back: as if they had just been published for this session alone. */
import { decodePage, grantOf, runOf } from '../homes/page.ts';
import { runBytes } from '../inbox/block.ts';
import type { Inbox } from '../inbox/inbox.ts';
import type { Outgoing } from './outgoing.ts';
import type { Session } from './session.ts';
import { IO_CONTINUE } from './transport.ts';

/** Calls `then` with whether they are on disk; they are not when the session has no room for them, and are to be given again. */
export function takeFurther(session: Session, bytes: Uint8Array, then: (isTaken: boolean) => void): void {
  const { inboxes, router } = session.services;
  const runs = decodePage(bytes);
  if (inboxes === null || session.inbox === null || runs === undefined || !hasRoom(session, session.inbox, runs))
    return then(false);
  const { inbox } = session;
  const { lostMessages } = inbox;
  for (const outgoing of runs) {
    const run = runOf(router.topics, outgoing);
    if (run !== undefined) session.outbound.deliver(run, { sink: session, noLocal: false, ...grantOf(outgoing) });
  }
  inboxes.whenDurable(() => session.ctx.io(IO_CONTINUE, () => then(inbox.lostMessages === lostMessages)));
}

/** What does not fit at all into an inbox that is empty goes in as far as it does. */
function hasRoom({ services }: Session, { machine }: Inbox, runs: readonly Outgoing[]): boolean {
  const { queueMessagesMax, queueBytesMax } = services.limits;
  const messages = runs.reduce((sum, { count }) => sum + count, 0);
  const bytes = runs.reduce((sum, run) => sum + runBytes(run), 0);
  const fits = machine.waiting + messages <= queueMessagesMax && machine.bytes + bytes <= queueBytesMax;
  return fits || machine.messages === 0;
}
