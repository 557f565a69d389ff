/** What must be true of a message when it leaves: whatever it promises is on the sender's disk. */
import type { PeerMessage } from '../../../src/actors/raft/codec/frame-codec.ts';
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

  /**
   * Before a frame is taken: the candidates that have to get a vote by the paper's rule, whoever the voter thinks it is. Asked again afterwards, they must have it.
   */
  votesDue(
    node: SimNode,
    messages: readonly PeerMessage[],
  ): { readonly group: number; readonly term: number; readonly candidate: number }[] {
    const firstOf = new Map<number, PeerMessage>();
    for (const message of messages) if (!firstOf.has(message.group)) firstOf.set(message.group, message);
    return [...firstOf.values()].flatMap((message) => {
      if (message.type !== 'requestVote' || message.to !== node.replica) return [];
      const state = node.group(message.group)?.state;
      if (state === undefined || message.term <= state.term) return [];
      const hears = state.role === 'leader' || node.now() - state.leaderContactMs < state.settings.electionMinMs;
      if (hears && !message.isTransfer) return [];
      const { log } = state;
      const lastTerm = log.term(log.lastIndex);
      const isBehind = message.lastTerm < lastTerm || (message.lastTerm === lastTerm && message.lastIndex < log.lastIndex);
      return isBehind ? [] : [{ group: message.group, term: message.term, candidate: message.from }];
    });
  }

  votesGiven(node: SimNode, due: ReturnType<MessageChecks['votesDue']>): void {
    for (const { group, term, candidate } of due) {
      const state = node.group(group)!.state;
      must(state.term > term || state.vote === candidate, `${candidate} gets the vote of ${node.id} in term ${term}`);
    }
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
