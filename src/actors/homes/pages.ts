/** Messages of a session on their way to another node, as they are read from its inbox: a page at a time. */
import { HOMES_PAGE_BYTES } from '../../base/limits.ts';
import { forEachInboxFrame } from '../inbox/inbox-frames.ts';
import type { Inboxes } from '../inbox/inboxes.ts';
import type { InboxMachine } from '../inbox/machine.ts';
import { type Outgoing, splitOutgoing } from '../session/outgoing.ts';

export interface InboxPage {
  /** Where the next one begins. */
  readonly next: number;
  readonly isLast: boolean;
  readonly runs: readonly Outgoing[];
}

/** Calls `then` with the messages from `offset` on that `isWanted`, as many as a page has; undefined: they cannot be read. */
export function readPage(
  inboxes: Inboxes,
  { shard, end }: InboxMachine,
  offset: number,
  isWanted: (offset: number) => boolean,
  then: (page: InboxPage | undefined) => void,
): void {
  if (offset >= end) return then({ next: offset, isLast: true, runs: [] });
  inboxes.read(shard, offset, HOMES_PAGE_BYTES, (answer) => {
    if ('code' in answer) return then(undefined);
    const runs: Outgoing[] = [];
    let next = offset;
    forEachInboxFrame(answer.bytes, shard, (frame, base) => {
      let at = base;
      for (const run of frame) {
        part(run, at, (each) => each >= offset && each < end && isWanted(each), runs);
        at += run.count;
      }
      next = Math.max(next, Math.min(at, end));
    });
    // A hole that the disk has left.
    if (next === offset) next = end;
    then({ next, isLast: next >= end, runs });
  });
}

/** The messages of a run that `isWanted`, in as few pieces as they make. */
function part(run: Outgoing, base: number, isWanted: (offset: number) => boolean, out: Outgoing[]): void {
  let rest: Outgoing | null = run;
  for (let at = base; rest !== null; ) {
    const wanted = isWanted(at);
    let count = 1;
    while (count < rest.count && isWanted(at + count) === wanted) count++;
    const parted: { head: Outgoing; rest: Outgoing | null } = splitOutgoing(rest, count);
    if (wanted) out.push(parted.head);
    at += count;
    rest = parted.rest;
  }
}
