/**
 * A node's place in its cluster, beside its groups on their thread: tells the other members who it is, founds or joins the groups, says when they serve, and changes who votes and who leads, asked and
 * unasked. It keeps nothing: what it knows of others is their last word on the links that stand now, the rest it asks the groups.
 */
import {
  CLUSTER_ASK_MS,
  CLUSTER_CHANGE_MS_MAX,
  CLUSTER_HAND_OVER_MS_MAX,
  CLUSTER_POLL_MS,
  CLUSTER_TICK_MS,
} from '../../base/limits.ts';
import type { Actor, ActorContext, ReplyTo, TerminationReason } from '../../runtime/actor.ts';
import { wellKnownRef } from '../../runtime/ref.ts';
import type { ActorSystem } from '../../runtime/system.ts';
import type { GroupChanged, MemberState } from '../../wire/schema-types.ts';
import { DOOR_THREAD } from '../../wire/wire.ts';
import type { MembershipChange } from '../raft/membership-change.ts';
import {
  type GroupOverview,
  type GroupReply,
  type GroupsOverview,
  type RaftRequest,
  type ReadReply,
  raftRef,
} from '../raft/messages.ts';
import type { ProposalOutcome } from '../raft/node/proposals.ts';
import { nodeOfReplica, type ReplicaId } from '../raft/replica.ts';
import { WELL_KNOWN } from '../well-known.ts';
import { decideFounding, type MemberWord } from './founding-machine.ts';
import {
  type ClusterOverview,
  type ClusterRequest,
  clusterRef,
  type HandedOver,
  type MemberView,
  type Serving,
} from './messages.ts';
import { OperatorChanges } from './operator-changes.ts';
import { isElsewhere, type LiveMember, nextChange, nextTransfer } from './rebalance.ts';

export type ClusterEvent =
  | { readonly what: 'founded' | 'joins' }
  | { readonly what: 'changes'; readonly group: number; readonly change: MembershipChange }
  | { readonly what: 'hands_over'; readonly group: number; readonly to: number };

export interface ClusterOptions {
  readonly replica: ReplicaId;
  /** All nodes of cluster.meta that hold groups, this one among them, in order. */
  readonly members: readonly number[];
  readonly groups: readonly number[];
  /** Something of a group is on disk. */
  readonly isFounded: () => boolean;
  /** The link to a node stands. */
  readonly isUp: (node: number) => boolean;
  /** A node has said where its groups are. */
  readonly onMember: (node: number, thread: number) => void;
  readonly onEvent: (event: ClusterEvent) => void;
  /** The thread has to end. */
  readonly onFailed: (error: Error) => void;
}

type Phase = 'deciding' | 'starting' | 'running';
type Word = Omit<MemberState, 'type' | 'wantsAnswer'>;

const TICK = 0;

export class ClusterActor implements Actor<ClusterRequest> {
  readonly #system: ActorSystem;
  readonly #options: ClusterOptions;
  /** The last word of each other node to which the link stands. */
  readonly #words = new Map<number, Word>();
  readonly #heard = new Set<number>();
  readonly #timers = new Map<number, () => void>();
  #nextTimer = TICK + 1;
  #ticks = 0;
  #phase: Phase = 'deciding';
  #waitsFor = '';
  #leads = 0;
  readonly #awaitServing: ReplyTo[] = [];
  #elsewhereDueMs = 0;
  #isLeaving = false;
  readonly #changes: OperatorChanges;
  #ctx!: ActorContext<ClusterRequest>;

