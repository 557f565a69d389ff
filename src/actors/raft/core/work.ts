/**
 * Whether the end of a turn (`settle`) has anything to do for a group: something to write, to hand to the state machine, to send or to answer. Most of what a group hears leaves nothing to do: heartbeats while it is
 * idle; and while it is busy, that its own write is durable, and what followers acknowledge before a majority has or after it had. Messages that may leave at once need no settling.
 */
import { canApply } from './apply.ts';
import type { Outbox } from './outbox.ts';
import { hasToReplicate } from './replicate.ts';
import type { RaftState } from './state.ts';
import { hasUnwritten } from './writes.ts';

export function hasWork(state: RaftState, out: Outbox): boolean {
  if (hasUnwritten(state) || isWanted(out) || canApply(state)) return true;
  if (state.role !== 'leader') return state.role !== 'follower';
  return state.transferee !== 0 || state.leavingIndex > 0 || hasToReplicate(state);
}

function isWanted({ held, reads, snapshotsFor, proposed, install }: Outbox): boolean {
  return held.length > 0 || reads.length > 0 || snapshotsFor.length > 0 || proposed.length > 0 || install !== undefined;
}
