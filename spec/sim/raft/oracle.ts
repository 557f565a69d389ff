/**
 * Knows everything and checks what must hold, after every event: what Raft promises, and the steps by which it keeps the promises. It has its own idea of quorums, memberships and
 * votes, taken from the paper and not from the code that it watches.
 */
import { decodeChange } from '../../../src/actors/raft/codec/membership-codec.ts';
import { leaseUntil } from '../../../src/actors/raft/core/reads.ts';
import type { RaftState } from '../../../src/actors/raft/core/state.ts';
import { type Entry, MEMBERSHIP } from '../../../src/actors/raft/entry.ts';
import type { Membership } from '../../../src/actors/raft/membership.ts';
import { changed } from '../../../src/actors/raft/membership-change.ts';
import { nodeOfReplica, type ReplicaId } from '../../../src/actors/raft/replica.ts';
import { mix32 } from '../../../src/base/prng.ts';
import type { SimNode } from './sim-node.ts';

export class Violation extends Error {
  override readonly name = 'Violation';
}

interface Committed {
  readonly term: number;
  /** Of the leader that committed it. */
  readonly byTerm: number;
  readonly hash: number;
}

/** What one process has been seen to be. */
interface Seen {
  process: number;
  term: number;
  commit: number;
  applied: number;
  role: string;
  stable: number;
  membership: Membership | undefined;
  /** It leads with this membership since then. */
  leaderMs: number;
}

interface GroupRecord {
  /** By index; 0 is unused. */
  readonly committed: Committed[];
  readonly memberships: { readonly index: number; readonly membership: Membership }[];
  /** Chain of the state machine by applied index. */
  readonly chains: Map<number, number>;
  readonly leaders: Map<number, ReplicaId>;
  /** Terms in which somebody has campaigned. */
  termMax: number;
  readonly seen: Map<number, Seen>;
}

const NO_MEMBERSHIP: Membership = { voters: [], outgoing: [], learners: [], learnersNext: [] };

export class Oracle {
  readonly groups: Map<number, GroupRecord> = new Map();
  readonly #nodes: readonly SimNode[];
  /** When a node last got a message of another: by `to * 1000 + from`, for leaders that hear nobody. */
  readonly heardMs: Map<number, number> = new Map();
  checks = 0;
  /** A leader has just been elected and has sent nothing yet. */
  onElected: (state: RaftState) => void = () => {};

  constructor(nodes: readonly SimNode[], groups: number) {
    this.#nodes = nodes;
    for (let group = 1; group <= groups; group++) {
      this.groups.set(group, {
        committed: [{ term: 0, byTerm: 0, hash: 0 }],
        memberships: [{ index: 0, membership: NO_MEMBERSHIP }],
        chains: new Map(),
        leaders: new Map(),
        termMax: 1,
        seen: new Map(),
      });
    }
  }

  /** Newest index that is committed somewhere. */
  committedIndex(group: number): number {
    return this.groups.get(group)!.committed.length - 1;
  }

  membershipAt(group: number, index: number): Membership {
    const { memberships } = this.groups.get(group)!;
    let found = memberships[0]!.membership;
    for (const since of memberships) if (since.index <= index) found = since.membership;
    return found;
  }

  /** The newest committed membership. */
  membership(group: number): Membership {
    return this.groups.get(group)!.memberships.at(-1)!.membership;
  }

  check(node: SimNode): void {
    if (node.raft === undefined) return;
    this.checks++;
    for (const [id, group] of node.raft.groups)
      if (group.poison === undefined) this.#checkGroup(node, this.groups.get(id)!, group.state);
  }

