/** Whoever makes trouble: crashes at any named place, partitions, pauses, bad disks, lost disks, changes of membership, transfers, jumping clocks. It never takes more than what a group can lose. */
import type { RaftState } from '../../../src/actors/raft/core/state.ts';
import type { Prng } from '../../../src/base/prng.ts';
import { POINTS, type Point } from './disk.ts';
import { partition } from './network.ts';
import { damageLog } from './node-journal.ts';
import { must } from './oracle.ts';
import type { SimNode } from './sim-node.ts';
import { scan } from './wal-codec.ts';
import type { World } from './world.ts';

/** After an election, milliseconds: the new leader has committed something by then, and the one before may not have heard of it. */
const ASKED_AFTER_MS = [5, 20, 60, 150] as const;

export class Nemesis {
  readonly #world: World;
  readonly #prng: Prng;
  readonly #latePrng: Prng;
  /** Where this world's nodes may die. */
  readonly #points: readonly Point[];
  #isStopped = false;
  /** Partitions that were made; the newest is mended once, by its time or by an election. */
  #partitions = 0;
  #isCut = false;

  constructor(world: World, prng: Prng, latePrng: Prng) {
    this.#world = world;
    this.#prng = prng;
    this.#latePrng = latePrng;
    const absent = world.swarm.hasJournal ? 'wal ' : 'log ';
    this.#points = POINTS.filter((name) => !name.startsWith(absent));
  }

