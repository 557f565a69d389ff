/**
 * A whole cluster in one thread and virtual time: the real `RaftNode`s on simulated disks, clocks and a network, clients, an operator, and trouble of every kind. First safety: everything may go wrong
 * and nothing may break. Then the trouble ends, and the cluster has to recover, elect, serve and agree. A seed decides everything.
 */
import { decodeFrame, type PeerMessage } from '../../../src/actors/raft/codec/frame-codec.ts';
import type { Entry } from '../../../src/actors/raft/entry.ts';
import { nodeOfReplica, type ReplicaId } from '../../../src/actors/raft/replica.ts';
import { encodeCommands } from '../../../src/actors/raft/sessions/command-codec.ts';
import type { Lane } from '../../../src/actors/raft/transport.ts';
import { Prng } from '../../../src/base/prng.ts';
import { EventQueue } from '../../../src/runtime/sim/event-queue.ts';
import { TraceHash } from '../../../src/runtime/sim/trace-hash.ts';
import { DiskFault } from '../../storage/sim-disk.ts';
import { Client, type ClientWorld, KV_MODEL, type KvInput, type KvOutput, type Unsure } from './clients.ts';
import { Crash, DiskError, HEALTHY_DISK, SimDisk } from './disk.ts';
import { encodeKv, type KvCommand } from './kv.ts';
import { checkByKey, type Operation } from './linearizability.ts';
import { MessageChecks } from './message-checks.ts';
import { Nemesis } from './nemesis.ts';
import { Network } from './network.ts';
import { Operator } from './operator.ts';
import { must, Oracle, Violation } from './oracle.ts';
import { type NodeWorld, SimNode, type WatchedMachine } from './sim-node.ts';
import { drawSwarm, type Swarm } from './swarm.ts';
import { CorruptWal } from './wal-codec.ts';

export interface WorldOptions {
  readonly seed: number;
  /** Keeps a table of what happened. */
  readonly verbose?: boolean;
  /** In place of what the seed draws for them. */
  readonly knobs?: Partial<Swarm>;
}

export interface TableRow {
  readonly atMs: number;
  readonly who: string;
  readonly what: string;
}

export interface Outcome {
  readonly seed: number;
  readonly digest: string;
  readonly violation: string | undefined;
  readonly swarm: Swarm;
  readonly events: number;
  readonly virtualMs: number;
  readonly operations: number;
  readonly committed: number;
  readonly elections: number;
  readonly crashes: number;
  readonly snapshotsInstalled: number;
  readonly changes: number;
  readonly points: ReadonlySet<string>;
  readonly table: readonly TableRow[];
}

const TABLE_ROWS_MAX = 4000;
/** For a healed cluster to do whatever is asked of it next, virtual milliseconds. */
const RECOVERY_MS = 20_000;

export class World implements NodeWorld, ClientWorld {
  readonly seed: number;
  readonly swarm: Swarm;
  readonly prng: Prng;
  readonly nodes: SimNode[] = [];
  readonly oracle: Oracle;
  readonly network: Network;
  readonly operator: Operator;
  readonly trace: TraceHash = new TraceHash();
  readonly clients: Client[] = [];
  readonly points: Set<string> = new Set();
  readonly #queue = new EventQueue();
  readonly #diskPrng: Prng;
  readonly #logPrng: Prng;
  readonly #bootPrng: Prng;
  readonly #carryPrng: Prng;
  readonly #checks: MessageChecks;
  readonly #founders: readonly ReplicaId[];
  readonly #nemesis: Nemesis;
  readonly #commands = new Set<string>();
  readonly #verbose: boolean;
  readonly #table: TableRow[] = [];
  readonly #unsure: Unsure[] = [];
  #bursts = 0;
  #nowMs = 0;
  #events = 0;
  /** The node whose code runs. */
  #running: SimNode | undefined;
  crashes = 0;
  snapshotsInstalled = 0;
  isHealed = false;

