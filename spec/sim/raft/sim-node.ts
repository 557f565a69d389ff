/** One simulated node: its disk, its clock, and, while the process lives, the real `RaftNode` with all its groups. */

import type { DurableGroup } from '../../../src/actors/raft/durable-group.ts';
import type { Entry } from '../../../src/actors/raft/entry.ts';
import { founding, JOINING } from '../../../src/actors/raft/founding.ts';
import { NO_MEMBERSHIP } from '../../../src/actors/raft/membership.ts';
import { MemoryLog } from '../../../src/actors/raft/memory-log.ts';
import type { Group } from '../../../src/actors/raft/node/group.ts';
import { RaftNode } from '../../../src/actors/raft/node/raft-node.ts';
import { type ReplicaId, replicaId } from '../../../src/actors/raft/replica.ts';
import { SessionMachine } from '../../../src/actors/raft/sessions/session-machine.ts';
import { SessionTable } from '../../../src/actors/raft/sessions/session-table.ts';
import type { SnapshotReader, StateMachine } from '../../../src/actors/raft/state-machine.ts';
import type { SnapshotMeta } from '../../../src/actors/raft/storage.ts';
import type { Lane } from '../../../src/actors/raft/transport.ts';
import { Prng } from '../../../src/base/prng.ts';
import { SimDisk as ForgetfulDisk } from '../../storage/sim-disk.ts';
import { ColdLog } from './cold-log.ts';
import type { SimDisk } from './disk.ts';
import { Kv } from './kv.ts';
import { NodeJournal } from './node-journal.ts';
import { SnapshotFiles } from './snapshot-files.ts';
import type { Swarm } from './swarm.ts';
import { Wal } from './wal.ts';

/** What a node needs of its world. */
export interface NodeWorld {
  readonly swarm: Swarm;
  nowMs(): number;
  /** Runs `then` in the node, unless its process has died or the node is paused until later. */
  later(node: SimNode, afterMs: number, then: () => void): void;
  send(node: SimNode, to: ReplicaId, lane: Lane, bytes: Uint8Array): void;
  onApplied(node: SimNode, group: number, machine: WatchedMachine, entries: readonly Entry[]): void;
  /** `done` is what the same instance of the state machine did before. */
  onCommand(group: number, id: string, done: Set<string>): void;
  onStorageFailed(node: SimNode): void;
  onPoisoned(node: SimNode, group: number, error: unknown): void;
}

export class SimNode {
  readonly id: number;
  readonly world: NodeWorld;
  readonly clockRate: number;
  disk: SimDisk;
  incarnation = 1;
  /** Counts processes: what was scheduled for an earlier one is void. */
  process = 0;
  pausedUntilMs = 0;
  clockOffsetMs = 0;
  /** A pause in the middle of what runs now. */
  stallMs = 0;
  raft: RaftNode | undefined;
  wal: Wal | NodeJournal | undefined;
  /** Of the shared log, in worlds where groups are kept there. */
  logFiles: ForgetfulDisk = new ForgetfulDisk();
  /** The process cannot start: what its disk held is damaged. */
  isRefusing = false;
  /** State machines as they are on disk, by group: whole, and as of some applied index. */
  readonly images: Map<number, { readonly index: number; readonly bytes: Uint8Array }> = new Map();
  /** It will be found out at the next start. */
  isDamaged = false;
  #isFlushing = false;

  constructor(id: number, world: NodeWorld, disk: SimDisk, clockRate: number) {
    this.id = id;
    this.world = world;
    this.disk = disk;
    this.clockRate = clockRate;
  }

  get replica(): ReplicaId {
    return replicaId(this.id, this.incarnation);
  }

  get isUp(): boolean {
    return this.raft !== undefined;
  }

  now(): number {
    return this.clockOffsetMs + (this.world.nowMs() + this.stallMs) * this.clockRate;
  }

  group(id: number): Group | undefined {
    return this.raft?.groups.get(id);
  }

  kv(group: number): Kv | undefined {
    return (this.group(group)?.machine as WatchedMachine | undefined)?.kv;
  }

  durable(group: number): DurableGroup | undefined {
    return this.wal?.groups.get(group);
  }

  /** Starts the process. `founders`: the groups begin here and now, with these voters; otherwise an empty disk knows of no members. */
  start(seed: number, founders: readonly ReplicaId[] | undefined): void {
    this.process++;
    const { swarm } = this.world;
    const ports = { disk: this.disk, later: (ms: number, then: () => void) => this.world.later(this, ms, then) };
    const wal = swarm.hasJournal ? new NodeJournal(ports, this.logFiles, new Prng(seed), swarm.runwayBytes) : new Wal(ports);
    const files = new SnapshotFiles(ports, () => this.world.onStorageFailed(this));
    this.wal = wal;
    const raft = new RaftNode({
      self: this.replica,
      settings: swarm.settings,
      seed,
      storage: wal,
      transport: { send: (to, lane, bytes) => this.world.send(this, to, lane, bytes.slice()) },
      snapshots: files,
      snapshotLogBytes: swarm.snapshotLogBytes,
      snapshotBytesPerSecond: 1 << 20,
      snapshotChunkBytes: swarm.snapshotChunkBytes,
      now: () => this.now(),
      onDirty: () => this.#flushSoon(),
      onRole: () => {},
      onPoisoned: (group, error) => this.world.onPoisoned(this, group.id, error),
    });
    wal.listen({ durable: (batch) => raft.durable(batch), failed: () => this.world.onStorageFailed(this) });
    this.#isFlushing = false;
    this.raft = raft;
    for (let group = 1; group <= swarm.groups; group++) this.#open(raft, wal, files, group, founders);
    this.#tick();
  }

