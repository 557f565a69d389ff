/**
 * The metadata service of a thread: takes calls for the groups that live there, makes one entry of a turn's commands and one confirmation of its reads, tells
 * watchers, ends leases, and says where else to ask. Bound: META_SERVICE_BYTES_MAX of calls under way; a further one is refused as busy.
 */
import { META_RAFT_ASK_MS, META_SERVICE_BYTES_MAX, META_TICK_MS, META_WATCHES_MAX } from '../../base/limits.ts';
import type { Actor, ActorContext } from '../../runtime/actor.ts';
import type { ActorRef } from '../../runtime/ref.ts';
import { type ByteReader, MalformedBytes } from '../raft/codec/byte-reader.ts';
import { groupName } from '../raft/group-id.ts';
import type { GroupStatus, RaftRequest, ReadReply } from '../raft/messages.ts';
import type { ProposalOutcome } from '../raft/node/proposals.ts';
import type { ReplicaId } from '../raft/replica.ts';
import type { Command } from '../raft/sessions/command-codec.ts';
import { encodeCommands } from '../raft/sessions/command-codec.ts';
import type { CommandReply } from '../raft/sessions/session-machine.ts';
import { type Answer, writeAnswer } from './codec/answer-codec.ts';
import { type Call, type CallHeader, readCall, readCallHeader } from './codec/call-codec.ts';
import { encodeCommand } from './codec/command-codec.ts';
import { Packer, unpackInPlace } from './codec/packing.ts';
import { FLUSH, type Flush, META_ANSWERS, META_CALLS } from './messages.ts';
import { META_PROBE } from './probe.ts';
import type { MetaReplicas } from './replicas.ts';
import { HostedGroup } from './service/hosted-group.ts';
import { type Caller, type CommandBatch, type ReadBatch, TurnBatches } from './service/turn-batches.ts';
import { TurnMemory } from './service/turn-memory.ts';
import type { Lease } from './state/leases.ts';
import { readRange } from './state/range.ts';
import { isHot, type MetaKey, type MetaRecord } from './state/record.ts';

const { slot } = META_PROBE;
const TICK = 1;
const CONTINUE = 1;
/** What a call costs beside its bytes, about. */
const CALL_OVERHEAD_BYTES = 200;

export interface MetaServiceOptions {
  /** The groups of this thread. */
  readonly replicas: MetaReplicas;
  /** The Raft actor of this thread. */
  readonly raft: ActorRef<RaftRequest>;
  /** The thread's counters. */
  readonly slots: Float64Array;
  /** The service of a group where `replica` lives; with 0, where on this node the group lives. 0: nowhere. */
  readonly serviceOf: (group: number, replica: ReplicaId) => ActorRef;
}

export class MetaService implements Actor<Flush> {
  readonly #options: MetaServiceOptions;
  readonly #groups = new Map<number, HostedGroup>();
  readonly #batches = new TurnBatches();
  readonly #memory = new TurnMemory();
  readonly #watchers = new Set<ActorRef>();
  #answers!: Packer;
  #ctx!: ActorContext<Flush>;
  #isFlushDue = false;
  #isPumpDue = false;
  #bytesUnderWay = 0;

  constructor(options: MetaServiceOptions) {
    this.#options = options;
  }

  started(ctx: ActorContext<Flush>): void {
    this.#ctx = ctx;
    this.#answers = new Packer((to, bytes) => ctx.tellBytes(to, META_ANSWERS, bytes, 0, bytes.length));
    ctx.startTimer(META_TICK_MS, TICK);
  }

  receive(_message: Flush): void {
    this.#flush();
  }

