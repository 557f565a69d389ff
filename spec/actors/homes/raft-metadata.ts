/**
 * The real metadata service on the simulated nodes themselves: groups of all three, the controller and the registrars beside them, and on the homes' reactor the client that a node has. What happens to a node happens to its replicas too.
 * Trouble of its own comes while it `isFickle`: leaders hand over, replicas are alone or hear nothing of one other, records are lost, disks are slow; in half of the worlds sessions of clients end early, and logs are short.
 */
import { ControllerActor } from '../../../src/actors/controller/actor.ts';
import { RegistrarActor } from '../../../src/actors/controller/registrar.ts';
import { MetaDirectory, SESSION_PREFIX, WILL_PREFIX } from '../../../src/actors/homes/directory.ts';
import { decodeEntry } from '../../../src/actors/homes/entry.ts';
import { lostNodes } from '../../../src/actors/homes/lost-nodes.ts';
import { MetaClient, MetaClientActor } from '../../../src/actors/meta/client/client.ts';
import { spawnMetaDoor } from '../../../src/actors/meta/door.ts';
import { type GroupCounts, groupOfKey } from '../../../src/actors/meta/groups.ts';
import { META_SLOT, metaDoorRef, ownMetaRef } from '../../../src/actors/meta/messages.ts';
import type { MetaReplicas } from '../../../src/actors/meta/replicas.ts';
import { keyOf } from '../../../src/actors/meta/state/record.ts';
import { groupIds } from '../../../src/actors/raft/group-id.ts';
import { RAFT_SLOT, type RaftRequest, raftRef, raftThread } from '../../../src/actors/raft/messages.ts';
import { nodeOfReplica, replicaId } from '../../../src/actors/raft/replica.ts';
import { WireRaftTransport } from '../../../src/actors/raft/wire-transport.ts';
import { HOMES_ASK_MS } from '../../../src/base/limits.ts';
import { Prng } from '../../../src/base/prng.ts';
import type { Actor, ActorContext, TerminationReason } from '../../../src/runtime/actor.ts';
import { type ActorRef, nodeOf } from '../../../src/runtime/ref.ts';
import type { SimNetwork } from '../../../src/runtime/sim/network.ts';
import type { ActorSystem } from '../../../src/runtime/system.ts';
import { GroupDisk, type GroupKnobs, startGroups } from '../meta/sim-groups.ts';
import { HomeHistory } from './home-history.ts';
import { NODES, type SimMetadata } from './sim-metadata.ts';

const COUNTS: GroupCounts = { metadata: 1, offset: 0, data: 2 };
const GROUPS = groupIds(COUNTS);

export class RaftMetadata implements SimMetadata {
  readonly isReal = true;
  readonly threads = 1;
  network!: SimNetwork;
  readonly away: Set<number> = new Set();
  readonly violations: string[];
  readonly #prng: Prng;
  readonly #knobs: GroupKnobs;
  readonly #history = new HomeHistory();
  readonly #disks: ReadonlyMap<number, GroupDisk>;
  /** By node, of its present life. */
  readonly #replicas = new Map<number, MetaReplicas>();
  /** Ways that nothing of the metadata passes, `from > to`. */
  readonly #shut = new Set<string>();
  #isFickle = false;
  #isTroubled = false;

