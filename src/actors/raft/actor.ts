/**
 * All Raft groups of one node, on one thread: feeds a `RaftNode` with frames, requests, ticks and news of the disk, and flushes it when the turn ends, so a turn is one write and one frame per
 * peer. It keeps nothing that is not on disk: an error in it ends the thread, and the next incarnation recovers. An error in one group stops that group alone.
 */
import { cloneBytes } from '../../base/bytes.ts';
import { SluiceError } from '../../base/errors.ts';
import { RAFT_TICK_MS } from '../../base/limits.ts';
import type { Actor, ActorContext, ReplyTo, TerminationReason } from '../../runtime/actor.ts';
import type { ActorRef } from '../../runtime/ref.ts';
import type { ActorSystem } from '../../runtime/system.ts';
import { numberOf } from '../../wire/classes.ts';
import { type Founding, founding, JOINING } from './founding.ts';
import { NO_MEMBERSHIP } from './membership.ts';
import { MemoryLog } from './memory-log.ts';
import {
  type GroupReply,
  type GroupStatus,
  type GroupsOverview,
  RAFT_FRAME,
  type RaftRequest,
  type ReadReply,
} from './messages.ts';
import type { Group } from './node/group.ts';
import type { ProposalOutcome } from './node/proposals.ts';
import { newCounters, RaftNode, type RaftNodeCounters, type RaftNodeOptions } from './node/raft-node.ts';
import { RAFT_PROBE } from './probe.ts';
import { formatReplica } from './replica.ts';
import type { StateMachine } from './state-machine.ts';
import type { NodeStorage, RecoveredGroup } from './storage.ts';

const { slot } = RAFT_PROBE;
const TICK = 1;
/** What is counted by a walk over all groups is as of some tenths of a second ago. */
const TICKS_PER_GAUGE = 10;
const SETTLE: RaftRequest = { type: 'settle' };
const DURABLE = 1;
const FAILED = 2;
const COUNTED = Object.keys(newCounters()) as (keyof RaftNodeCounters)[];

export interface RaftActorOptions
  extends Pick<
    RaftNodeOptions,
    'self' | 'settings' | 'transport' | 'snapshots' | 'snapshotLogBytes' | 'snapshotBytesPerSecond' | 'snapshotChunkBytes'
  > {
  readonly storage: NodeStorage;
  /** The state of a group as this node has it; it may be behind the group's snapshot. */
  readonly machineOf: (group: number) => StateMachine;
  readonly onPoisoned?: (group: number, error: unknown) => void;
  /** The disk has failed, or the actor itself: the node has to end. */
  readonly onFailed: (error: unknown) => void;
}

export class RaftActor implements Actor<RaftRequest> {
  readonly #system: ActorSystem;
  readonly #options: RaftActorOptions;
  #node: RaftNode | undefined;
  #isFlushDue = false;
  #isSettling = false;
  #ticks = 0;