  receiveBytes(kind: number, bytes: Uint8Array, start: number, end: number, ctx: ActorContext<Flush>): void {
    if (kind !== META_CALLS) return this.#count('malformed', 1);
    const { sender } = ctx;
    try {
      unpackInPlace(bytes, start, end, (item) => this.#receiveCall(sender, item));
    } catch (error) {
      if (!(error instanceof MalformedBytes)) throw error;
      this.#count('malformed', 1);
    }
    this.#flushSoon();
  }

  onIo(_event: number, argument: unknown): void {
    (argument as () => void)();
    this.#flushSoon();
  }

  onTimer(key: number, ctx: ActorContext<Flush>): void {
    ctx.startTimer(META_TICK_MS, key);
    const now = ctx.now();
    let keys = 0;
    let bytes = 0;
    let hot = 0;
    let watches = 0;
    for (const replica of this.#options.replicas.all()) {
      const group = this.#group(replica.group)!;
      const { keyspace, leases } = replica.machine;
      keys += keyspace.size;
      bytes += keyspace.bytes;
      hot += keyspace.hotBytes;
      watches += group.watches.size;
      if (group.watches.size > 0) group.watches.tick(now);
      if (leases.size > 0 || group.leases.term > 0) this.#watchLeases(group);
    }
    const { slots } = this.#options;
    slots[slot.keys] = keys;
    slots[slot.stateBytes] = bytes;
    slots[slot.hotBytes] = hot;
    slots[slot.watches] = watches;
    this.#options.replicas.flush();
    this.#flush();
  }

  onTerminated(ref: ActorRef): void {
    this.#watchers.delete(ref);
    for (const { watches } of this.#groups.values()) watches.removeAllOf(ref);
  }

  stopping(): void {
    this.#options.replicas.flush();
  }

  inspect(): unknown {
    return {
      bytesUnderWay: this.#bytesUnderWay,
      groups: [...this.#groups.values()].map(({ id, replica, watches }) => ({
        group: groupName(id),
        revision: replica.machine.revision,
        compacted: replica.machine.history.compacted,
        keys: replica.machine.keyspace.size,
        bytes: replica.machine.keyspace.bytes,
        leases: replica.machine.leases.size,
        watches: watches.size,
        applied: replica.appliedIndex,
        kept: replica.keptIndex,
        waiting: replica.waitingChanges,
      })),
    };
  }

  // ---- calls ----