  stop(): void {
    this.process++;
    this.raft = undefined;
    this.pausedUntilMs = 0;
  }

  /** The disk is gone, and with it who this node was. */
  wipe(disk: SimDisk): void {
    this.disk = disk;
    this.logFiles = new ForgetfulDisk();
    this.incarnation++;
    this.isRefusing = false;
    this.isDamaged = false;
    this.images.clear();
  }

  #open(
    raft: RaftNode,
    wal: Wal | NodeJournal,
    files: SnapshotFiles,
    group: number,
    founders: readonly ReplicaId[] | undefined,
  ): void {
    const machine = new WatchedMachine(this, group);
    const found = wal instanceof NodeJournal ? wal.recovered.get(group) : wal.groups.get(group);
    if (found === undefined) {
      const { hard, entries } = founders === undefined ? JOINING : founding(founders);
      const snapshot = { index: 0, term: 0, membership: NO_MEMBERSHIP };
      raft.open({ group, log: this.#log(group, new MemoryLog(0, 0, entries)), hard, snapshot, machine, isNew: true });
      return;
    }
    let { snapshot } = found;
    const image = this.images.get(group);
    const isKept = this.world.swarm.hasCheckpoints && image !== undefined && image.index >= snapshot.index;
    if (snapshot.index > 0 && !isKept) {
      const file = files.openAt(group, snapshot.index);
      if (file === undefined) throw new Error(`snapshot ${snapshot.index} of group ${group} is missing`);
      snapshot = file.meta;
      machine.restore(snapshot, file.reader, () => {});
    }
    const { compacted, entries, hard } = found;
    if (image !== undefined && (isKept || image.index > snapshot.index)) machine.load(image.index, image.bytes);
    const log = this.#log(group, new MemoryLog(compacted.index, compacted.term, entries));
    raft.open({ group, log, hard, snapshot, machine, isNew: false });
    if (log instanceof ColdLog) log.isCold = true;
  }

  #log(group: number, log: MemoryLog): MemoryLog | ColdLog {
    if (!this.world.swarm.coldLogs) return log;
    return new ColdLog(log, (done) =>
      this.world.later(this, 2, () => {
        done();
        this.raft!.fetched(group);
      }),
    );
  }

  #tick(): void {
    this.world.later(this, this.world.swarm.tickMs / this.clockRate, () => {
      this.raft!.tick();
      this.#tick();
    });
  }

  #flushSoon(): void {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    this.world.later(this, 0.05, () => {
      this.#isFlushing = false;
      this.disk.point('before turn end');
      this.raft!.flush();
      this.disk.point('after turn end');
    });
  }
}

/** The group's state machine, which tells the world what it does and may take its time. */
export class WatchedMachine implements StateMachine {
  readonly kv: Kv;
  readonly checkpoint: StateMachine['checkpoint'];
  /** Commands that this very instance has carried out. */
  readonly #done = new Set<string>();
  readonly #machine: SessionMachine;
  readonly #node: SimNode;
  readonly #group: number;

  constructor(node: SimNode, group: number) {
    const { sessionsMax, sessionTtlMs } = node.world.swarm;
    this.#node = node;
    this.#group = group;
    this.kv = new Kv(({ value }) => node.world.onCommand(group, value, this.#done));
    this.#machine = new SessionMachine(this.kv, new SessionTable(sessionsMax, sessionTtlMs));
    this.checkpoint = node.world.swarm.hasCheckpoints ? (done) => this.#checkpoint(done) : undefined;
  }

  get appliedIndex(): number {
    return this.#machine.appliedIndex;
  }

  apply(entries: readonly Entry[], done: (replies: readonly unknown[]) => void): void {
    const { world, disk } = this.#node;
    const run = (): void => {
      disk.point('before apply');
      let replies: readonly unknown[] = [];
      this.#machine.apply(entries, (answers) => {
        replies = answers;
      });
      world.onApplied(this.#node, this.#group, this, entries);
      if (world.swarm.durableMachine && this.appliedIndex % 5 === 0) this.#keepImage();
      disk.point('after apply');
      done(replies);
    };
    if (world.swarm.applyDelayMs === 0) run();
    else world.later(this.#node, world.swarm.applyDelayMs, run);
  }

  /** On disk when the disk has had its time; a process that dies before has not said so. */
  #checkpoint(done: () => void): void {
    const { disk, world } = this.#node;
    disk.point('before checkpoint');
    world.later(this.#node, disk.syncMs(), () => {
      this.#keepImage();
      disk.point('after checkpoint');
      done();
    });
  }

  /** State and applied index go to disk together. */
  #keepImage(): void {
    const parts: Uint8Array[] = [];
    const reader = this.#machine.snapshot();
    reader.read(Number.MAX_SAFE_INTEGER, (bytes) => parts.push(bytes));
    this.#node.images.set(this.#group, { index: this.appliedIndex, bytes: parts[0]! });
  }

  load(index: number, bytes: Uint8Array): void {
    const meta = { index, term: 0, membership: NO_MEMBERSHIP };
    this.#machine.restore(meta, { read: (_max, done) => done(bytes, true), close: () => {} }, () => {});
  }

  snapshot(): SnapshotReader {
    return this.#machine.snapshot();
  }

  restore(meta: SnapshotMeta, reader: SnapshotReader, done: () => void): void {
    this.#machine.restore(meta, reader, done);
  }
}
