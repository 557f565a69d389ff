/**
 * One group on this node: its machine, its state machine and its clients. `RaftNode` tells it what happened; at the end of a turn it hands over what is to be written
 * and sent.
 */
import { AssertionError } from '../../../base/assert.ts';
import { RAFT_ENTRY_BYTES_MAX, RAFT_SNAPSHOT_AGAIN_MS } from '../../../base/limits.ts';
import type { Input } from '../core/input.ts';
import { Outbox } from '../core/outbox.ts';
import { leaseUntil } from '../core/reads.ts';
import { snapshotMetaAt } from '../core/snapshot.ts';
import type { RaftState } from '../core/state.ts';
import { nextDeadline } from '../core/tick.ts';
import { hasWork } from '../core/work.ts';
import type { Entry } from '../entry.ts';
import { settle, step } from '../machine.ts';
import type { MembershipChange } from '../membership-change.ts';
import type { RaftMessage } from '../message.ts';
import type { ReplicaId } from '../replica.ts';
import type { SnapshotStore, StateMachine } from '../state-machine.ts';
import type { GroupWrite, SnapshotMeta } from '../storage.ts';
import { type ProposalDone, Proposals } from './proposals.ts';
import { type ReadClient, WaitingReads } from './reads-waiting.ts';

/** What a group needs of its node. */
export interface GroupHost {
  readonly snapshots: SnapshotStore;
  now(): number;
  /** The group has something to settle. */
  markDirty(group: Group): void;
  /** A group wants to hear of the time then. */
  dueBy(deadlineMs: number): void;
  /** While the turn's end is being settled. */
  send(message: RaftMessage): void;
  /** Of a group that has nothing to settle: an idle follower's answers, for which a leader's readers wait. */
  sendUnsettled(message: RaftMessage): void;
  write(group: Group, write: GroupWrite): void;
  /** Sends when everything is durable that the group has written so far. */
  sendWhenDurable(group: Group, message: RaftMessage): void;
  runWhenDurable(group: Group, run: () => void): void;
  wantsSnapshot(group: Group, to: ReplicaId): void;
  /** Role, term or leader have changed. */
  onRole(group: Group): void;
  onPoisoned(group: Group, error: unknown): void;
}

export class Group {
  readonly id: number;
  readonly state: RaftState;
  readonly machine: StateMachine;
  isDirty = false;
  /** Batch of its newest write. */
  lastBatch = 0;
  /** Its machine has broken a promise to itself: it takes part in nothing more, others go on. */
  poison: unknown = undefined;
  readonly #host: GroupHost;
  readonly #out = new Outbox();
  readonly #proposals = new Proposals();
  readonly #reads = new WaitingReads();
  readonly #snapshotLogBytes: number;
  #snapshotBytes = 0;
  #isSaving = false;
  #isSnapshotWanted = false;
  /** None is made before this. */
  #snapshotDueMs = 0;
  #isApplying = false;
  #isRestoring = false;
  /** A snapshot waits for what the state machine is doing. */
  #toInstall: SnapshotMeta | undefined = undefined;
  #newData: Uint8Array[] = [];
  #newDones: ProposalDone[] = [];
  #newReads: { readonly index: number[]; readonly lease: number[] } = { index: [], lease: [] };
  #seenRole = '';
  #seenTerm = -1;
  #seenLead = -1;

  constructor(state: RaftState, machine: StateMachine, host: GroupHost, snapshotLogBytes: number) {
    this.id = state.group;
    this.state = state;
    this.machine = machine;
    this.#host = host;
    this.#snapshotLogBytes = snapshotLogBytes;
  }

  get isLeader(): boolean {
    return this.state.role === 'leader';
  }