  #checkGroup(node: SimNode, record: GroupRecord, state: RaftState): void {
    const seen = this.#seen(node, record);
    const { log, role } = state;
    must(state.term >= seen.term, 'terms only grow');
    must(state.commit >= seen.commit && state.applied >= seen.applied, 'commit and applied only grow');
    must(state.applied <= state.commit && state.commit <= log.lastIndex, 'applied <= commit <= last');
    must(log.snapshotIndex <= state.snapshot.index && state.snapshot.index <= state.commit, 'compacted <= snapshot <= commit');
    must(state.applied <= state.stable, 'nothing is applied that is not durable');
    if (role === 'candidate' || role === 'leader') record.termMax = Math.max(record.termMax, state.term);
    must(state.term <= record.termMax, 'a term begins with a candidate');
    if (role === 'preCandidate' || role === 'candidate') must(state.lead === 0, 'a candidate follows nobody');
    if (role === 'leader' && (seen.role !== 'leader' || seen.term !== state.term)) this.#elected(node, record, state);
    if (state.commit > seen.commit) this.#committed(record, state, seen);
    if (state.stable !== seen.stable) this.#checkStable(node, state);
    if (state.installing === undefined && (state.applied !== seen.applied || state.membership !== seen.membership)) {
      must(
        sameMembership(state.membership, this.membershipAt(state.group, state.applied)),
        'the membership is that of what is applied',
      );
    }
    if (role !== 'leader' || seen.role !== 'leader' || state.membership !== seen.membership) seen.leaderMs = node.world.nowMs();
    if (role === 'leader') this.#checkLeader(node, state, seen);
    seen.term = state.term;
    seen.commit = state.commit;
    seen.applied = state.applied;
    seen.membership = state.installing === undefined ? state.membership : undefined;
    seen.role = role;
    seen.stable = state.stable;
  }

  /** Terms outlive a process as far as they were durable; commit and applied are found again. */
  #seen(node: SimNode, record: GroupRecord): Seen {
    let seen = record.seen.get(node.id);
    if (seen === undefined || seen.process !== node.process) {
      seen = { process: node.process, term: 0, commit: 0, applied: 0, role: '', stable: -1, membership: undefined, leaderMs: 0 };
      record.seen.set(node.id, seen);
    }
    return seen;
  }

  #elected(node: SimNode, record: GroupRecord, state: RaftState): void {
    const before = record.leaders.get(state.term);
    must(before === undefined || before === state.self, `one leader in term ${state.term}: ${before} and ${state.self}`);
    record.leaders.set(state.term, state.self);
    // A candidate may learn late that it has won an old term: then it need not have what was committed in later ones.
    const last = record.committed.findLastIndex(({ byTerm }) => byTerm < state.term);
    must(
      last <= state.log.snapshotIndex || state.log.term(last) === record.committed[last]!.term,
      'a leader has all that is committed',
    );
    const own = node.durable(state.group)?.hard;
    const isOwnDurable = own !== undefined && (own.term > state.term || (own.term === state.term && own.vote === state.self));
    const voted = (id: ReplicaId): boolean => this.votes.get(voteKey(state.group, state.term, id)) === state.self;
    must(
      isQuorum(state.membership, (id) => (id === state.self ? isOwnDurable : voted(id))),
      'a leader has the votes of a quorum',
    );
    if (node.world.swarm.leaseReads) this.#checkLeases(state);
    this.onElected(state);
  }

  /** Votes that were given, by group, term and voter. */
  readonly votes: Map<string, ReplicaId> = new Map();

  /** No older leader may still answer from its lease. */
  #checkLeases(state: RaftState): void {
    for (const other of this.#nodes) {
      const old = other.group(state.group)?.state;
      if (old === undefined || old.self === state.self || old.role !== 'leader' || old.term >= state.term) continue;
      must(other.now() >= leaseUntil(old), 'the lease of the leader before is over');
    }
  }

  #committed(record: GroupRecord, state: RaftState, seen: Seen): void {
    const { log } = state;
    const first = Math.max(seen.commit + 1, log.firstIndex);
    if (first > state.commit) return;
    for (let index = first; index <= state.commit; ) {
      const entries = peek(state, index);
      for (const entry of entries) this.#commitEntry(record, state, entry, seen.role === 'leader');
      index += entries.length;
    }
  }

  #commitEntry(record: GroupRecord, state: RaftState, entry: Entry, wasLeader: boolean): void {
    const { index, term } = entry;
    const hash = hashOf(entry);
    const known = record.committed[index];
    if (known !== undefined) {
      must(known.term === term && known.hash === hash, `committed is committed: ${index} is of term ${known.term}, not ${term}`);
      return;
    }
    must(index === record.committed.length, 'indexes are committed in order');
    must(wasLeader || state.role === 'leader' || index === 1, `a leader commits first, not a ${state.role}`);
    if (index === state.commit && index > 1 && state.role === 'leader')
      must(term === state.term, 'a leader counts only entries of its own term');
    if (index > 1) {
      const inForce = this.membershipAt(state.group, state.applied);
      must(
        isQuorum(inForce, (id) => this.#hasDurably(state.group, id, index, term)),
        `${index} is on the disks of a quorum`,
      );
    }
    record.committed.push({ term, byTerm: state.role === 'leader' ? state.term : term, hash });
    if (entry.kind !== MEMBERSHIP) return;
    const next = changed(record.memberships.at(-1)!.membership, decodeChange(entry.data));
    if (typeof next !== 'string') record.memberships.push({ index, membership: next });
  }

  #hasDurably(group: number, id: ReplicaId, index: number, term: number): boolean {
    const node = this.#node(id);
    // What a lost disk had acknowledged, it had.
    if (node === undefined) return true;
    const durable = node.durable(group);
    if (durable === undefined) return false;
    return durable.compacted.index >= index || durable.term(index) === term;
  }

  /** Undefined: a stranger by now. */
  #node(id: ReplicaId): SimNode | undefined {
    const node = this.#nodes[nodeOfReplica(id) - 1];
    return node?.replica === id ? node : undefined;
  }

  #checkStable(node: SimNode, state: RaftState): void {
    const durable = node.durable(state.group);
    const { stable, log } = state;
    if (stable <= log.snapshotIndex || stable <= state.snapshot.index) return;
    must(durable !== undefined && stable <= durable.lastIndex, `${stable} is said to be durable and is not`);
    must(durable.compacted.index >= stable || durable.term(stable) === log.term(stable), `another entry is durable at ${stable}`);
  }

  #checkLeader(node: SimNode, state: RaftState, seen: Seen): void {
    const { inflightBytesMax, electionMinMs } = state.settings;
    for (const progress of state.progress) {
      must(progress.inflights.bytes < inflightBytesMax + 100_000, 'in-flight windows are bounded');
      if (progress.id === state.self) continue;
      must(progress.match < progress.next, 'match < next');
      const durable = this.#node(progress.id)?.durable(state.group);
      if (durable === undefined || durable.hard.term > state.term) continue;
      must(progress.match <= durable.lastIndex, `${progress.id} still has what it acknowledged`);
    }
    if (state.log.lastIndex > state.commit) this.#checkChanges(state);
    // Two checks of the quorum, one that new members are spared, and the clock's skew.
    const sinceMs = node.world.nowMs() - 3.3 * electionMinMs - 100;
    if (seen.leaderMs > sinceMs || node.pausedUntilMs > sinceMs) return;
    const hears = (id: ReplicaId): boolean => {
      const from = nodeOfReplica(id);
      return from === node.id || (this.heardMs.get(node.id * 1000 + from) ?? 0) > sinceMs;
    };
    must(isQuorum(state.membership, hears), 'a leader that hears no quorum resigns');
  }

  #checkChanges(state: RaftState): void {
    let changes = 0;
    for (let index = Math.max(state.commit + 1, state.log.firstIndex); index <= state.log.lastIndex; ) {
      const entries = peek(state, index);
      for (const { kind, term } of entries) {
        if (kind !== MEMBERSHIP) continue;
        changes++;
        if (term === state.term) must(state.commit >= state.termStartIndex, 'a leader changes nothing before it has committed');
      }
      index += entries.length;
    }
    must(changes <= 1, 'one membership change at a time');
  }

  /** The state machine of a replica is at `index`. */
  applied(group: number, index: number, chain: number): void {
    const { chains } = this.groups.get(group)!;
    const known = chains.get(index);
    must(known === undefined || known === chain, `replicas are the same at ${index}`);
    chains.set(index, chain);
  }
}

