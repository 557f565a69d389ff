/** What must be true of a message when it leaves: whatever it promises is on the sender's disk. */
import type { PeerMessage } from '../../../src/actors/raft/codec/frame-codec.ts';
import type { RaftState } from '../../../src/actors/raft/core/state.ts';
import type { AppendReply, RequestVote, TimeoutNow, VoteReply } from '../../../src/actors/raft/message.ts';
import { must, type Oracle, voteKey } from './oracle.ts';
import type { SimNode } from './sim-node.ts';

export class MessageChecks {
  readonly #oracle: Oracle;
  readonly #nodes: readonly SimNode[];
  /** Who was told to campaign, by group, term and replica. */
  readonly #handovers = new Set<string>();

  constructor(oracle: Oracle, nodes: readonly SimNode[]) {
    this.#oracle = oracle;
    this.#nodes = nodes;
  }

  check(node: SimNode, message: PeerMessage): void {
    switch (message.type) {
      case 'requestVote':
        return this.#requestVote(node, message);
      case 'voteReply':
        return this.#voteReply(node, message);
      case 'appendReply':
        return this.#appendReply(node, message);
      case 'timeoutNow':
        return this.#timeoutNow(node, message);
      default:
    }
  }

  /** Before a frame is taken: what must hold when it was. */
  due(node: SimNode, messages: readonly PeerMessage[]): (() => void)[] {
    const byGroup = new Map<number, PeerMessage[]>();
    for (const message of messages) {
      if (message.to !== node.replica) continue;
      const known = byGroup.get(message.group);
      if (known === undefined) byGroup.set(message.group, [message]);
      else known.push(message);
    }
    return [...byGroup].flatMap(([group, [first, ...rest]]) => {
      const state = node.group(group)?.state;
      if (state === undefined) return [];
      const due = [first!, ...rest].every(({ term }) => term < state.term) ? [inert(state)] : [];
      if (first!.type === 'requestVote') due.push(...voteDue(node, state, first));
      if (first!.type === 'appendReply' && rest.length === 0) due.push(...hintDue(state, first));
      return due;
    });
  }

  #requestVote(node: SimNode, { group, term, from, isTransfer }: RequestVote): void {
    const hard = node.durable(group)?.hard;
    must(
      hard !== undefined && (hard.term > term || (hard.term === term && hard.vote === from)),
      'a candidate has voted for itself, durably',
    );
    this.#vote(group, term, from, from);
    if (isTransfer)
      must(this.#handovers.has(voteKey(group, term - 1, from)), 'a campaign for a transfer was asked for in the term before');
  }

  #voteReply(node: SimNode, { group, term, from, to, isGranted }: VoteReply): void {
    if (!isGranted) return;
    const hard = node.durable(group)?.hard;
    must(
      hard !== undefined && (hard.term > term || (hard.term === term && hard.vote === to)),
      'a vote is durable before it is told',
    );
    this.#vote(group, term, from, to);
  }

  #vote(group: number, term: number, voter: number, candidate: number): void {
    const key = voteKey(group, term, voter);
    const before = this.#oracle.votes.get(key);
    must(before === undefined || before === candidate, `one vote in term ${term}: ${voter} for ${before} and ${candidate}`);
    this.#oracle.votes.set(key, candidate);
  }

  #appendReply(node: SimNode, { group, term, to, index, isRejected }: AppendReply): void {
    const durable = node.durable(group);
    if (isRejected || index === 0 || durable === undefined || durable.hard.term > term) return;
    must(durable.lastIndex >= index, `${index} is durable before it is acknowledged`);
    const leader = this.#nodes.find(({ replica }) => replica === to)?.group(group)?.state;
    if (leader === undefined || leader.role !== 'leader' || leader.term !== term) return;
    const mine = durable.term(index);
    const theirs = leader.log.term(index);
    if (mine >= 0 && theirs >= 0) must(mine === theirs, `${index} is the leader's entry when it is acknowledged`);
  }

  #timeoutNow(node: SimNode, { group, term, to }: TimeoutNow): void {
    this.#handovers.add(voteKey(group, term, to));
    const { log, term: termNow } = node.group(group)!.state;
    const durable = this.#nodes.find(({ replica }) => replica === to)?.durable(group);
    if (durable === undefined || durable.hard.term > term || termNow > term) return;
    must(
      durable.lastIndex >= log.lastIndex && durable.term(log.lastIndex) === log.term(log.lastIndex),
      'who is to lead has all of the log, durably',
    );
  }
}

/** What was sent in an earlier term is answered at most. */
function inert(state: RaftState): () => void {
  const { term, role, vote, commit, group } = state;
  return () =>
    must(
      state.term === term && state.role === role && state.vote === vote && state.commit === commit,
      `a message of an earlier term moves nothing in group ${group}`,
    );
}

/** A candidate that has to get a vote by the paper's rule, whoever the voter thinks it is, gets it. */
function voteDue(node: SimNode, state: RaftState, { term, from, isTransfer, lastTerm, lastIndex }: RequestVote): (() => void)[] {
  if (term <= state.term) return [];
  const hears = state.role === 'leader' || node.now() - state.leaderContactMs < state.settings.electionMinMs;
  if (hears && !isTransfer) return [];
  const { log } = state;
  const ownTerm = log.term(log.lastIndex);
  if (lastTerm < ownTerm || (lastTerm === ownTerm && lastIndex < log.lastIndex)) return [];
  return [() => must(state.term > term || state.vote === from, `${from} gets the vote of ${node.id} in term ${term}`)];
}

/** A follower that tells where the logs may agree is not asked again behind that. */
function hintDue(state: RaftState, { from, term, index, isRejected, hintIndex }: AppendReply): (() => void)[] {
  const progress = state.progress.find(({ id }) => id === from);
  if (state.role !== 'leader' || term !== state.term || !isRejected || progress === undefined) return [];
  if (progress.mode !== 'probe' || progress.next - 1 !== index) return [];
  return [
    () =>
      must(
        progress.mode === 'snapshot' || progress.next - 1 <= Math.max(hintIndex, progress.match),
        `${from} is asked at its hint ${hintIndex} or before, not at ${progress.next - 1}`,
      ),
  ];
}
