/** What a follower does with its leader's appends and heartbeats. */
import { assert } from '../../../base/assert.ts';
import { bytesOf, type Entry, entryBytes } from '../entry.ts';
import type { AppendEntries, Heartbeat } from '../message.ts';
import { extendLog, truncateLog } from './append-to-log.ts';
import { commitTo } from './commit.ts';
import { resetElectionTimer } from './election-timer.ts';
import { hintBefore } from './hint.ts';
import type { Outbox } from './outbox.ts';
import type { RaftState } from './state.ts';

const NO_ENTRIES: readonly Entry[] = [];

export function hearLeader(state: RaftState, from: number): void {
  state.lead = from;
  state.leaderContactMs = state.nowMs;
  resetElectionTimer(state);
}

export function onAppend(state: RaftState, message: AppendEntries, out: Outbox): void {
  hearLeader(state, message.from);
  const { log } = state;
  const { prevIndex, prevTerm } = message;
  // What is committed is the same everywhere: this is old news, or a probe further back than need be.
  if (prevIndex < state.commit) return reply(state, message, state.commit, false, out);
  if (log.term(prevIndex) !== prevTerm) return reject(state, message, out);

  const fresh = withoutKnown(state, message.entries);
  const taken = withinBounds(state, fresh);
  if (taken.length > 0) {
    const first = taken[0]!.index;
    assert(first > state.commit, 'what is committed is never replaced');
    if (first <= log.lastIndex) truncateLog(state, first);
    extendLog(state, taken);
  }
  const verified = prevIndex + message.entries.length - (fresh.length - taken.length);
  // Only what this message has shown to be the leader's: further entries of ours may be another's.
  commitTo(state, Math.min(message.commit, verified));
  reply(state, message, verified, taken.length < fresh.length, out);
}

/** Entries that we have already stay as they are: the message may be older than what follows them in our log. */
function withoutKnown({ log }: RaftState, entries: readonly Entry[]): readonly Entry[] {
  let known = 0;
  while (known < entries.length && log.term(entries[known]!.index) === entries[known]!.term) known++;
  return known === 0 ? entries : entries.slice(known);
}

/**
 * A state machine or a disk that cannot keep up: take what there is room for, and say so. What counts is committed and will be applied, come what may; entries that are not committed
 * yet are bounded by their leader, and to refuse what comes behind them could mean that they never are.
 */
function withinBounds(state: RaftState, entries: readonly Entry[]): readonly Entry[] {
  if (state.isDiskFull) return NO_ENTRIES;
  const { log, settings, applied, commit } = state;
  const from = Math.max(applied + 1, log.firstIndex);
  let room = settings.unappliedBytesMax - log.bytes(from, commit);
  if (from > commit || room >= bytesOf(entries)) return entries;
  let count = 0;
  while (count < entries.length && (room -= entryBytes(entries[count]!)) >= 0) count++;
  return entries.slice(0, count);
}

function reply(state: RaftState, { group, from, to }: AppendEntries, index: number, isFull: boolean, out: Outbox): void {
  const { term } = state;
  out.held.push({
    type: 'appendReply',
    group,
    from: to,
    to: from,
    term,
    index,
    isRejected: false,
    hintIndex: 0,
    hintTerm: 0,
    isFull,
  });
}

/** Tells where our log may agree with the leader's, so that it skips what cannot. */
function reject(state: RaftState, { group, from, to, prevIndex, prevTerm }: AppendEntries, out: Outbox): void {
  const { term, log } = state;
  const hintIndex = hintBefore(log, Math.min(prevIndex, log.lastIndex), prevTerm);
  const hintTerm = log.term(hintIndex);
  out.held.push({
    type: 'appendReply',
    group,
    from: to,
    to: from,
    term,
    index: prevIndex,
    isRejected: true,
    hintIndex,
    hintTerm,
    isFull: false,
  });
}

export function onHeartbeat(state: RaftState, message: Heartbeat, out: Outbox): void {
  hearLeader(state, message.from);
  // The leader knows that we have this much, unless we have lost it.
  assert(message.commit <= state.log.lastIndex, 'the log still holds what was acknowledged');
  commitTo(state, message.commit);
  const { group, from, to, readSeq, sentMs } = message;
  out.messages.push({ type: 'heartbeatReply', group, from: to, to: from, term: state.term, readSeq, sentMs });
}