  constructor({ seed, verbose = false, knobs = {} }: WorldOptions) {
    this.seed = seed;
    this.#verbose = verbose;
    // A stream of chance for each concern: another draw in one does not move the others.
    const streams = new Prng(seed);
    const stream = (): Prng => new Prng(streams.nextU32());
    this.swarm = { ...drawSwarm(stream()), ...knobs };
    this.prng = stream();
    this.#diskPrng = stream();
    this.#bootPrng = stream();
    this.#carryPrng = stream();
    this.network = new Network(stream(), this.swarm);
    const { voters, spares, clockSkew, groups } = this.swarm;
    const clocks = stream();
    for (let id = 1; id <= voters + spares; id++) {
      this.nodes.push(new SimNode(id, this, this.newDisk(id), 1 + clockSkew * (2 * clocks.next() - 1)));
    }
    this.#founders = this.nodes.slice(0, voters).map(({ replica }) => replica);
    this.oracle = new Oracle(this.nodes, groups);
    this.#checks = new MessageChecks(this.oracle, this.nodes);
    this.oracle.onElected = (state) => this.#nemesis.elected(state);
    this.operator = new Operator(this);
    const nemesisPrng = stream();
    this.#logPrng = stream();
    this.#nemesis = new Nemesis(this, nemesisPrng, stream());
    this.#addClients();
  }

  run(): Outcome {
    let violation: string | undefined;
    try {
      this.#safety();
      this.#recovery();
      this.#judge();
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      violation = error.message;
      this.tell('oracle', `VIOLATION ${violation}`);
    }
    return this.#outcome(violation);
  }

  nowMs(): number {
    return this.#nowMs;
  }

  at(afterMs: number, then: () => void): void {
    this.#queue.add(this.#nowMs + afterMs, then);
  }

  later(node: SimNode, afterMs: number, then: () => void): void {
    const { process } = node;
    this.at(afterMs, () => {
      if (node.process === process) this.enter(node, then);
    });
  }

