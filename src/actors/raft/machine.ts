/**
 * One group of Raft on one node, as a pure machine: no clock, no chance but the generator in its state, no promises, no I/O. Whoever drives it feeds inputs to `step`, as many as there
 * are in a turn, and calls `settle` at the turn's end: then the outbox says what to write, what to send at once, what to send when the write is durable, and
 * what the state machine may apply. docs/internals/raft.md tells the rules.
 *
 *   inputs ──► step … step ──► settle ──► Outbox { write, messages, held (after), apply, install, snapshotsFor, reads, proposed }
 */
import { onApplied, releaseCommitted } from './core/apply.ts';
import { campaign, onOwnVoteDurable } from './core/campaign.ts';
import { advanceCommit } from './core/commit.ts';
import type { Input } from './core/input.ts';
import type { Outbox } from './core/outbox.ts';
import { becomeProbe } from './core/progress.ts';
import { propose, proposeChange } from './core/propose.ts';
import { findProgress } from './core/quorum.ts';
import { startReads, startRound } from './core/reads.ts';
import { replicate } from './core/replicate.ts';
import { onSnapshotInstalled, onSnapshotReceived, onSnapshotReport, onSnapshotSaved } from './core/snapshot.ts';
import type { RaftState } from './core/state.ts';
import { stepCandidate } from './core/step-candidate.ts';
import { stepFollower } from './core/step-follower.ts';
import { stepLeader } from './core/step-leader.ts';
import { passesTerm } from './core/term-gate.ts';
import { tick } from './core/tick.ts';
import { startTransfer, tryTransfer } from './core/transfer.ts';
import { flushWrites, onDurable } from './core/writes.ts';
import type { RaftMessage } from './message.ts';
import type { ReplicaId } from './replica.ts';

export function step(state: RaftState, input: Input, out: Outbox): void {
  if (input.now > state.nowMs) state.nowMs = input.now;
  switch (input.type) {
    case 'message':
      return stepMessage(state, input.message, out);
    case 'tick':
      return tick(state, out);
    case 'propose':
      return propose(state, input.entries, out);
    case 'changeMembership':
      return proposeChange(state, input.change, out);
    case 'durable':
      return stepDurable(state, input.seq, out);
    case 'applied':
      return onApplied(state, input.index, out);
    case 'read':
      return startReads(state, input.ids, input.mode, out);
    case 'transfer':
      return startTransfer(state, input.to, out);
    case 'campaign':
      return campaign(state, false, out);
    case 'snapshotSaved':
      return onSnapshotSaved(state, input.meta);
    case 'snapshotReceived':
      return onSnapshotReceived(state, input.meta, input.from, out);
    case 'snapshotInstalled':
      return onSnapshotInstalled(state, input.index);
    case 'snapshotReport':
      return onSnapshotReport(state, input.to, input.isOk);
    case 'fetched':
      return;
    case 'unreachable':
      return onUnreachable(state, input.to);
    case 'disk':
      state.isDiskFull = input.isFull;
      return;
  }
}

/** The end of a turn. */
export function settle(state: RaftState, out: Outbox): void {
  if (state.role === 'leader') {
    tryTransfer(state, out);
    replicate(state, out);
  }
  dropOutdated(state, out);
  flushWrites(state, out);
  releaseCommitted(state, out);
}

/** What was promised or claimed in a term that has ended within the turn: the receiver need not hear it. */
function dropOutdated(state: RaftState, { held }: Outbox): void {
  let kept = 0;
  for (const message of held) if (message.term >= state.term) held[kept++] = message;
  held.length = kept;
}

function stepMessage(state: RaftState, message: RaftMessage, out: Outbox): void {
  if (!passesTerm(state, message, out)) return;
  if (message.type === 'requestPreVote' || state.role === 'follower') stepFollower(state, message, out);
  else if (state.role === 'leader') stepLeader(state, message, out);
  else stepCandidate(state, message, out);
}

/** The leader counts itself like any other: what is durable here, when it is. */
function stepDurable(state: RaftState, seq: number, out: Outbox): void {
  onDurable(state, seq);
  if (state.role === 'candidate' && state.durableSeq >= state.campaignSeq) return onOwnVoteDurable(state, out);
  if (state.role !== 'leader') return;
  const own = findProgress(state.progress, state.self);
  if (own === undefined || own.match >= state.stable) return;
  own.match = state.stable;
  if (advanceCommit(state)) startRound(state, out);
}

/** What was sent ahead may be lost: begin again from what is known to be there. */
function onUnreachable(state: RaftState, to: ReplicaId): void {
  const progress = findProgress(state.progress, to);
  if (progress !== undefined && progress.mode === 'replicate') becomeProbe(progress);
}
