/** Leader to followers: what each lacks, as far as its window allows. */
import { bytesOf, type Entry } from '../entry.ts';
import type { Outbox } from './outbox.ts';
import { becomeSnapshot, type Progress, sent } from './progress.ts';
import type { RaftState } from './state.ts';

const NO_ENTRIES: readonly Entry[] = [];

/** Sends to everyone what there is to send, and notice of the commit index to those who can use it. */
export function replicate(state: RaftState, out: Outbox): void {
  const isDue = state.nowMs >= noticeDue(state);
  let isWaiting = false;
  for (const progress of state.progress) {
    if (progress.id === state.self) continue;
    while (sendAppend(state, progress, false, out));
    if (!canLearn(state, progress)) continue;
    if (isDue) sendAppend(state, progress, true, out);
    else isWaiting = true;
  }
  state.noticeDueMs = isWaiting ? noticeDue(state) : Number.POSITIVE_INFINITY;
}

/** Up to `next` it has, or will have, the entries; what is committed beyond that it learns with them. */
function canLearn({ commit }: RaftState, { sentCommit, next, mode, isPaused }: Progress): boolean {
  return commit > sentCommit && sentCommit < next - 1 && mode !== 'snapshot' && !isPaused;
}

/** `replicate` has something to send, or the time of a notice to set: entries that a follower has not been sent, or news of the commit index. */
export function hasToReplicate(state: RaftState): boolean {
  const { self, progress, log, nowMs, noticeDueMs } = state;
  const isNoticeOpen = noticeDueMs === Number.POSITIVE_INFINITY;
  if (!isNoticeOpen && nowMs >= noticeDueMs) return true;
  for (const each of progress) {
    if (each.id === self || each.isPaused || each.mode === 'snapshot') continue;
    if (each.next <= log.lastIndex || (isNoticeOpen && canLearn(state, each))) return true;
  }
  return false;
}

/**
 * Where one entry follows the other, the next one brings the notice, and a message of its own, with its reply, would cost as much as an entry does. Where none has
 * come for a while, none is waited for.
 */
function noticeDue({ noticeDueMs, nowMs, proposalGapMs, settings }: RaftState): number {
  if (noticeDueMs !== Number.POSITIVE_INFINITY) return noticeDueMs;
  return proposalGapMs <= settings.noticeMs ? nowMs + settings.noticeMs : nowMs;
}

/** One append message, or the wish for a snapshot. False: nothing to send, or not now. */
export function sendAppend(state: RaftState, progress: Progress, evenIfEmpty: boolean, out: Outbox): boolean {
  if (progress.mode === 'snapshot' || progress.isPaused) return false;
  const { log, settings } = state;
  const prevIndex = progress.next - 1;
  const prevTerm = log.term(prevIndex);
  if (prevTerm < 0) return needsSnapshot(state, progress, out);
  // A full window lets empty appends through, one per heartbeat: their replies tell which of the others were lost.
  let entries: readonly Entry[] | undefined = NO_ENTRIES;
  if (progress.next <= log.lastIndex && !(progress.mode === 'replicate' && progress.inflights.isFull())) {
    entries = log.entries(progress.next, log.lastIndex, Math.min(settings.appendBytesMax, progress.inflights.room()));
    if (entries === undefined) return false;
  }
  if (entries.length === 0 && !evenIfEmpty) return false;
  out.messages.push({
    type: 'append',
    group: state.group,
    from: state.self,
    to: progress.id,
    term: state.term,
    prevIndex,
    prevTerm,
    commit: state.commit,
    entries,
  });
  sent(progress, entries.length, prevIndex + entries.length, bytesOf(entries), state.commit);
  return true;
}

/** To a replica that does not answer no snapshot is sent. */
function needsSnapshot(state: RaftState, progress: Progress, out: Outbox): boolean {
  if (!progress.isActive) return false;
  becomeSnapshot(progress, state.snapshot.index);
  out.snapshotsFor.push(progress.id);
  return false;
}
