/**
 * All groups of one node: one storage, one frame per peer and turn, one clock. Everything that came in during a turn is fed to the groups, then `flush` settles
 * those that have changed: their writes are one batch, their messages one frame per peer and lane. Pure but for its ports; runs in an actor (../actor.ts) and in the simulator.
 */
import { assert } from '../../../base/assert.ts';
import { MalformedBytes } from '../codec/byte-reader.ts';
import { decodeFrame, type PeerFrame } from '../codec/frame-codec.ts';
import { type BootOptions, boot } from '../core/boot.ts';
import type { RaftMessage } from '../message.ts';
import type { RaftLog } from '../raft-log.ts';
import { nodeOfReplica, type ReplicaId } from '../replica.ts';
import type { RaftSettings } from '../settings.ts';
import type { SnapshotStore, StateMachine } from '../state-machine.ts';
import type { GroupWrite, HardState, RaftStorage, SnapshotMeta } from '../storage.ts';
import type { RaftTransport } from '../transport.ts';
import { Group, type GroupHost } from './group.ts';
import { HeldMessages } from './held-messages.ts';
import { PeerOutboxes } from './peer-outboxes.ts';
import type { SnapshotMessage } from './snapshot-message.ts';
import { SnapshotReceiver } from './snapshot-receiver.ts';
import { SnapshotSender } from './snapshot-sender.ts';

export interface RaftNodeOptions {
  readonly self: ReplicaId;
  readonly settings: RaftSettings;
  /** Differs from start to start. */
  readonly seed: number;
  readonly storage: RaftStorage;
  readonly transport: RaftTransport;
  readonly snapshots: SnapshotStore;
  /** Log after which a group takes a snapshot, bytes. */
  readonly snapshotLogBytes: number;
  readonly snapshotBytesPerSecond: number;
  readonly snapshotChunkBytes: number;
  /** The node's monotonic clock, milliseconds. */
  readonly now: () => number;
  /** Something was done that a `flush` has to follow. */
  readonly onDirty: () => void;
  readonly onRole: (group: Group) => void;
  readonly onPoisoned: (group: Group, error: unknown) => void;
}

export interface OpenGroup {
  readonly group: number;
  readonly log: RaftLog;
  readonly hard: HardState;
  readonly snapshot: SnapshotMeta;
  readonly machine: StateMachine;
  /** It begins here: nothing of it is on disk yet (../founding.ts). */
  readonly isNew: boolean;
}

/** What the node has done, for probes; counted from its start. */
export interface RaftNodeCounters {
  framesSent: number;
  framesReceived: number;
  framesMalformed: number;
  /** To or from a replica that is not who it was: a node that came back without its disk. */
  framesForStrangers: number;
  messagesReceived: number;
  batchesWritten: number;
  entriesWritten: number;
}

export function newCounters(): RaftNodeCounters {
  return {
    framesSent: 0,
    framesReceived: 0,
    framesMalformed: 0,
    framesForStrangers: 0,
    messagesReceived: 0,
    batchesWritten: 0,
    entriesWritten: 0,
  };
}

export class RaftNode implements GroupHost {
  readonly groups: Map<number, Group> = new Map();
  readonly counters: RaftNodeCounters = newCounters();
  readonly snapshots: SnapshotStore;
  readonly #options: RaftNodeOptions;
  readonly #outboxes: PeerOutboxes;
  readonly #held = new HeldMessages();
  readonly #sender: SnapshotSender;
  readonly #receiver: SnapshotReceiver;
  #dirty: Group[] = [];
  #writes: GroupWrite[] = [];
  #batch = 0;
  /** Batches under way, and what each makes durable. */
  #writing: { readonly batch: number; readonly writes: readonly GroupWrite[] }[] = [];
  /** What waits for batches, in their order. */
  #waiting: { readonly batch: number; readonly run: () => void }[] = [];
  #whenSettled: (() => void)[] = [];
  /** No group wants to hear of the time before this. */
  #dueMs = 0;
  #isFull = false;
  #isFailed = false;