  start(): void {
    const { swarm, nodes } = this.#world;
    // The rarer places need time to be reached.
    for (const { disk } of swarm.crashEveryMs > 0 ? nodes : []) disk.armAt(this.#point());
    this.#every(swarm.crashEveryMs, () => this.#crash());
    this.#every(swarm.partitionEveryMs, () => this.#partition());
    if (swarm.leaseReads) this.#belate(swarm.partitionEveryMs);
    this.#every(swarm.pauseEveryMs, () => this.#pause());
    this.#every(swarm.diskEveryMs, () => this.#spoilDisk());
    this.#every(swarm.churnEveryMs, () => this.#churn());
    this.#every(swarm.transferEveryMs, () => this.#transfer());
    this.#every(swarm.wipeEveryMs, () => this.#loseDisk());
    this.#every(swarm.jumpEveryMs, () => this.#jump());
  }

  stop(): void {
    this.#isStopped = true;
  }

  #every(meanMs: number, act: () => void): void {
    if (meanMs === 0) return;
    this.#world.at(meanMs * (0.3 + 1.4 * this.#prng.next()), () => {
      if (this.#isStopped) return;
      act();
      this.#every(meanMs, act);
    });
  }

  #any(): SimNode {
    const { nodes } = this.#world;
    return nodes[this.#prng.below(nodes.length)]!;
  }

  /** Often the leader: it has the most to lose. */
  #victim(): SimNode {
    return this.#prng.chance(0.5) ? (this.#world.leader(this.#group()) ?? this.#any()) : this.#any();
  }

  #point(): Point {
    return this.#points[this.#prng.below(this.#points.length)]!;
  }

  #group(): number {
    return 1 + this.#prng.below(this.#world.swarm.groups);
  }

  #crash(): void {
    const world = this.#world;
    const all = this.#prng.chance(0.15);
    for (const node of all ? world.nodes : [this.#victim()]) {
      if (!node.isUp) continue;
      if (this.#prng.chance(0.4)) node.disk.armAt(this.#point());
      else if (this.#prng.chance(0.5)) node.disk.arm(1 + this.#prng.below(30));
      else world.crash(node, 'killed');
    }
  }

  #partition(): void {
    const world = this.#world;
    const group = this.#group();
    const leader = world.leader(group)?.id ?? this.#any().id;
    if (world.nodes.length < 2) return;
    const nodes = world.nodes.map(({ id }) => id);
    const number = ++this.#partitions;
    this.#isCut = true;
    if (this.#prng.chance(0.3)) this.#deafen(group, leader, nodes);
    else world.tell('network', partition(world.network, nodes, leader, this.#prng));
    // A leader that is cut off gets entries that will be replaced.
    this.#burst(group);
    world.at(100 + this.#prng.next() * 2400, () => this.#mend(number));
  }

  /** In two steps: the others get entries of which the leader does not hear that they have them, then it gets more that they have not. */
  #deafen(group: number, leader: number, nodes: readonly number[]): void {
    const world = this.#world;
    const others = nodes.filter((id) => id !== leader);
    for (const id of others) world.network.cut(id, leader);
    world.tell('network', `node ${leader} hears nothing, and soon is alone`);
    const number = this.#partitions;
    world.at(2 + this.#prng.next() * 60, () => {
      if (number !== this.#partitions || !this.#isCut) return;
      for (const id of others) world.network.cut(leader, id);
      const former = world.nodes[leader - 1]!;
      if (former.group(group)?.isLeader === true) world.burst(former, group, 2 + this.#prng.below(12));
    });
  }

  /**
   * From time to time, where there are leases: what a leader is told takes most of an election's time, and soon nobody hears it any more. What comes then is of long ago, and others are about to elect.
   */
  #belate(meanMs: number): void {
    if (meanMs === 0) return;
    const prng = this.#latePrng;
    const world = this.#world;
    world.at(meanMs * (0.3 + 1.4 * prng.next()), () => {
      if (this.#isStopped) return;
      this.#belate(meanMs);
      const leader = world.leader(1 + prng.below(world.swarm.groups))?.id;
      if (leader === undefined || this.#isCut) return;
      const others = world.nodes.map(({ id }) => id).filter((id) => id !== leader);
      const { electionMinMs } = world.swarm.settings;
      for (const id of others) world.network.delay(id, leader, electionMinMs * (0.5 + 0.4 * prng.next()));
      world.tell('network', `node ${leader} hears late, and soon is not heard`);
      const number = ++this.#partitions;
      this.#isCut = true;
      world.at(prng.next() * electionMinMs, () => {
        if (number !== this.#partitions || !this.#isCut) return;
        for (const id of others) world.network.cut(leader, id);
        world.at(electionMinMs * (1 + 2 * prng.next()), () => this.#mend(number));
      });
    });
  }

  #mend(number: number): void {
    if (number !== this.#partitions || !this.#isCut) return;
    this.#isCut = false;
    const world = this.#world;
    world.network.mendAll();
    world.tell('network', 'is whole');
    for (const node of world.nodes) {
      if (!node.isUp) continue;
      world.enter(node, () => {
        for (const { id } of world.nodes) node.raft!.unreachable(id);
      });
    }
  }

  /** A leader has just been elected and has sent nothing yet. */
  elected(state: RaftState): void {
    if (this.#isStopped) return;
    this.#doubt(state);
    for (const afterMs of ASKED_AFTER_MS) this.#world.at(afterMs, () => this.#askFormer(state));
    if (this.#isCut && this.#prng.chance(0.4)) this.#meet(state);
  }

  /** Whoever still takes itself for the leader may be asked what it no longer knows. */
  #askFormer({ group, term }: RaftState): void {
    if (this.#isStopped) return;
    for (const node of this.#world.nodes) {
      const former = node.group(group);
      if (former?.isLeader === true && former.state.term < term) this.#world.enter(node, () => this.#read(node, group));
    }
  }

  /** The network is whole again while the leader before still leads its part: what that wrote a moment ago is replaced before it is durable. */
  #meet({ group, term }: RaftState): void {
    const world = this.#world;
    const number = this.#partitions;
    world.at(this.#prng.next() * 10, () => {
      if (this.#isStopped) return;
      const former = world.nodes.find((node) => node.group(group)?.isLeader === true && node.group(group)!.state.term < term);
      if (former !== undefined) world.burst(former, group, 2 + this.#prng.below(12));
      world.at(this.#prng.next() * 30, () => this.#mend(number));
    });
  }

  #burst(group: number): void {
    const world = this.#world;
    const leader = world.leader(group);
    if (leader !== undefined) world.burst(leader, group, 2 + this.#prng.below(12));
  }

  #pause(): void {
    const node = this.#victim();
    const forMs = this.#prng.next() * 3 * this.#world.swarm.settings.electionMinMs;
    node.pausedUntilMs = this.#world.nowMs() + forMs;
    this.#world.tell(`node ${node.id}`, `is stopped for ${forMs.toFixed(0)} ms`);
    // Readers that waited for it come before the news that others lead.
    for (let group = 1; group <= this.#world.swarm.groups; group++) this.#world.enter(node, () => this.#read(node, group));
  }

  #read(node: SimNode, id: number): void {
    const committedBefore = this.#world.oracle.committedIndex(id);
    const group = node.group(id);
    group?.read('index', {
      look: () => must(group.state.applied >= committedBefore, 'who waited reads what any leader had committed by then'),
      done: () => {},
    });
  }

  #spoilDisk(): void {
    const world = this.#world;
    const { disk, id } = this.#victim();
    const kind = this.#prng.below(4);
    if (kind === 0) disk.faults.syncError = 0.2;
    else if (kind === 1) disk.faults.isFull = true;
    else if (kind === 2) Object.assign(disk.faults, { stallChance: 0.5, stallMs: 2 * world.swarm.settings.diskStallMs });
    else disk.faults.syncSpreadMs = 100;
    world.tell(`node ${id}`, `has a bad disk: ${['errors', 'full', 'stalls', 'slow'][kind]}`);
    world.at(100 + this.#prng.next() * 800, () => {
      if (this.#isStopped) return;
      Object.assign(disk.faults, { syncError: 0, isFull: false, stallChance: 0, syncSpreadMs: world.swarm.syncSpreadMs });
    });
  }

  /** A new leader may look for the ends of the others' logs from anywhere, not only from its own end. */
  #doubt(state: RaftState): void {
    if (this.#prng.chance(0.3)) return;
    const { firstIndex, lastIndex } = state.log;
    for (const progress of state.progress) {
      if (progress.id !== state.self && firstIndex <= lastIndex)
        progress.next = firstIndex + this.#prng.below(lastIndex - firstIndex + 1);
    }
  }

  #churn(): void {
    const world = this.#world;
    const group = this.#group();
    if (!world.operator.isDone(group) || world.nodes.some(({ isDamaged }) => isDamaged)) return;
    const nodes = world.nodes.filter(() => this.#prng.chance(0.6)).map(({ id }) => id);
    if (nodes.length === 0) return;
    world.tell('nemesis', `wants group ${group} on ${nodes.join()}`);
    world.operator.want(group, nodes);
  }

  /** Often the operator changes his mind: leaders come and go while what was said of the earlier ones is still on its way. */
  #transfer(): void {
    const world = this.#world;
    const group = this.#group();
    const leader = world.leader(group);
    const to = this.#any();
    if (leader === undefined) return;
    world.tell('nemesis', `wants ${to.id} to lead group ${group}`);
    world.enter(leader, () => leader.group(group)!.step({ type: 'transfer', to: to.replica, now: leader.now() }));
    if (this.#prng.chance(0.5)) world.at(10 + this.#prng.next() * 200, () => this.#isStopped || this.#transfer());
  }

  /** One disk at a time, and only where every group has enough others: then it is for good, as a damaged one that is found. */
  #loseDisk(): void {
    const world = this.#world;
    const node = this.#victim();
    const isWhole = world.nodes.every((other) => !other.isDamaged);
    if (!isWhole || !this.#canLose(node)) return;
    if (node.isUp) world.crash(node, 'its disk is damaged');
    if (this.#prng.chance(0.5)) world.replaceDisk(node);
    else this.#damage(node);
  }

  #canLose(node: SimNode): boolean {
    const world = this.#world;
    for (let group = 1; group <= world.swarm.groups; group++) {
      const { voters } = world.oracle.membership(group);
      if (!world.operator.isDone(group)) return false;
      if (!voters.includes(node.replica)) continue;
      // The others have to know that they are enough without this one.
      const known = world.nodes.filter((other) => {
        const state = other.group(group)?.state;
        return (
          other !== node && state !== undefined && voters.includes(state.self) && state.membership.voters.join() === voters.join()
        );
      });
      if (voters.length < 3 || known.length < voters.length - 1) return false;
    }
    return true;
  }

  /** A bit of what is durable turns over, with good frames behind it: that can be told from a torn tail. */
  #damage(node: SimNode): void {
    const world = this.#world;
    if (!(world.swarm.hasJournal ? damageLog(node.logFiles, this.#prng) : this.#flip(node))) return;
    node.isDamaged = true;
    world.tell(`node ${node.id}`, 'has a flipped bit in its log');
    world.at(1000 + this.#prng.next() * 500, () => {
      if (node.isRefusing) world.replaceDisk(node);
    });
  }

  #flip(node: SimNode): boolean {
    const bytes = node.disk.read('wal');
    const frames = bytes === undefined ? [] : scan(bytes).frames;
    if (frames.length < 2) return false;
    const { start, end } = frames[this.#prng.below(frames.length - 1)]!;
    node.disk.flip('wal', start + this.#prng.below(end - start));
    return true;
  }

  #jump(): void {
    const node = this.#any();
    node.clockOffsetMs += this.#prng.next() * 2000;
    this.#world.tell(`node ${node.id}`, `clock jumps ahead`);
  }
}
