/**
 * Linearizable reads. A read notes the commit index, then the leader makes sure that it still leads: a round of heartbeats that begins after the read came has to be
 * answered by a quorum. Rounds are numbered by the leader, so an answer proves something about its round and older ones only, whoever repeats it and however late.
 *
 * With a lease there is no round: until `electionMinMs` after a heartbeat left nobody who has answered it votes for another. The reader looks at the clock after it has read.
 */
import type { ReadIndex, ReadIndexReply } from '../message.ts';
import { NO_REPLICA, type ReplicaId } from '../replica.ts';
import { broadcastHeartbeat } from './heartbeat.ts';
import type { Outbox } from './outbox.ts';
import type { Progress } from './progress.ts';
import { findProgress, quorumValue } from './quorum.ts';
import type { RaftState } from './state.ts';

const NO_LEASE = Number.POSITIVE_INFINITY;
const REFUSED = -1;

/** Reads of this node's clients. */
export function startReads(state: RaftState, ids: readonly number[], mode: 'index' | 'lease', out: Outbox): void {
  if (state.role !== 'leader') return forwardReads(state, ids, out);
  if (mode === 'lease' && hasCommittedInTerm(state)) {
    const leaseUntilMs = leaseUntil(state);
    if (leaseUntilMs > state.nowMs) {
      for (const id of ids) out.reads.push({ id, index: state.commit, leaseUntilMs, ledTerm: state.term });
      return;
    }
  }
  for (const id of ids) addRead(state, state.self, id, out);
  startRound(state, out);
}

/** A follower asks for an index. */
export function onReadIndex(state: RaftState, message: ReadIndex, out: Outbox): void {
  if (state.role !== 'leader') return answer(state, message.from, message.id, REFUSED, out);
  addRead(state, message.from, message.id, out);
  startRound(state, out);
}

function addRead(state: RaftState, from: ReplicaId, id: number, out: Outbox): void {
  // Whoever is about to take over may commit what we do not see.
  if (isHandingOver(state) || state.reads.length >= state.settings.readsMax) {
    answer(state, from, id, REFUSED, out);
  } else {
    state.reads.push({ from, id, seq: 0, index: 0 });
  }
}

/**
 * One round for all reads that have none, and one at a time: those that come while it is under way share the next. One that is not answered within the time of a heartbeat is not
 * waited for. A new leader does not know what is committed until something of its own term is: its reads wait for that.
 */
export function startRound(state: RaftState, out: Outbox): void {
  const last = state.reads[state.reads.length - 1];
  if (last === undefined || last.seq > 0 || !hasCommittedInTerm(state)) return;
  if (state.reads[0]!.seq > 0 && state.nowMs - state.roundMs < state.settings.heartbeatMs) return;
  state.roundMs = state.nowMs;
  const seq = ++state.readSeq;
  const own = findProgress(state.progress, state.self);
  if (own !== undefined) own.readAck = seq;
  for (let i = state.reads.length - 1; i >= 0 && state.reads[i]!.seq === 0; i--) {
    state.reads[i]!.seq = seq;
    state.reads[i]!.index = state.commit;
  }
  broadcastHeartbeat(state, out);
  releaseReads(state, out);
}

/** Answers the reads whose rounds are confirmed. */
export function releaseReads(state: RaftState, out: Outbox): void {
  const { reads } = state;
  if (reads.length === 0) return;
  const confirmed = quorumValue(state.membership, state.progress, readAckOf);
  let released = 0;
  while (released < reads.length && reads[released]!.seq > 0 && reads[released]!.seq <= confirmed) {
    const { from, id, index } = reads[released]!;
    answer(state, from, id, index, out);
    released++;
  }
  if (released === 0) return;
  reads.splice(0, released);
  startRound(state, out);
}

/** Nobody here can answer them any more; whoever asked may ask again. */
export function refuseReads(state: RaftState, out: Outbox): void {
  for (const { from, id } of state.reads) answer(state, from, id, REFUSED, out);
  state.reads = [];
}

function answer(state: RaftState, to: ReplicaId, id: number, index: number, out: Outbox): void {
  if (to === state.self) {
    out.reads.push({ id, index, leaseUntilMs: NO_LEASE, ledTerm: index === REFUSED ? 0 : state.term });
  } else {
    out.messages.push({ type: 'readIndexReply', group: state.group, from: state.self, to, term: state.term, id, index });
  }
}

/**
 * Counts from when a quorum's newest answered heartbeats were sent, by our clock, which may be the slower one. There is no lease while others may know of
 * a membership that is not in force here yet: they may elect among themselves.
 */
export function leaseUntil(state: RaftState): number {
  const isChanging = state.commit >= state.pendingChangeIndex && state.applied < state.pendingChangeIndex;
  if (isHandingOver(state) || state.hasTimedOutTransferee || isChanging) return 0;
  const own = findProgress(state.progress, state.self);
  if (own !== undefined) own.leaseFromMs = state.nowMs;
  const { electionMinMs, clockDrift } = state.settings;
  return quorumValue(state.membership, state.progress, leaseFromOf) + electionMinMs * (1 - clockDrift);
}

function isHandingOver(state: RaftState): boolean {
  return state.transferee !== NO_REPLICA || state.leavingIndex > 0;
}

const readAckOf = (progress: Progress): number => progress.readAck;
const leaseFromOf = (progress: Progress): number => progress.leaseFromMs;

export function hasCommittedInTerm(state: RaftState): boolean {
  return state.commit >= state.termStartIndex;
}

function forwardReads(state: RaftState, ids: readonly number[], out: Outbox): void {
  for (const id of ids) {
    if (state.lead === NO_REPLICA || state.forwarded.size >= state.settings.readsMax) {
      out.reads.push({ id, index: REFUSED, leaseUntilMs: NO_LEASE, ledTerm: 0 });
      continue;
    }
    const request = state.nextForwardId++;
    state.forwarded.set(request, { id, dueMs: state.nowMs + state.settings.electionMinMs });
    const { group, self, lead, term } = state;
    out.messages.push({ type: 'readIndex', group, from: self, to: lead, term, id: request });
  }
}

export function onReadIndexReply(state: RaftState, message: ReadIndexReply, out: Outbox): void {
  const request = state.forwarded.get(message.id);
  if (request === undefined) return;
  state.forwarded.delete(message.id);
  out.reads.push({ id: request.id, index: message.index, leaseUntilMs: NO_LEASE, ledTerm: 0 });
}

/** The leader has not answered: it, the request or the answer is gone. */
export function expireForwarded(state: RaftState, out: Outbox): void {
  for (const [request, { id, dueMs }] of state.forwarded) {
    if (dueMs > state.nowMs) break;
    state.forwarded.delete(request);
    out.reads.push({ id, index: REFUSED, leaseUntilMs: NO_LEASE, ledTerm: 0 });
  }
}
