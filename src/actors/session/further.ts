/** Messages that the session's former home, another node, still had when it came back: as if they had just been published for this session alone. */
import { decodePage, grantOf, runOf } from '../homes/page.ts';
import type { Session } from './session.ts';
import { IO_CONTINUE } from './transport.ts';

/** Calls `then` with whether they are on disk. */
export function takeFurther(session: Session, bytes: Uint8Array, then: (isTaken: boolean) => void): void {
  const { inboxes, router } = session.services;
  const runs = decodePage(bytes);
  if (inboxes === null || session.inbox === null || runs === undefined) return then(false);
  for (const outgoing of runs) {
    const run = runOf(router.topics, outgoing);
    if (run !== undefined) session.outbound.deliver(run, { sink: session, noLocal: false, ...grantOf(outgoing) });
  }
  inboxes.whenDurable(() => session.ctx.io(IO_CONTINUE, () => then(true)));
}