  constructor(system: ActorSystem, options: RaftActorOptions) {
    this.#system = system;
    this.#options = options;
    system.atTurnEnd(() => this.#flush());
  }

  started(ctx: ActorContext<RaftRequest>): void {
    const { storage } = this.#options;
    this.#node = new RaftNode({
      ...this.#options,
      seed: Math.floor(ctx.random() * 2 ** 31),
      now: () => ctx.now(),
      onDirty: () => {
        this.#isFlushDue = true;
        this.#system.requestTurn();
      },
      onRole: () => this.#count('roleChanges', 1),
      onPoisoned: (group, error) => {
        this.#options.onPoisoned?.(group.id, error);
        this.#gauges();
      },
    });
    storage.listen({
      durable: (batch) => ctx.io(DURABLE, batch),
      failed: (error) => ctx.io(FAILED, error),
    });
    for (const [group, found] of storage.groups) this.#recover(group, found);
    ctx.startTimer(RAFT_TICK_MS, TICK);
  }

  receive(request: RaftRequest, ctx: ActorContext<RaftRequest>): void {
    const to = ctx.replyTo();
    switch (request.type) {
      case 'found':
        return this.#begin(request.group, founding(request.voters), to, ctx);
      case 'join':
        return this.#begin(request.group, JOINING, to, ctx);
      case 'unreachable':
        return this.#node!.unreachable(request.node);
      case 'settle':
        this.#isSettling = false;
        return this.#flush();
      case 'overview':
        if (to !== undefined) ctx.respond(to, this.#overview());
        return;
      default:
        return this.#onGroup(request, to, ctx);
    }
  }

  receiveBytes(kind: number, bytes: Uint8Array, start: number, end: number, ctx: ActorContext<RaftRequest>): void {
    if (numberOf(kind) !== RAFT_FRAME) return;
    this.#node!.receive(cloneBytes(bytes, start, end));
    this.#settleSoon(ctx);
  }

  onIo(event: number, argument: unknown, ctx: ActorContext<RaftRequest>): void {
    if (event === DURABLE) {
      this.#node!.durable(argument as number);
      return this.#settleSoon(ctx);
    }
    this.#node!.failed();
    this.#options.onFailed(argument);
  }

  onTimer(key: number, ctx: ActorContext<RaftRequest>): void {
    ctx.startTimer(RAFT_TICK_MS, key);
    this.#node!.tick();
    if (this.#ticks++ % TICKS_PER_GAUGE === 0) this.#gauges();
  }

  stopping(reason: TerminationReason): void {
    // What it knows is on disk and in its peers; another instance would not begin where this one was.
    if (reason !== 'stopped') this.#options.onFailed(new Error('the groups failed'));
    for (const group of this.#node?.groups.values() ?? []) group.close();
    this.#node = undefined;
  }

  inspect(): unknown {
    const node = this.#node;
    if (node === undefined) return {};
    return {
      self: formatReplica(node.self),
      counters: node.counters,
      snapshots: node.snapshotTransfers,
      groups: [...node.groups.values()].map((group) => ({
        group: group.id,
        ...statusOf(group),
        lead: formatReplica(group.state.lead),
        members: picture(group),
        waiting: group.waiting,
        ...(group.poison === undefined ? {} : { poison: String(group.poison) }),
      })),
    };
  }

  /** A state machine that is behind its snapshot takes that first. */
  #recover(group: number, found: RecoveredGroup): void {
    const machine = this.#options.machineOf(group);
    const { compacted, entries, hard, snapshot } = found;
    const open = (): void => {
      const log = new MemoryLog(compacted.index, compacted.term, entries);
      this.#node!.open({ group, log, hard, snapshot, machine, isNew: false });
    };
    if (machine.appliedIndex >= snapshot.index) return open();
    const kept = this.#options.snapshots.openAt(group, snapshot.index);
    if (kept === undefined) return this.#options.onFailed(missing(group, snapshot.index));
    machine.restore(kept.meta, kept.reader, () => {
      kept.reader.close();
      open();
    });
  }

  #begin(group: number, { hard, entries }: Founding, to: ReplyTo | undefined, ctx: ActorContext<RaftRequest>): void {
    const node = this.#node!;
    const isOk = !node.groups.has(group) && !this.#options.storage.groups.has(group);
    if (isOk) {
      const snapshot = { index: 0, term: 0, membership: NO_MEMBERSHIP };
      node.open({
        group,
        log: new MemoryLog(0, 0, entries),
        hard,
        snapshot,
        machine: this.#options.machineOf(group),
        isNew: true,
      });
    }
    const respond = (): void => {
      if (to !== undefined) ctx.respond(to, { isOk } satisfies GroupReply);
    };
    // Others may build on it: not before it is sure to be there again after a crash.
    if (isOk && entries.length > 0)
      this.#node!.whenSettled(() => this.#node!.runWhenDurable(this.#node!.groups.get(group)!, respond));
    else respond();
  }

  #overview(): GroupsOverview {
    const { self, groups } = this.#node!;
    return {
      self,
      groups: [...groups.values()].map((group) => ({
        group: group.id,
        ...statusOf(group),
        membership: group.state.membership,
        ...(group.poison === undefined ? {} : { poison: String(group.poison) }),
      })),
    };
  }

  #onGroup(
    request: Extract<RaftRequest, { type: 'propose' | 'read' | 'changeMembership' | 'transfer' | 'status' }>,
    to: ReplyTo | undefined,
    ctx: ActorContext<RaftRequest>,
  ): void {
    const group = this.#node!.groups.get(request.group);
    const respond = (reply: ProposalOutcome | ReadReply | GroupStatus): void => {
      if (to !== undefined) ctx.respond(to, reply);
    };
    switch (request.type) {
      case 'propose':
        if (group === undefined) return respond({ result: 'not', reason: 'not_leader' });
        return group.propose(request.data, respond);
      case 'changeMembership':
        if (group === undefined) return respond({ result: 'not', reason: 'not_leader' });
        return group.changeMembership(request.change, respond);
      case 'read': {
        const done = (isOk: boolean, ledTerm: unknown): void =>
          respond({
            isOk,
            applied: group?.state.applied ?? 0,
            lead: group?.state.lead ?? 0,
            ledTerm: isOk ? (ledTerm as number) : 0,
          });
        if (group === undefined) return done(false, 0);
        return group.read(request.mode, { look: ({ ledTerm }) => ledTerm, done });
      }
      case 'transfer':
        return group?.step({ type: 'transfer', to: request.to, now: ctx.now() });
      case 'status':
        return respond(group === undefined ? ABSENT : statusOf(group));
    }
  }

  /**
   * News from peers and the disk: what they have completed is answered within this turn. At its end it would be too late for those on this thread who ask in the
   * name of others, and their answers would leave with the next.
   */
  #settleSoon(ctx: ActorContext<RaftRequest>): void {
    if (!this.#isSettling) this.#isSettling = ctx.tell(ctx.self as ActorRef<RaftRequest>, SETTLE);
  }

  #flush(): void {
    if (!this.#isFlushDue || this.#node === undefined) return;
    this.#isFlushDue = false;
    this.#node.flush();
    this.#countFrom(this.#node.counters);
  }

  /** What of `RaftNode.counters` the slots have. */
  readonly #counted = newCounters();

  /** The node counts from its start, the slots outlive it. */
  #countFrom(counters: RaftNodeCounters): void {
    for (const key of COUNTED) {
      this.#count(key, counters[key] - this.#counted[key]);
      this.#counted[key] = counters[key];
    }
  }

  #count(key: keyof typeof slot, by: number): void {
    this.#system.slots[slot[key]]! += by;
  }

  #gauges(): void {
    let leaders = 0;
    let poisoned = 0;
    for (const { isLeader, poison } of this.#node!.groups.values()) {
      if (isLeader) leaders++;
      if (poison !== undefined) poisoned++;
    }
    this.#system.slots[slot.groups] = this.#node!.groups.size;
    this.#system.slots[slot.leaders] = leaders;
    this.#system.slots[slot.poisoned] = poisoned;
  }
}

function missing(group: number, index: number): SluiceError {
  return new SluiceError(
    'SLUICE_STORAGE_CORRUPT',
    `the snapshot ${index} of the replicated group ${group} is missing or damaged; this node has to be added anew with an empty directory`,
  );
}

const ABSENT: GroupStatus = { role: 'absent', term: 0, lead: 0, commit: 0, applied: 0, lastIndex: 0 };

function statusOf({ state, poison }: Group): GroupStatus {
  const { role, term, lead, commit, applied, log } = state;
  return { role: poison === undefined ? role : 'poisoned', term, lead, commit, applied, lastIndex: log.lastIndex };
}

function picture({ state }: Group): unknown {
  const { voters, outgoing, learners } = state.membership;
  return { voters: voters.map(formatReplica), outgoing: outgoing.map(formatReplica), learners: learners.map(formatReplica) };
}