  constructor(options: RaftNodeOptions) {
    this.#options = options;
    this.snapshots = options.snapshots;
    this.#outboxes = new PeerOutboxes(options.self);
    const { self, snapshots: store } = options;
    this.#sender = new SnapshotSender(
      {
        self,
        store,
        send: (chunk) => this.#outboxes.add(chunk),
        report: (group, to, isOk) => this.groups.get(group)?.step({ type: 'snapshotReport', to, isOk, now: this.now() }),
        logStart: (group) => this.groups.get(group)?.state.log.snapshotIndex,
        make: (group) => this.groups.get(group)?.wantSnapshot(),
        wake: () => options.onDirty(),
      },
      options.snapshotBytesPerSecond,
      options.snapshotChunkBytes,
    );
    this.#receiver = new SnapshotReceiver({
      self,
      store,
      reply: (reply) => {
        this.#outboxes.add(reply);
        options.onDirty();
      },
      received: (group, meta, from) => this.groups.get(group)?.onSnapshotReceived(meta, from),
    });
  }

  get self(): ReplicaId {
    return this.#options.self;
  }

  get snapshotTransfers(): { readonly sending: number; readonly receiving: number } {
    return { sending: this.#sender.size, receiving: this.#receiver.size };
  }

  now(): number {
    return this.#options.now();
  }

  /** The group begins with what is on disk; its state machine is at least at the snapshot. */
  open({ group, log, hard, snapshot, machine, isNew }: OpenGroup): Group {
    assert(!this.groups.has(group), 'a group is opened once');
    const { self, settings, seed, snapshotLogBytes } = this.#options;
    const options: BootOptions = {
      group,
      self,
      settings,
      seed: seed * 4096 + group,
      now: this.now(),
      log,
      hard,
      snapshot,
      applied: machine.appliedIndex,
      isNew,
    };
    const opened = new Group(boot(options), machine, this, snapshotLogBytes);
    this.groups.set(group, opened);
    this.markDirty(opened);
    return opened;
  }

  /** A frame from another node. Nothing of it is done when any of it is malformed: false then, and the way it came is to be closed. */
  receive(bytes: Uint8Array): boolean {
    if (this.#isFailed) return true;
    let frame: PeerFrame;
    try {
      frame = decodeFrame(bytes);
    } catch (error) {
      if (!(error instanceof MalformedBytes)) throw error;
      this.counters.framesMalformed++;
      return false;
    }
    this.counters.framesReceived++;
    if (frame.to !== this.self) this.counters.framesForStrangers++;
    else for (const message of frame.messages) this.#dispatch(message);
    return true;
  }

  tick(): void {
    if (this.#isFailed) return;
    const now = this.now();
    this.#noticeFull(now);
    if (now >= this.#dueMs) this.#tickGroups(now);
    this.#sender.tick(now);
    this.#options.onDirty();
  }

  /** Most ticks find that no group waits for one: then none is asked. */
  #tickGroups(now: number): void {
    this.#dueMs = Number.POSITIVE_INFINITY;
    for (const group of this.groups.values()) {
      group.tick(now);
      this.dueBy(group.deadlineMs);
    }
  }

  /** Messages to a node were lost, as far as its connection knows. */
  unreachable(node: number): void {
    for (const group of this.groups.values()) {
      if (!group.isLeader) continue;
      for (const { id: to } of group.state.progress) {
        if (nodeOfReplica(to) === node) group.step({ type: 'unreachable', to, now: this.now() });
      }
    }
  }

  /** A log has entries in memory that it had to fetch. */
  fetched(group: number): void {
    this.groups.get(group)?.step({ type: 'fetched', now: this.now() });
  }

  /** Storage: everything up to `batch` is on disk. */
  durable(batch: number): void {
    if (this.#isFailed) return;
    const now = this.now();
    let done = 0;
    for (; done < this.#writing.length && this.#writing[done]!.batch <= batch; done++) {
      for (const { group, seq, snapshot } of this.#writing[done]!.writes) {
        if (snapshot !== undefined) this.snapshots.discardBefore(group, snapshot.index);
        this.groups.get(group)?.step({ type: 'durable', seq, now });
      }
    }
    this.#writing.splice(0, done);
    this.#held.release(batch, (message) => this.send(message));
    while (this.#waiting.length > 0 && this.#waiting[0]!.batch <= batch) this.#waiting.shift()!.run();
    this.#options.onDirty();
  }

  /** Storage: what is not durable yet will never be, or nobody knows. The node takes no further part in anything. */
  failed(): void {
    this.#isFailed = true;
    for (const group of this.groups.values()) group.close();
  }

  get isFailed(): boolean {
    return this.#isFailed;
  }

  /** The turn's end: settles every group that has changed, writes once, sends once. */
  flush(): void {
    if (this.#isFailed) return;
    while (this.#dirty.length > 0) {
      const dirty = this.#dirty;
      this.#dirty = [];
      for (const group of dirty) group.settle();
    }
    this.#sender.pump(this.now());
    for (const run of this.#whenSettled.splice(0)) run();
    this.#writeOut();
    this.counters.framesSent += this.#outboxes.flush(this.#options.transport);
  }

  /** Runs at the end of this turn, when all groups have handed over what they write. */
  whenSettled(run: () => void): void {
    this.#whenSettled.push(run);
    this.#options.onDirty();
  }

  #writeOut(): void {
    if (this.#writes.length === 0) return;
    const writes = this.#writes;
    this.#writes = [];
    const batch = ++this.#batch;
    this.#writing.push({ batch, writes });
    this.counters.batchesWritten++;
    for (const { entries } of writes) this.counters.entriesWritten += entries.length;
    this.#options.storage.write(batch, writes);
  }

  #dispatch(message: RaftMessage | SnapshotMessage): void {
    this.counters.messagesReceived++;
    const group = this.groups.get(message.group);
    if (group === undefined) return;
    if (message.type === 'snapshotChunk') {
      const { term, lead } = group.state;
      if (message.term === term && message.from === lead) this.#receiver.onChunk(message);
      this.#options.onDirty();
    } else if (message.type === 'snapshotReply') {
      this.#sender.onReply(message, this.now());
      this.#options.onDirty();
    } else {
      group.step({ type: 'message', message, now: this.now() });
    }
  }

  #noticeFull(now: number): void {
    const isFull = this.#options.storage.isFull();
    if (isFull === this.#isFull) return;
    this.#isFull = isFull;
    for (const group of this.groups.values()) group.step({ type: 'disk', isFull, now });
  }

  // What groups ask for.

  markDirty(group: Group): void {
    if (group.isDirty) return;
    group.isDirty = true;
    this.#dirty.push(group);
    this.#options.onDirty();
  }

  dueBy(deadlineMs: number): void {
    if (deadlineMs < this.#dueMs) this.#dueMs = deadlineMs;
  }

  send(message: RaftMessage): void {
    this.#outboxes.add(message);
  }

  sendUnsettled(message: RaftMessage): void {
    this.send(message);
    this.#options.onDirty();
  }

  write(group: Group, write: GroupWrite): void {
    this.#writes.push(write);
    group.lastBatch = this.#batch + 1;
  }

  sendWhenDurable(group: Group, message: RaftMessage): void {
    this.#held.hold(group.lastBatch, message);
  }

  runWhenDurable(group: Group, run: () => void): void {
    this.#waiting.push({ batch: group.lastBatch, run });
  }

  wantsSnapshot(group: Group, to: ReplicaId): void {
    this.#sender.want(group.id, to, group.state.term);
  }

  onRole(group: Group): void {
    if (!group.isLeader) this.#sender.drop(group.id);
    this.#receiver.drop(group.id);
    this.#options.onRole(group);
  }

  onPoisoned(group: Group, error: unknown): void {
    this.#sender.drop(group.id);
    this.#options.onPoisoned(group, error);
  }
}