  constructor(seed: number) {
    const prng = new Prng(seed);
    this.#prng = prng;
    this.violations = this.#history.violations;
    this.#knobs = {
      ...(prng.chance(0.5) ? { sessionsMax: 2 + prng.below(8), sessionTtlMs: 100 + prng.below(4000) } : {}),
      ...(prng.chance(0.5) ? { snapshotLogBytes: 2000 + prng.below(20_000) } : {}),
    };
    const later = (run: () => void): void => this.#after(this.#isFickle && prng.chance(0.03) ? prng.next() * 1500 : 1, run);
    this.#disks = new Map(NODES.map((node) => [node, new GroupDisk(later)]));
  }

  get isFickle(): boolean {
    return this.#isFickle;
  }

  set isFickle(isFickle: boolean) {
    this.#isFickle = isFickle;
    if (!isFickle) this.#shut.clear();
    else if (!this.#isTroubled) this.#trouble();
  }

  begin(): void {
    const voters = NODES.map((node) => replicaId(node, 1));
    this.#after(50, () => {
      for (const node of NODES) for (const group of GROUPS) this.#tellRaft(node, { type: 'found', group, voters });
    });
  }

  boot(system: ActorSystem): void {
    const { node } = system;
    const failed = (error: unknown): void => void this.violations.push(`the groups of node ${node}: ${(error as Error).stack}`);
    const wire = new WireRaftTransport(system, (lost) => system.tell(raftRef(system), { type: 'unreachable', node: lost }));
    for (const other of NODES) wire.learn(other, raftThread(system));
    const replicas = startGroups(system, {
      ...this.#knobs,
      disk: this.#disks.get(node)!,
      transport: {
        send: (to, lane, bytes) => {
          if (this.#passes(node, nodeOfReplica(to))) wire.send(to, lane, bytes);
        },
      },
      serviceOf: (_group, replica) => {
        if (replica === 0) return 0;
        const lead = nodeOfReplica(replica);
        return lead === node ? ownMetaRef(system) : metaDoorRef(lead);
      },
      slots: { raft: RAFT_SLOT, service: META_SLOT },
      gate: (service) => this.#gate(node, service),
      onReplica: (_node, replica) => this.#history.watch(replica),
      onFailed: failed,
    });
    this.#replicas.set(node, replicas);
    const client = this.#startClient(system);
    system.spawn(() => new ControllerActor({ node, client, raft: raftRef(system), onChange: () => {} }), { name: 'controller' });
    system.spawn(() => new RegistrarActor(client, { node, replica: `${node}.1`, roles: [], version: '1' }), {
      name: 'registrar',
    });
  }

  serve(system: ActorSystem): ReturnType<SimMetadata['serve']> {
    spawnMetaDoor(system);
    const client = this.#startClient(system);
    return {
      directory: new MetaDirectory(client, COUNTS, HOMES_ASK_MS),
      wills: new MetaDirectory(client, COUNTS, HOMES_ASK_MS, WILL_PREFIX),
      lostNodes: (then) => lostNodes(client, system.node, then),
    };
  }

  killed(): void {}

  homesOf(clientId: string): number[] {
    const key = keyOf(SESSION_PREFIX) + keyOf(clientId);
    const homes = [...this.#replicas.values()].flatMap((replicas) => {
      const value = replicas.get(groupOfKey('data', key, COUNTS))?.machine.keyspace.get(key)?.value;
      return value == null ? [] : [decodeEntry(value)!.home];
    });
    return [...new Set(homes)];
  }

  #startClient(system: ActorSystem): MetaClient {
    const services = [ownMetaRef(system), ...NODES.filter((node) => node !== system.node).map(metaDoorRef)];
    const client = new MetaClient({ candidates: () => services });
    system.spawn<never>(() => this.#gate(system.node, new MetaClientActor(client)), { name: 'meta-client' });
    return client;
  }

  #gate(node: number, actor: Actor<never>): Actor<never> {
    return new Gate(actor, (from) => from === node || this.#passes(from, node));
  }

  #passes(from: number, to: number): boolean {
    if (this.away.has(from) || this.away.has(to) || this.#shut.has(`${from}>${to}`)) return false;
    return !(this.#isFickle && this.#prng.chance(0.01));
  }

  #trouble(): void {
    this.#isTroubled = true;
    this.#after(100 + this.#prng.next() * 1500, () => {
      this.#isTroubled = false;
      if (!this.#isFickle) return;
      this.#fault();
      this.#trouble();
    });
  }

  #fault(): void {
    const node = this.#node();
    const other = this.#node();
    if (this.#prng.chance(0.4)) {
      const to = replicaId(node, 1);
      for (const each of NODES) for (const group of GROUPS) this.#tellRaft(each, { type: 'transfer', group, to });
      return;
    }
    const isAlone = this.#prng.chance(0.5);
    const ways = isAlone ? NODES.flatMap((each) => [`${node}>${each}`, `${each}>${node}`]) : [`${node}>${other}`];
    for (const way of ways) this.#shut.add(way);
    this.#after(50 + this.#prng.next() * 4000, () => {
      for (const way of ways) this.#shut.delete(way);
    });
  }

  #tellRaft(node: number, request: RaftRequest): void {
    if (!this.network.isAlive(node)) return;
    const system = this.network.node(node).system(1);
    system.tell(raftRef(system) as ActorRef<RaftRequest>, request);
  }

  #after(ms: number, then: () => void): void {
    this.network.at(this.network.world.nowMs + ms, then);
  }

  #node(): number {
    return NODES[this.#prng.below(NODES.length)]!;
  }
}

/** Lets an actor hear what other nodes say to it, or not. */
class Gate implements Actor<never> {
  readonly #actor: Actor<never>;
  readonly #isOpen: (from: number) => boolean;

  constructor(actor: Actor<never>, isOpen: (from: number) => boolean) {
    this.#actor = actor;
    this.#isOpen = isOpen;
  }

  started(ctx: ActorContext<never>): void {
    this.#actor.started?.(ctx);
  }

  receive(message: never, ctx: ActorContext<never>): void {
    this.#actor.receive(message, ctx);
  }

  receiveBytes(kind: number, bytes: Uint8Array, start: number, end: number, ctx: ActorContext<never>): void {
    if (this.#isOpen(nodeOf(ctx.sender))) this.#actor.receiveBytes?.(kind, bytes, start, end, ctx);
  }

  onIo(event: number, argument: unknown, ctx: ActorContext<never>): void {
    this.#actor.onIo?.(event, argument, ctx);
  }

  onTimer(key: number, ctx: ActorContext<never>): void {
    this.#actor.onTimer?.(key, ctx);
  }

  onTerminated(ref: ActorRef, reason: TerminationReason, ctx: ActorContext<never>): void {
    this.#actor.onTerminated?.(ref, reason, ctx);
  }

  stopping(reason: TerminationReason, ctx: ActorContext<never>): void {
    this.#actor.stopping?.(reason, ctx);
  }

  inspect(): unknown {
    return this.#actor.inspect?.();
  }
}
