/** Three simulated nodes with a replica of every group, and a fourth that has a client alone. Disks outlive their nodes. */
import { MetaClient, MetaClientActor } from '../../../src/actors/meta/client/client.ts';
import type { Outcome } from '../../../src/actors/meta/client/outcome.ts';
import type { MetaCommand, MetaReply } from '../../../src/actors/meta/command.ts';
import { META_PROBE } from '../../../src/actors/meta/probe.ts';
import type { MetaReplicas } from '../../../src/actors/meta/replicas.ts';
import { RAFT_FRAME, type RaftRequest } from '../../../src/actors/raft/messages.ts';
import { nodeOfReplica, replicaId } from '../../../src/actors/raft/replica.ts';
import { type ActorRef, wellKnownRef } from '../../../src/runtime/ref.ts';
import { SimNetwork } from '../../../src/runtime/sim/network.ts';
import type { ActorSystem } from '../../../src/runtime/system.ts';
import { GroupDisk, type GroupKnobs, startGroups } from './sim-groups.ts';

const RAFT_SLOT = 60;
const SERVICE_SLOT = 61;
export const NODES: readonly number[] = [1, 2, 3];
export const CLIENT_NODE = 4;
const VOTERS = NODES.map((node) => replicaId(node, 1));
const raftOn = (node: number): ActorRef<RaftRequest> => wellKnownRef(node, 1, RAFT_SLOT);
const serviceOn = (node: number): ActorRef => wellKnownRef(node, 1, SERVICE_SLOT);

export interface BedOptions extends GroupKnobs {
  readonly groups?: readonly number[];
  /** Clients beside the first one. */
  readonly moreClients?: number;
  /** Further actors of a node, with a client of its own. */
  readonly onNode?: (system: ActorSystem, client: MetaClient, raft: ActorRef<RaftRequest>) => void;
}

export class ServiceBed {
  readonly network: SimNetwork;
  readonly clients: readonly MetaClient[];
  /** By node; of its present life. */
  readonly replicas: MetaReplicas[] = [];
  readonly #disks = new Map<number, GroupDisk>();

  constructor(seed: number, options: BedOptions = {}) {
    const { groups = [1], moreClients = 0 } = options;
    const candidates = (): readonly ActorRef[] => NODES.map(serviceOn);
    this.clients = Array.from({ length: 1 + moreClients }, () => new MetaClient({ candidates }));
    this.network = new SimNetwork({
      nodes: CLIENT_NODE,
      threads: 2,
      seed,
      boot: (system) => {
        if (system.thread === 0) return;
        if (system.node !== CLIENT_NODE) return this.#boot(system, options);
        for (const client of this.clients) system.spawn(() => new MetaClientActor(client), { name: 'client' });
      },
    });
    this.run(50);
    for (const node of NODES) {
      for (const group of groups) this.network.node(node).system(1).tell(raftOn(node), { type: 'found', group, voters: VOTERS });
    }
  }

  get client(): MetaClient {
    return this.clients[0]!;
  }

  /** Another one, that asks this node alone. */
  clientOf(node: number): MetaClient {
    const client = new MetaClient({ candidates: () => [serviceOn(node)] });
    this.network
      .node(CLIENT_NODE)
      .system(1)
      .spawn(() => new MetaClientActor(client), { name: 'client' });
    this.run(1);
    return client;
  }

  #boot(system: ActorSystem, options: BedOptions): void {
    const { node } = system;
    let disk = this.#disks.get(node);
    if (disk === undefined) {
      disk = new GroupDisk((run) => this.network.at(this.network.world.nowMs + 1, run));
      this.#disks.set(node, disk);
    }
    this.replicas[node] = startGroups(system, {
      ...options,
      disk,
      transport: {
        send: (to, _lane, bytes) => void system.tellBytes(raftOn(nodeOfReplica(to)), RAFT_FRAME, bytes, 0, bytes.length),
      },
      serviceOf: (_group, replica) => (replica === 0 ? 0 : serviceOn(nodeOfReplica(replica))),
      slots: { raft: RAFT_SLOT, service: SERVICE_SLOT },
      onFailed: () => {},
    });
    if (options.onNode === undefined) return;
    const client = new MetaClient({
      candidates: () => [serviceOn(node), ...NODES.filter((other) => other !== node).map(serviceOn)],
    });
    system.spawn(() => new MetaClientActor(client), { name: 'client' });
    options.onNode(system, client, raftOn(node));
  }

  run(ms: number): void {
    this.network.run(this.network.world.nowMs + ms);
  }

  /** Runs until `isDone`, at most for a simulated minute. */
  until(isDone: () => boolean, what: string): void {
    for (let waited = 0; !isDone(); waited += 5) {
      if (waited > 60_000) throw new Error(`never: ${what}`);
      this.run(5);
    }
  }

  /** Starts something with a continuation, and waits for that. */
  await<T>(begin: (then: (value: T) => void) => void): T {
    const got: T[] = [];
    begin((value) => got.push(value));
    this.until(() => got.length > 0, 'an answer');
    return got[0]!;
  }

  do(command: MetaCommand, group = 1): MetaReply {
    const outcome = this.await<Outcome<MetaReply>>((then) => this.client.command(group, command, then, { deadlineMs: 30_000 }));
    if (!outcome.isOk) throw new Error(`refused: ${outcome.failure}`);
    return outcome.value;
  }

  put(key: string, value: string, lease = 0, group = 1): number {
    const reply = this.do({ type: 'write', puts: [{ key, value: Buffer.from(value), lease }], deletes: [] }, group);
    return reply.type === 'written' ? reply.revision : Number.NaN;
  }

  /** The leases' times, or why nobody said. */
  keepAlive(ids: readonly number[], deadlineMs = 30_000): readonly number[] | string {
    const outcome = this.await<Outcome<readonly number[]>>((then) => this.client.keepAlive(1, ids, then, { deadlineMs }));
    return outcome.isOk ? outcome.value : outcome.failure;
  }

  get(key: string, group = 1): string | undefined {
    const outcome = this.await<Parameters<Parameters<MetaClient['get']>[3]>[0]>((then) =>
      this.client.get(group, [key], false, then, { deadlineMs: 30_000 }),
    );
    if (!outcome.isOk) throw new Error(`refused: ${outcome.failure}`);
    const [record] = outcome.value.records;
    return record && Buffer.from(record.value!).toString();
  }

  /** A leader hands over, if there is one. */
  transfer(to: number, group = 1): void {
    for (const node of NODES) {
      if (this.network.isAlive(node))
        this.network
          .node(node)
          .system(1)
          .tell(raftOn(node), { type: 'transfer', group, to: replicaId(to, 1) });
    }
  }

  leader(group = 1): number {
    let leader = 0;
    this.until(() => {
      for (const node of NODES) {
        if (!this.network.isAlive(node)) continue;
        const inspected = JSON.stringify(this.network.node(node).system(1).inspect());
        if (new RegExp(`"group":${group},"role":"leader"`).test(inspected)) leader = node;
      }
      return leader > 0;
    }, 'a leader');
    return leader;
  }

  slot(node: number, key: keyof typeof META_PROBE.slot): number {
    return this.network.node(node).system(1).slots[META_PROBE.slot[key]]!;
  }
}