  constructor(system: ActorSystem, options: ClusterOptions) {
    this.#system = system;
    this.#options = options;
    this.#changes = new OperatorChanges({
      node: system.node,
      replicaOf: (node) => (node === system.node ? options.replica : this.#words.get(node)?.replica),
      threadOf: (node) => this.#words.get(node)?.thread,
      now: () => this.#ctx.now(),
      later: (afterMs, run) => this.#later(afterMs, run),
      overview: (then) => this.#overview(then),
      askRaft: (request, then) => this.#askRaft(request, then),
      tellRaft: (request) => void this.#ctx.tell(raftRef(system), request),
      askLeader: (leader, request, then) => {
        const deadlineMs = CLUSTER_CHANGE_MS_MAX + CLUSTER_ASK_MS;
        this.#ctx.ask<ClusterRequest, GroupChanged>(leader, request, deadlineMs, then);
      },
    });
  }

  started(ctx: ActorContext<ClusterRequest>): void {
    this.#ctx = ctx;
    this.#system.remote.onChange((node, state) => {
      if (state === 'up') this.#say(node, true);
      else this.#words.delete(node);
    });
    this.#decide();
    ctx.startTimer(CLUSTER_TICK_MS, TICK);
  }

  receive(request: ClusterRequest, ctx: ActorContext<ClusterRequest>): void {
    const to = ctx.replyTo();
    if (request.type === 'MemberState') return this.#onWord(request);
    if (to === undefined) return;
    switch (request.type) {
      case 'serving':
        return this.#whenServing(to);
      case 'handOver':
        return this.#handOver(to);
      case 'overview':
        return this.#overview((groups) => ctx.respond(to, this.#describe(groups)));
      case 'transfer':
      case 'member':
        return this.#changes.ask(request, (reply) => ctx.respond(to, reply));
      case 'GroupTransfer':
      case 'GroupMember':
        return this.#changes.askAsLeader(request, (reply) => ctx.respond(to, reply));
    }
  }

  onTimer(key: number, ctx: ActorContext<ClusterRequest>): void {
    if (key !== TICK) {
      const run = this.#timers.get(key);
      this.#timers.delete(key);
      return run?.();
    }
    ctx.startTimer(CLUSTER_TICK_MS, TICK);
    this.#ticks++;
    const isSecond = this.#ticks % Math.round(1000 / CLUSTER_TICK_MS) === 0;
    if (this.#phase !== 'running') this.#decide();
    else if (isSecond) this.#tend();
    for (const node of this.#options.members) if (isSecond || !this.#words.has(node)) this.#say(node, !this.#words.has(node));
  }

  /** Links and timers are this instance's: there is no going on with another one. */
  stopping(reason: TerminationReason): void {
    if (reason !== 'stopped') this.#options.onFailed(new Error('the keeper of the cluster failed'));
  }

  inspect(): unknown {
    const members = this.#members().map(({ node, replica, isUp }) => ({ node, replica, isUp }));
    return { phase: this.#phase, ...(this.#waitsFor === '' ? {} : { waitsFor: this.#waitsFor }), leads: this.#leads, members };
  }

  // ── Who is there ───────────────────────────────────────────────────────────────────────────────────────────────────────────

  #word(): Word {
    const { replica, members, groups, isFounded } = this.#options;
    return {
      node: this.#system.node,
      replica,
      thread: this.#system.thread,
      members: [...members],
      groups: [...groups],
      founded: isFounded(),
      leads: this.#leads,
    };
  }

  /** To where a node's groups are, or to the door that every node has. */
  #say(node: number, wantsAnswer: boolean): void {
    if (node === this.#system.node || !this.#options.isUp(node)) return;
    const thread = this.#words.get(node)?.thread;
    const target =
      thread === undefined ? wellKnownRef<ClusterRequest>(node, DOOR_THREAD, WELL_KNOWN.clusterDoor) : clusterRef(node, thread);
    this.#ctx.tell(target, { type: 'MemberState', ...this.#word(), wantsAnswer });
  }

  #onWord({ type: _, wantsAnswer, ...word }: MemberState): void {
    if (word.node === this.#system.node) return;
    this.#words.set(word.node, word);
    this.#heard.add(word.node);
    this.#options.onMember(word.node, word.thread);
    if (wantsAnswer) this.#say(word.node, false);
    this.#decide();
  }

  #members(): MemberView[] {
    const { members, replica } = this.#options;
    const nodes = new Set([...members, ...this.#heard]);
    return [...nodes]
      .sort((a, b) => a - b)
      .map((node) => {
        if (node === this.#system.node) return { node, replica, thread: this.#system.thread, isUp: true };
        const word = this.#words.get(node);
        return { node, replica: word?.replica ?? 0, thread: word?.thread ?? 0, isUp: word !== undefined };
      });
  }

  #live(): LiveMember[] {
    return [this.#word(), ...this.#words.values()].map(({ node, replica, leads }) => ({ node, replica, leads }));
  }

  // ── Beginning ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

  #decide(): void {
    if (this.#phase !== 'deciding') return;
    const others = new Map<number, MemberWord>();
    for (const [node, word] of this.#words) if (this.#options.members.includes(node)) others.set(node, word);
    const decision = decideFounding(this.#word(), others);
    if (decision.do === 'wait') {
      this.#waitsFor = decision.why;
      return;
    }
    this.#phase = 'starting';
    this.#waitsFor = '';
    this.#options.onEvent({ what: decision.do === 'found' ? 'founded' : 'joins' });
    let left = this.#options.groups.length;
    for (const group of this.#options.groups) {
      const request: RaftRequest =
        decision.do === 'found' ? { type: 'found', group, voters: decision.voters } : { type: 'join', group };
      this.#askRaft<GroupReply>(request, () => {
        if (--left > 0) return;
        this.#phase = 'running';
        for (const node of this.#words.keys()) this.#say(node, false);
      });
    }
  }

  #whenServing(to: ReplyTo): void {
    this.#awaitServing.push(to);
    if (this.#awaitServing.length > 1) return;
    this.#probe(this.#options.groups, () => {
      for (const waiting of this.#awaitServing.splice(0))
        this.#ctx.respond(waiting, { groups: this.#options.groups.length } satisfies Serving);
    });
  }

  /** Reads of all groups until each has answered once. */
  #probe(groups: readonly number[], then: () => void): void {
    if (this.#phase !== 'running') return this.#later(CLUSTER_POLL_MS, () => this.#probe(groups, then));
    if (groups.length === 0) return then();
    let left = groups.length;
    const notYet: number[] = [];
    for (const group of groups) {
      this.#askRaft<ReadReply>({ type: 'read', group, mode: 'index' }, (reply) => {
        if (reply?.isOk !== true) notYet.push(group);
        if (--left > 0) return;
        if (notYet.length === 0) then();
        else this.#later(CLUSTER_POLL_MS, () => this.#dropElsewhere(notYet, (ours) => this.#probe(ours, then)));
      });
    }
  }

  /** Without the groups that this node has been removed from, or not been added to yet: here that cannot be known, so another member is asked, once a second. */
  #dropElsewhere(groups: readonly number[], then: (ours: readonly number[]) => void): void {
    const other = this.#words.values().next().value;
    if (other === undefined || this.#ctx.now() < this.#elsewhereDueMs) return then(groups);
    this.#elsewhereDueMs = this.#ctx.now() + 1000;
    this.#ctx.ask<ClusterRequest, ClusterOverview>(
      clusterRef(other.node, other.thread),
      { type: 'overview' },
      CLUSTER_ASK_MS,
      (overview) => {
        const gone = overview?.groups.filter((group) => isElsewhere(group, this.#system.node)).map(({ group }) => group) ?? [];
        then(groups.filter((group) => !gone.includes(group)));
      },
    );
  }

  // ── Leaders ────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  #handOver(to: ReplyTo): void {
    this.#isLeaving = true;
    const deadline = this.#ctx.now() + CLUSTER_HAND_OVER_MS_MAX;
    const told = new Map<number, number>();
    const step = (): void =>
      this.#overview((groups) => {
        const led = groups.filter(({ role }) => role === 'leader');
        const heirs = led.flatMap((group) => {
          const heir = this.#heirOf(group, told.get(group.group));
          return heir === undefined ? [] : [{ group: group.group, heir }];
        });
        if (heirs.length === 0 || this.#ctx.now() >= deadline)
          return this.#ctx.respond(to, { left: led.length } satisfies HandedOver);
        for (const { group, heir } of heirs) {
          if (told.get(group) === heir) continue;
          told.set(group, heir);
          this.#ctx.tell(raftRef(this.#system), { type: 'transfer', group, to: heir });
        }
        this.#later(CLUSTER_POLL_MS, step);
      });
    step();
  }

  /** A live voter; of several another one for each group, so that not one gets all. */
  #heirOf({ group, membership }: GroupOverview, told: ReplicaId | undefined): ReplicaId | undefined {
    const live = membership.voters.filter((id) => this.#words.get(nodeOfReplica(id))?.replica === id);
    return told !== undefined && live.includes(told) ? told : live[group % Math.max(1, live.length)];
  }

  /** Once a second, for the groups that are led here. */
  #tend(): void {
    this.#overview((groups) => {
      const led = groups.filter(({ role }) => role === 'leader');
      this.#leads = led.length;
      if (this.#isLeaving) return;
      const live = this.#live();
      for (const { group, membership } of led) {
        const change = nextChange(membership, live);
        if (change === undefined) continue;
        this.#options.onEvent({ what: 'changes', group, change });
        this.#askRaft<ProposalOutcome>({ type: 'changeMembership', group, change }, () => {});
      }
      const transfer = nextTransfer(led, live);
      if (transfer === undefined) return;
      this.#options.onEvent({ what: 'hands_over', group: transfer.group, to: nodeOfReplica(transfer.to) });
      this.#ctx.tell(raftRef(this.#system), { type: 'transfer', ...transfer });
    });
  }

  #describe(groups: readonly GroupOverview[]): ClusterOverview {
    return { node: this.#system.node, waitsFor: this.#waitsFor, members: this.#members(), groups };
  }

  #overview(then: (groups: readonly GroupOverview[]) => void): void {
    this.#askRaft<GroupsOverview>({ type: 'overview' }, (overview) => then(overview?.groups ?? []));
  }

  #askRaft<R>(request: RaftRequest, then: (reply: R | undefined) => void): void {
    this.#ctx.ask<RaftRequest, R>(raftRef(this.#system), request, CLUSTER_ASK_MS, then);
  }

  #later(afterMs: number, run: () => void): void {
    const key = this.#nextTimer++;
    this.#timers.set(key, run);
    this.#ctx.startTimer(afterMs, key);
  }
}