  get waiting(): { readonly proposals: number; readonly reads: number } {
    return { proposals: this.#proposals.size + this.#newDones.length, reads: this.#reads.size };
  }

  step(input: Input): void {
    if (this.poison !== undefined) return;
    try {
      step(this.state, input, this.#out);
    } catch (error) {
      return this.#poisoned(error);
    }
    if (this.isDirty || this.#hasWork()) return this.#host.markDirty(this);
    this.#host.dueBy(this.deadlineMs);
    const { messages } = this.#out;
    for (let i = 0; i < messages.length; i++) this.#host.sendUnsettled(messages[i]!);
    messages.length = 0;
  }

  /** Something has changed that the end of a turn has to look at. */
  #hasWork(): boolean {
    const { role, term, lead } = this.state;
    if (role !== this.#seenRole || term !== this.#seenTerm || lead !== this.#seenLead) return true;
    return this.#reads.size > 0 || this.#newDones.length > 0 || hasWork(this.state, this.#out) || this.#isSnapshotDue();
  }

  /** Until then time alone changes nothing. */
  get deadlineMs(): number {
    if (this.poison !== undefined) return Number.POSITIVE_INFINITY;
    return this.state.forwarded.size > 0 ? 0 : nextDeadline(this.state);
  }

  /** An idle group costs a comparison. */
  tick(now: number): void {
    if (now >= this.deadlineMs) this.step({ type: 'tick', now });
  }

  /** All that is proposed in a turn goes into the log, and to the followers, together. */
  propose(data: Uint8Array, done: ProposalDone): void {
    if (this.poison !== undefined) return done({ result: 'not', reason: 'not_leader' });
    if (data.length > RAFT_ENTRY_BYTES_MAX) return done({ result: 'not', reason: 'too_large' });
    this.#newData.push(data);
    this.#newDones.push(done);
    this.#host.markDirty(this);
  }

  changeMembership(change: MembershipChange, done: ProposalDone): void {
    this.#stepProposal({ type: 'changeMembership', change, now: this.#host.now() }, [done]);
  }

  read(mode: 'index' | 'lease', client: ReadClient): void {
    if (this.poison !== undefined) return client.done(false, undefined);
    this.#newReads[mode].push(this.#reads.add(client));
    this.#host.markDirty(this);
  }

  /** The turn's end. May leave the group dirty again, when its state machine has answered at once. */
  settle(): void {
    try {
      this.#feed();
      this.isDirty = false;
      if (this.poison !== undefined) return;
      settle(this.state, this.#out);
      this.#carryOut();
      this.#serveReads();
      this.#takeSnapshot();
    } catch (error) {
      return this.#poisoned(error);
    }
    this.#noticeRole();
    this.#host.dueBy(this.deadlineMs);
  }

  /** The group ends here. */
  close(): void {
    this.#proposals.abandon();
    this.#reads.abandon();
    for (const done of this.#newDones) done({ result: 'not', reason: 'not_leader' });
    this.#newDones = [];
    this.#newData = [];
  }

  /** A snapshot from the leader is durable. */
  onSnapshotReceived(meta: SnapshotMeta, from: ReplicaId): void {
    this.step({ type: 'snapshotReceived', meta, from, now: this.#host.now() });
  }

  #feed(): void {
    const now = this.#host.now();
    if (this.#newData.length > 0) {
      const entries = this.#newData;
      const dones = this.#newDones;
      this.#newData = [];
      this.#newDones = [];
      this.#stepProposal({ type: 'propose', entries, now }, dones);
    }
    if (this.#newReads.index.length > 0) this.#feedReads('index', now);
    if (this.#newReads.lease.length > 0) this.#feedReads('lease', now);
  }

  #feedReads(mode: 'index' | 'lease', now: number): void {
    const ids = this.#newReads[mode];
    this.step({ type: 'read', ids, mode, now });
    ids.length = 0;
  }

  #stepProposal(input: Input, dones: readonly ProposalDone[]): void {
    this.step(input);
    const proposed = this.#out.proposed.pop();
    if (proposed === undefined) for (const done of dones) done({ result: 'not', reason: 'not_leader' });
    else this.#proposals.add(proposed, dones);
  }

  #carryOut(): void {
    const out = this.#out;
    const host = this.#host;
    if (out.write !== undefined) host.write(this, out.write);
    for (const message of out.messages) host.send(message);
    for (const message of out.held) {
      if (out.after <= this.state.durableSeq) host.send(message);
      else host.sendWhenDurable(this, message);
    }
    for (const to of out.snapshotsFor) host.wantsSnapshot(this, to);
    for (const answer of out.reads) this.#reads.answered(answer);
    const { apply, install } = out;
    out.clear();
    // A state machine that keeps its state is not to be ahead of the log after a crash.
    if (install !== undefined) host.runWhenDurable(this, () => this.#install(install));
    if (apply.length > 0) this.#apply(apply);
  }

  #apply(entries: readonly Entry[]): void {
    this.#isApplying = true;
    this.machine.apply(entries, (replies) => {
      this.#isApplying = false;
      this.#proposals.applied(entries, replies);
      this.step({ type: 'applied', index: entries[entries.length - 1]!.index, now: this.#host.now() });
      this.#installNext();
    });
  }

  #install(meta: SnapshotMeta): void {
    this.#toInstall = meta;
    if (!this.#isApplying && !this.#isRestoring) this.#installNext();
  }

  #installNext(): void {
    const meta = this.#toInstall;
    this.#toInstall = undefined;
    // Another one may have come since.
    if (meta === undefined || this.poison !== undefined || this.state.installing?.index !== meta.index) return;
    const snapshot = this.#host.snapshots.openAt(this.id, meta.index);
    if (snapshot === undefined) return this.#poisoned(new AssertionError('the snapshot to install is there'));
    this.#isRestoring = true;
    this.machine.restore(meta, snapshot.reader, () => {
      snapshot.reader.close();
      this.#isRestoring = false;
      this.#proposals.skippedTo(meta.index);
      this.step({ type: 'snapshotInstalled', index: meta.index, now: this.#host.now() });
      this.#installNext();
    });
  }

  #serveReads(): void {
    this.#reads.serve(this.state.applied, ({ leaseUntilMs, ledTerm }) => {
      if (leaseUntilMs === Number.POSITIVE_INFINITY) return true;
      const { state } = this;
      return state.role === 'leader' && state.term === ledTerm && this.#host.now() < Math.min(leaseUntilMs, leaseUntil(state));
    });
  }

  /** A replica needs one that this node's log goes on from: there is one, or will be. */
  wantSnapshot(): void {
    this.#isSnapshotWanted = true;
    this.#host.markDirty(this);
  }

  #isSnapshotDue(): boolean {
    const { applied, installing } = this.state;
    if (this.#isSaving || installing !== undefined || this.machine.appliedIndex !== applied) return false;
    return (this.#isSnapshotWanted || this.#isLogLong(applied)) && this.#host.now() >= this.#snapshotDueMs;
  }

  #takeSnapshot(): void {
    if (!this.#isSnapshotDue()) return;
    const { state, machine } = this;
    this.#isSaving = true;
    const meta = snapshotMetaAt(state, state.applied);
    if (machine.checkpoint === undefined || this.#isSnapshotWanted) return this.#saveSnapshot(meta);
    machine.checkpoint(() => {
      this.#isSaving = false;
      this.step({ type: 'snapshotSaved', meta, now: this.#host.now() });
    });
  }

  /** Since the last time; and where the state has to be written as a whole, twice as long as that was. */
  #isLogLong(index: number): boolean {
    const { state, machine } = this;
    if (index <= state.snapshot.index) return false;
    const bytes = state.log.bytes(Math.max(state.snapshot.index + 1, state.log.firstIndex), index);
    const wholeBytes = machine.checkpoint === undefined ? this.#snapshotBytes : 0;
    return bytes >= Math.max(this.#snapshotLogBytes, 2 * wholeBytes);
  }

  #saveSnapshot(meta: SnapshotMeta): void {
    this.#isSnapshotWanted = false;
    const counting = countingReader(this.machine.snapshot(), (bytes) => {
      this.#snapshotBytes = bytes;
    });
    this.#host.snapshots.save(this.id, meta, counting, (isOk) => {
      this.#isSaving = false;
      if (isOk) this.step({ type: 'snapshotSaved', meta, now: this.#host.now() });
      else this.#snapshotDueMs = this.#host.now() + RAFT_SNAPSHOT_AGAIN_MS;
    });
  }

  #noticeRole(): void {
    const { role, term, lead } = this.state;
    if (role === this.#seenRole && term === this.#seenTerm && lead === this.#seenLead) return;
    this.#seenRole = role;
    this.#seenTerm = term;
    this.#seenLead = lead;
    this.#host.onRole(this);
  }

  #poisoned(error: unknown): void {
    this.poison = error;
    this.#out.clear();
    this.close();
    this.#host.onPoisoned(this, error);
  }
}

function countingReader(reader: ReturnType<StateMachine['snapshot']>, total: (bytes: number) => void): typeof reader {
  let bytes = 0;
  return {
    read: (bytesMax, done) =>
      reader.read(bytesMax, (part, isLast) => {
        bytes += part.length;
        if (isLast) total(bytes);
        done(part, isLast);
      }),
    close: () => reader.close(),
  };
}