  #receiveCall(to: ActorRef, reader: ByteReader): void {
    this.#count('calls', 1);
    const bytes = reader.left;
    const header = readCallHeader(reader);
    const caller: Caller = { to, id: header.id };
    let call: Call;
    try {
      call = readCall(reader);
    } catch (error) {
      if (!(error instanceof MalformedBytes)) throw error;
      this.#count('malformed', 1);
      return this.#answer(caller, { type: 'refused', reason: 'malformed' });
    }
    const group = this.#group(header.group);
    if (group === undefined) return this.#elsewhere([caller], header.group, 0);
    if (this.#bytesUnderWay + bytes > META_SERVICE_BYTES_MAX && call.type !== 'taken' && call.type !== 'unwatch') {
      this.#count('refused', 1);
      return this.#answer(caller, { type: 'refused', reason: 'busy' });
    }
    this.#serve(group, caller, header, call, bytes + CALL_OVERHEAD_BYTES);
  }

  #serve(group: HostedGroup, caller: Caller, header: CallHeader, call: Call, bytes: number): void {
    switch (call.type) {
      case 'command':
        this.#bytesUnderWay += bytes;
        return this.#batches.command(group.id, caller, this.#commandOf(call), bytes);
      case 'open':
        this.#bytesUnderWay += bytes;
        return this.#batches.command(group.id, caller, { type: 'open' }, bytes);
      case 'get':
        return this.#read(group, caller, call.isStale, () => this.#get(group, caller, call.keys));
      case 'range':
        return this.#read(group, caller, call.isStale, () => this.#range(group, caller, call));
      case 'keepAlive':
        return this.#batches.read(group.id, caller, (confirmed) => this.#renew(group, caller, call.ids, confirmed));
      case 'watch':
        return this.#watch(group, caller, header, call);
      case 'unwatch':
        return group.watches.remove(caller.to, call.watch);
      case 'taken':
        return group.watches.taken(caller.to, call.watch, call.bytes);
    }
  }

  /** The call lies in a ring or a socket; at the end of the turn the command becomes part of an entry. */
  #commandOf({ inSession, bytes }: Extract<Call, { type: 'command' }>): Command {
    const own = this.#memory.copy(bytes);
    return inSession === undefined ? { type: 'plain', bytes: own } : { type: 'session', ...inSession, bytes: own };
  }

  #group(id: number): HostedGroup | undefined {
    let group = this.#groups.get(id);
    if (group !== undefined) return group;
    const replica = this.#options.replicas.get(id);
    if (replica === undefined) return undefined;
    const tell = (to: ActorRef, watch: number, answer: Answer): number => this.#tellWatcher(to, watch, answer);
    const onChange = (): void => {
      this.#isPumpDue = true;
      this.#flushSoon();
    };
    group = new HostedGroup(replica, tell, () => this.#ctx.now(), onChange);
    this.#groups.set(id, group);
    return group;
  }

  // ---- the turn's end ----

  #flushSoon(): void {
    if (!this.#isFlushDue) this.#isFlushDue = this.#ctx.tell(this.#ctx.self as ActorRef<Flush>, FLUSH);
  }

  #flush(): void {
    this.#isFlushDue = false;
    for (const batch of this.#batches.takeCommands()) this.#propose(batch);
    this.#memory.clear();
    for (const batch of this.#batches.takeReads()) this.#confirm(batch);
    if (this.#isPumpDue) {
      this.#isPumpDue = false;
      for (const { watches } of this.#groups.values()) if (watches.size > 0) watches.pump();
    }
    this.#answers.flush();
  }

  #propose(batch: CommandBatch): void {
    const { group, commands, callers } = batch;
    this.#count('commands', commands.length);
    this.#count('entries', 1);
    const data = encodeCommands({ timeMs: this.#ctx.wallClock(), commands });
    this.#askRaft<ProposalOutcome>({ type: 'propose', group, data }, (outcome) => {
      this.#bytesUnderWay -= batch.bytes;
      if (outcome === undefined || outcome.result === 'unknown') {
        for (const caller of callers) this.#answer(caller, UNKNOWN);
      } else if (outcome.result === 'ok') {
        for (const [i, reply] of (outcome.reply as CommandReply[]).entries()) this.#answer(callers[i]!, answerOf(reply));
      } else if (outcome.reason === 'too_many_uncommitted' || outcome.reason === 'disk_full') {
        this.#count('refused', callers.length);
        for (const caller of callers) this.#answer(caller, { type: 'refused', reason: 'busy' });
      } else {
        this.#toLeader(callers, group);
      }
    });
  }

  #confirm({ group, reads, callers }: ReadBatch): void {
    this.#count('reads', reads.length);
    this.#count('readRounds', 1);
    this.#askRaft<ReadReply>({ type: 'read', group, mode: 'index' }, (reply) => {
      if (reply?.isOk === true) for (const read of reads) read(reply);
      else this.#elsewhere(callers, group, reply?.lead ?? 0);
    });
  }

  #toLeader(callers: readonly Caller[], group: number): void {
    this.#askRaft<GroupStatus>({ type: 'status', group }, (status) => this.#elsewhere(callers, group, status?.lead ?? 0));
  }

  #elsewhere(callers: readonly Caller[], group: number, lead: ReplicaId): void {
    this.#count('elsewhere', callers.length);
    const known = lead !== 0 || !this.#groups.has(group);
    const service = known ? this.#options.serviceOf(group, lead) : 0;
    const answer: Answer = { type: 'elsewhere', service: service === this.#ctx.self ? 0 : service };
    for (const caller of callers) this.#answer(caller, answer);
  }

  #askRaft<R>(request: RaftRequest, then: (reply: R | undefined) => void): void {
    this.#ctx.ask<RaftRequest, R>(this.#options.raft, request, META_RAFT_ASK_MS, (reply) => {
      then(reply);
      this.#flushSoon();
    });
  }

  // ---- reads ----

  #read(group: HostedGroup, caller: Caller, isStale: boolean, read: () => void): void {
    if (isStale) read();
    else this.#batches.read(group.id, caller, read);
  }

  #get(group: HostedGroup, caller: Caller, keys: readonly MetaKey[]): void {
    if (group.replica.isRestoring) return this.#elsewhere([caller], group.id, 0);
    const { machine } = group.replica;
    const records = keys.map((key) => machine.keyspace.get(key));
    this.#whenWarm(group, records, (isWarm) => {
      if (isWarm) this.#answer(caller, { type: 'values', revision: machine.revision, records });
      else this.#get(group, caller, keys);
    });
  }

  #range(group: HostedGroup, caller: Caller, call: Extract<Call, { type: 'range' }>): void {
    if (group.replica.isRestoring) return this.#elsewhere([caller], group.id, 0);
    const page = readRange(group.replica.machine, call);
    if (page.type !== 'page') return this.#answer(caller, page);
    this.#whenWarm(group, page.records, (isWarm) => {
      if (isWarm) this.#answer(caller, page);
      else this.#range(group, caller, call);
    });
  }

  /** At once when all values are there; else false, when they have been fetched: then the state is to be looked at again. */
  #whenWarm(group: HostedGroup, records: readonly (MetaRecord | undefined)[], then: (isWarm: boolean) => void): void {
    if (group.replica.machine.keyspace.isHot) return then(true);
    const cold = records.flatMap((record) => (record !== undefined && !isHot(record) ? [record.key] : []));
    if (cold.length === 0) return then(true);
    group.replica.warm(cold, () => this.#ctx.io(CONTINUE, () => then(false)));
  }

  // ---- watches and leases ----

  #watch(group: HostedGroup, caller: Caller, { id }: CallHeader, call: Extract<Call, { type: 'watch' }>): void {
    if (group.replica.isRestoring) return this.#elsewhere([caller], group.id, 0);
    let watches = 0;
    for (const each of this.#groups.values()) watches += each.watches.size;
    if (watches >= META_WATCHES_MAX) return this.#answer(caller, { type: 'refused', reason: 'too_many_watches' });
    if (!this.#watchers.has(caller.to)) {
      this.#watchers.add(caller.to);
      this.#ctx.watch(caller.to);
    }
    group.watches.add(caller.to, id, call.from, call.to, call.since);
  }

  #tellWatcher(to: ActorRef, watch: number, answer: Answer): number {
    let bytes = 0;
    this.#answers.add(to, (writer) => {
      const before = writer.length;
      writeAnswer(writer, watch, answer);
      bytes = writer.length - before;
    });
    if (answer.type === 'events') this.#count('events', answer.steps.length);
    this.#flushSoon();
    return bytes;
  }

  #watchLeases(group: HostedGroup): void {
    this.#askRaft<GroupStatus>({ type: 'status', group: group.id }, (status) => {
      const now = this.#ctx.now();
      group.leases.leads(status?.role === 'leader' ? status.term : 0, now);
      const leases = group.leases.due(now);
      if (leases.length > 0) this.#expire(group, leases, group.leases.term);
    });
  }

  #expire(group: HostedGroup, leases: readonly Lease[], term: number): void {
    const commands: Command[] = [{ type: 'plain', bytes: encodeCommand({ type: 'expire', term, leases }) }];
    const data = encodeCommands({ timeMs: this.#ctx.wallClock(), commands });
    this.#askRaft<ProposalOutcome>({ type: 'propose', group: group.id, data }, (outcome) => {
      if (outcome?.result === 'not') group.leases.spared(leases, term);
    });
  }

  /** A leader that has confirmed that it leads notes it, and writes nothing: what it would have to write is known to it alone, and a later one begins anew. */
  #renew(group: HostedGroup, caller: Caller, ids: readonly number[], { ledTerm, lead }: ReadReply): void {
    if (ledTerm === 0) return this.#elsewhere([caller], group.id, lead);
    const ttlMs = group.leases.renew(ids, ledTerm, this.#ctx.now());
    if (ttlMs === undefined) return this.#answer(caller, { type: 'refused', reason: 'busy' });
    this.#count('renewals', ids.length);
    this.#answer(caller, { type: 'keptAlive', ttlMs });
  }

  #answer({ to, id }: Caller, answer: Answer): void {
    this.#answers.add(to, (writer) => writeAnswer(writer, id, answer));
  }

  #count(key: keyof typeof slot, by: number): void {
    this.#options.slots[slot[key]]! += by;
  }
}

const UNKNOWN: Answer = { type: 'unknown' };
const EXPIRED: Answer = { type: 'expired' };

function answerOf(reply: CommandReply): Answer {
  switch (reply.status) {
    case 'done':
      return { type: 'done', reply: reply.reply };
    case 'opened':
      return { type: 'opened', session: reply.session };
    case 'expired':
      return EXPIRED;
  }
}
