/** Heartbeats: the leader is there, this much is committed, and its read rounds. The node packs those of all groups into one message per peer. */
import type { Heartbeat } from '../message.ts';
import type { Outbox } from './outbox.ts';
import type { Progress } from './progress.ts';
import type { RaftState } from './state.ts';

/**
 * The next multiple of the interval: heartbeats of all groups of a node fall together, and none drifts. A group in which everybody has everything is heard of every other time, as long as
 * that leaves three of them to an election time-out: most groups of a node are such, most of the time.
 */
export function dueHeartbeat(state: RaftState): number {
  const { heartbeatMs, electionMinMs } = state.settings;
  const intervalMs = electionMinMs >= 6 * heartbeatMs && isIdle(state) ? 2 * heartbeatMs : heartbeatMs;
  return (Math.floor(state.nowMs / intervalMs) + 1) * intervalMs;
}

function isIdle({ log, commit, progress, reads, transferee, self }: RaftState): boolean {
  if (commit !== log.lastIndex || reads.length > 0 || transferee !== 0) return false;
  for (const { id, match } of progress) if (match !== log.lastIndex && id !== self) return false;
  return true;
}

export function broadcastHeartbeat(state: RaftState, out: Outbox): void {
  for (const progress of state.progress) {
    if (progress.id !== state.self) out.messages.push(heartbeatFor(state, progress));
  }
}

/** A replica is not told of more than it is known to have. */
function heartbeatFor(state: RaftState, progress: Progress): Heartbeat {
  return {
    type: 'heartbeat',
    group: state.group,
    from: state.self,
    to: progress.id,
    term: state.term,
    commit: Math.min(progress.match, state.commit),
    readSeq: state.readSeq,
    sentMs: state.nowMs,
  };
}