  enter(node: SimNode, then: () => void): void {
    if (!node.isUp) return;
    if (node.pausedUntilMs > this.#nowMs) {
      const { process } = node;
      this.at(node.pausedUntilMs - this.#nowMs, () => {
        if (node.process === process) this.enter(node, then);
      });
      return;
    }
    const before = this.#running;
    this.#running = node;
    try {
      then();
      this.oracle.check(node);
    } catch (error) {
      if (error instanceof Crash) this.crash(node, error.message);
      else
        throw error instanceof Violation || !(error instanceof Error) ? error : new Violation(`node ${node.id}: ${error.stack}`);
    }
    this.#running = before;
    if (node.stallMs > 0) {
      node.pausedUntilMs = this.#nowMs + node.stallMs;
      node.stallMs = 0;
    }
  }

  /** Between client and node. */
  carry(then: () => void): void {
    const isLost = !this.isHealed && this.#carryPrng.chance(this.swarm.loss / 2);
    const delayMs = (this.#running?.stallMs ?? 0) + this.swarm.delayMinMs + this.#carryPrng.next() * this.swarm.delaySpreadMs;
    if (!isLost) this.at(delayMs, then);
  }

  send(node: SimNode, to: ReplicaId, lane: Lane, bytes: Uint8Array): void {
    const { messages } = decodeFrame(bytes);
    for (const message of messages) {
      this.#checks.check(node, message);
      this.tellMessage(node, message);
    }
    const toNode = nodeOfReplica(to);
    this.trace.add(this.#nowMs, node.id, toNode, bytes.length, messages.length, 0);
    const target = this.nodes[toNode - 1]!;
    for (const delayMs of this.network.route(node.id, toNode)) {
      this.at(delayMs + node.stallMs, () => {
        if (!this.network.isOpen(node.id, toNode)) return;
        this.enter(target, () => {
          this.oracle.heardMs.set(toNode * 1000 + node.id, this.#nowMs);
          const due = this.#checks.due(target, messages);
          // A frame of its own for each receiver, as from a socket.
          must(target.raft!.receive(bytes.slice()), `a frame of lane ${lane} is well formed`);
          for (const holds of due) holds();
        });
      });
    }
  }

  onApplied(node: SimNode, group: number, machine: WatchedMachine, entries: readonly Entry[]): void {
    this.oracle.applied(group, entries.at(-1)!.index, machine.appliedIndex === entries.at(-1)!.index ? machine.kv.chain : -1);
    this.trace.add(this.#nowMs, node.id, group, machine.appliedIndex, machine.kv.chain, 1);
  }

  onCommand(group: number, id: string, done: Set<string>): void {
    must(!done.has(id), `command ${id} of group ${group} is done once`);
    done.add(id);
    this.#commands.add(id);
  }

  onStorageFailed(node: SimNode): void {
    node.raft?.failed();
    this.crash(node, 'the disk has failed');
  }

  onPoisoned(node: SimNode, group: number, error: unknown): void {
    if (error instanceof Crash || error instanceof Violation) throw error;
    throw new Violation(`group ${group} on node ${node.id} is poisoned: ${(error as Error).stack}`);
  }

  /** Commands that nobody waits for. */
  burst(node: SimNode, group: number, count: number): void {
    this.enter(node, () => {
      for (let i = 0; i < count; i++) {
        const id = `b.${++this.#bursts}`;
        const command: KvCommand = { op: 'append', key: `b${i % 3}`, expected: '', value: `${id};` };
        const commands = [{ type: 'plain', bytes: encodeKv(command) } as const];
        this.#unsure.push({ id, input: { group, key: command.key, type: 'command', command }, callMs: this.#nowMs });
        node.group(group)!.propose(encodeCommands({ timeMs: node.now(), commands }), () => {});
      }
    });
  }

  newDisk(id: number): SimDisk {
    const disk: SimDisk = new SimDisk(new Prng(this.#diskPrng.nextU32()), (name) => {
      this.points.add(name);
      this.tell(`node ${id}`, `reaches '${name}'`);
    });
    if (!this.isHealed) disk.faults.syncSpreadMs = this.swarm.syncSpreadMs;
    return disk;
  }

  /** A founder that has nothing on its disk yet, and still is who it was, is told again to found. */
  boot(node: SimNode): void {
    if (node.isUp || node.isRefusing) return;
    const founders = node.incarnation === 1 && node.id <= this.swarm.voters ? this.#founders : undefined;
    this.tell(`node ${node.id}`, `starts, incarnation ${node.incarnation}`);
    try {
      node.start(this.#bootPrng.nextU32(), founders);
    } catch (error) {
      node.stop();
      if (error instanceof CorruptWal) {
        // Whatever a crash leaves is a log; only what was damaged behind the node's back may be refused.
        must(node.isDamaged, `node ${node.id} finds its log whole: ${error.message}`);
        node.isRefusing = true;
        this.tell(`node ${node.id}`, `refuses to start: ${error.message}`);
      } else if (error instanceof Crash || error instanceof DiskError || error instanceof DiskFault) {
        this.crash(node, error.message);
      } else {
        throw new Violation(`node ${node.id} starts: ${(error as Error).stack}`);
      }
    }
  }

  crash(node: SimNode, why: string): void {
    this.tell(`node ${node.id}`, `crashes: ${why}`);
    this.crashes++;
    node.stop();
    node.disk.crash();
    node.logFiles.crash(() => this.#logPrng.next());
    node.stallMs = 0;
    const restartMs = 20 + this.prng.next() * 800;
    this.at(restartMs, () => this.boot(node));
  }

  tell(who: string, what: string): void {
    if (!this.#verbose) return;
    this.#table.push({ atMs: this.#nowMs, who, what });
    if (this.#table.length > TABLE_ROWS_MAX) this.#table.splice(0, TABLE_ROWS_MAX / 2);
  }

  tellMessage(node: SimNode, message: PeerMessage): void {
    if (!this.#verbose) return;
    const { type, group, from: _from, to, ...rest } = message as PeerMessage & { entries?: readonly Entry[]; data?: Uint8Array };
    const fields = Object.entries(rest).map(([name, value]) => {
      if (name === 'entries')
        return `entries ${rest.entries!.length}${rest.entries!.length > 0 ? ` (terms ${rest.entries![0]!.term}…)` : ''}`;
      if (name === 'data') return `data ${rest.data!.length}`;
      return typeof value === 'object' ? `${name} ${JSON.stringify(value)}` : `${name} ${value}`;
    });
    this.tell(`node ${node.id}`, `→ ${nodeOfReplica(to)}  group ${group} ${type} ${fields.join(' ')}`);
  }

  #addClients(): void {
    const { clients, groups, keys, leaseReads } = this.swarm;
    for (let i = 0; i < Math.max(clients, groups); i++) {
      this.clients.push(new Client(this, { name: `c${i + 1}`, group: (i % groups) + 1, keys, leaseReads }));
    }
  }

  #runTo(untilMs: number): void {
    while (this.#queue.nextMs <= untilMs) {
      const event = this.#queue.take()!;
      this.#nowMs = event.atMs;
      this.#events++;
      event.run();
    }
    this.#nowMs = untilMs;
  }

  #safety(): void {
    for (const node of this.nodes) this.boot(node);
    for (let group = 1; group <= this.swarm.groups; group++)
      this.operator.want(
        group,
        this.nodes.slice(0, this.swarm.voters).map(({ id }) => id),
      );
    for (const client of this.clients) client.start();
    this.#nemesis.start();
    this.#operate();
    this.#runTo(this.swarm.safetyMs);
  }

  #operate(): void {
    this.operator.work();
    this.at(100, () => this.#operate());
  }

  /** All is well again: then everything that a cluster is for has to work. */
  #recovery(): void {
    this.tell('world', 'heals');
    this.isHealed = true;
    this.#nemesis.stop();
    this.network.mendAll();
    this.network.isHealed = true;
    for (const node of this.nodes) {
      node.disk.faults = { ...HEALTHY_DISK };
      node.disk.disarm();
      if (node.isRefusing) this.replaceDisk(node);
    }
    this.#await('leaders', () => this.#groups((group) => this.leader(group) !== undefined));
    // Where an append takes one entry, clients that go on writing outrun whoever has to catch up: they get half of the time.
    this.at(RECOVERY_MS / 2, () => this.#stopClients());
    this.#await('the wanted members', () => this.#groups((group) => this.operator.isDone(group)));
    this.#stopClients();
    this.#await('answers to what is open', () => this.clients.every(({ isIdle }) => isIdle));
    this.#afterLeaderCrash();
    this.#await('the same state everywhere', () => this.#groups((group) => this.#isSettled(group)));
    this.#staysCalm();
    this.#spreadsNews();
    this.#handsOver();
    for (const client of this.clients) client.end();
  }

  #stopClients(): void {
    for (const client of this.clients) client.isStopped = true;
  }

  /** A new leader that nobody writes to has to serve reads all the same. */
  #afterLeaderCrash(): void {
    const leader = this.leader(1);
    if (this.swarm.voters > 1 && leader !== undefined) this.crash(leader, 'one last time');
    this.#await('leaders after a crash', () => this.#groups((group) => this.leader(group) !== undefined));
    let isRead = 0;
    const groups = this.swarm.groups;
    const read = (group: number): void => {
      const leader = this.leader(group);
      const again = (): void => this.at(50, () => read(group));
      if (leader === undefined) return again();
      this.enter(leader, () =>
        leader.group(group)!.read('index', { look: () => undefined, done: (isOk) => (isOk ? isRead++ : again()) }),
      );
    };
    for (let group = 1; group <= groups; group++) read(group);
    this.#await('reads', () => isRead >= groups);
    this.#await('everybody', () => this.nodes.every(({ isUp }) => isUp));
  }

  #isSettled(group: number): boolean {
    const leader = this.leader(group)?.group(group)?.state;
    if (leader === undefined || leader.applied !== leader.log.lastIndex) return false;
    return this.operator.wanted(group).every((id) => {
      const state = this.nodes[id - 1]!.group(group)?.state;
      return state !== undefined && state.applied === leader.applied && state.lead === leader.self;
    });
  }

  /** No elections without a reason. */
  #staysCalm(): void {
    const terms = (): string =>
      [...Array(this.swarm.groups).keys()].map((group) => this.leader(group + 1)?.group(group + 1)?.state.term).join();
    const before = terms();
    this.#runTo(this.#nowMs + 1500);
    must(before === terms(), `leaders stay in office (terms ${before}, then ${terms()})`);
  }

  /** What is committed comes to everybody soon, though it came close behind something else and nothing follows it. Where messages are slow a heartbeat is as quick. */
  #spreadsNews(): void {
    const { settings, tickMs, delayMinMs, delaySpreadMs, clockSkew } = this.swarm;
    const leader = this.leader(1);
    const state = leader?.group(1)?.state;
    if (leader === undefined || state === undefined || delaySpreadMs > 10) return;
    this.burst(leader, 1, 1);
    this.#runTo(this.#nowMs + 1);
    this.burst(leader, 1, 1);
    while (state.commit < state.log.lastIndex) this.#runTo(this.#nowMs + 0.5);
    // Notice may overtake what it tells of; then that comes once more.
    const onTheWayMs = 5 * (delayMinMs + delaySpreadMs);
    this.#runTo(this.#nowMs + (1 + clockSkew) * (settings.noticeMs + tickMs) + onTheWayMs);
    // Who came too late for a log that keeps nothing gets a snapshot, and that takes longer.
    const late = new Set(state.progress.filter(({ mode }) => mode === 'snapshot').map(({ id }) => nodeOfReplica(id)));
    for (const id of this.operator.wanted(1)) {
      const commit = this.nodes[id - 1]!.group(1)!.state.commit;
      must(
        late.has(id) || commit === state.commit,
        `node ${id} hears soon that ${state.commit} is committed, not only ${commit}`,
      );
    }
  }

  /** A planned change of leaders is quicker than an election. */
  #handsOver(): void {
    const heir = this.nodes.find(({ id }) => this.operator.wanted(1).includes(id) && this.leader(1)?.id !== id);
    const leader = this.leader(1);
    if (heir === undefined || leader === undefined) return;
    this.enter(leader, () => leader.group(1)!.step({ type: 'transfer', to: heir.replica, now: leader.now() }));
    this.#await('the heir to lead', () => this.leader(1) === heir, this.swarm.settings.electionMinMs + 400);
  }

  /** A majority of wanted members follow it. */
  leader(group: number): SimNode | undefined {
    return this.nodes.find((node) => {
      const state = node.group(group)?.state;
      if (state?.role !== 'leader') return false;
      return this.nodes.every((other) =>
        other.group(group)?.state.role === 'leader' ? other.group(group)!.state.term <= state.term : true,
      );
    });
  }

  replaceDisk(node: SimNode): void {
    this.tell(`node ${node.id}`, 'gets a new disk');
    if (node.isUp) node.stop();
    node.wipe(this.newDisk(node.id));
    this.boot(node);
  }

  #groups(holds: (group: number) => boolean): boolean {
    for (let group = 1; group <= this.swarm.groups; group++) if (!holds(group)) return false;
    return true;
  }

  #await(what: string, holds: () => boolean, withinMs: number = RECOVERY_MS): void {
    const limitMs = this.#nowMs + withinMs;
    while (!holds()) {
      must(this.#nowMs < limitMs, `a healed cluster has ${what} in time`);
      this.#runTo(this.#nowMs + 50);
    }
  }

  #judge(): void {
    for (let group = 1; group <= this.swarm.groups; group++) {
      const pictures = this.operator.wanted(group).map((id) => this.nodes[id - 1]!.kv(group)!.picture());
      must(new Set(pictures).size === 1, `replicas of group ${group} hold the same`);
    }
    const { verdict, key } = checkByKey(KV_MODEL, this.history(), ({ group, key }) => `${group}/${key}`);
    must(verdict === 'ok', `the history of ${key} is ${verdict === 'illegal' ? 'not linearizable' : 'too hard to check'}`);
  }

  /** What the clients saw, with what they did not see resolved: a command has happened if a replica has carried it out. */
  history(): Operation<KvInput, KvOutput>[] {
    const unsure = [...this.#unsure, ...this.clients.flatMap((client) => client.unsure)];
    return [
      ...this.clients.flatMap((client) => client.history),
      ...unsure
        .filter(({ id }) => this.#commands.has(`${id};`))
        .map(({ input, callMs }) => ({ input, output: undefined, callMs, returnMs: Number.POSITIVE_INFINITY })),
    ];
  }

  #outcome(violation: string | undefined): Outcome {
    const groups = [...this.oracle.groups.values()];
    return {
      seed: this.seed,
      digest: this.trace.digest(),
      violation,
      swarm: this.swarm,
      events: this.#events,
      virtualMs: this.#nowMs,
      operations: this.clients.reduce((sum, { history }) => sum + history.length, 0),
      committed: groups.reduce((sum, { committed }) => sum + committed.length - 1, 0),
      elections: groups.reduce((sum, { leaders }) => sum + leaders.size, 0),
      crashes: this.crashes,
      snapshotsInstalled: this.snapshotsInstalled,
      changes: groups.reduce((sum, { memberships }) => sum + memberships.length - 1, 0),
      points: this.points,
      table: this.#table,
    };
  }
}