export function must(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Violation(what);
}

export function voteKey(group: number, term: number, voter: ReplicaId): string {
  return `${group}:${term}:${voter}`;
}

export function isQuorum({ voters, outgoing }: Membership, has: (id: ReplicaId) => boolean): boolean {
  return isMajority(voters, has) && (outgoing.length === 0 || isMajority(outgoing, has));
}

function isMajority(ids: readonly ReplicaId[], has: (id: ReplicaId) => boolean): boolean {
  return ids.filter(has).length * 2 > ids.length;
}

function sameMembership(a: Membership, b: Membership): boolean {
  return (
    a.voters.join() === b.voters.join() &&
    a.outgoing.join() === b.outgoing.join() &&
    a.learners.join() === b.learners.join() &&
    a.learnersNext.join() === b.learnersNext.join()
  );
}

/** Entries of a log without disturbing it: one that is cold is looked at in memory all the same. */
function peek(state: RaftState, index: number): readonly Entry[] {
  const log = state.log as RaftState['log'] & { readonly warm?: RaftState['log'] };
  return (log.warm ?? log).entries(index, log.lastIndex, 1)!;
}

function hashOf({ kind, data }: Entry): number {
  let hash = kind + 1;
  for (let i = 0; i < data.length; i++) hash = mix32(hash ^ data[i]!) + i;
  return hash;
}
