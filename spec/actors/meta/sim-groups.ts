/** The replicated groups of one simulated node, and the service beside them, on one thread of it. What they have on disk outlives the node: `GroupDisk`. */
import { MetaService, type MetaServiceOptions } from '../../../src/actors/meta/actor.ts';
import type { MetaReplica } from '../../../src/actors/meta/replica.ts';
import { MetaReplicas } from '../../../src/actors/meta/replicas.ts';
import { DEFAULT_BOUNDS, type MetaBounds } from '../../../src/actors/meta/state/bounds.ts';
import { RaftActor } from '../../../src/actors/raft/actor.ts';
import { MemorySnapshots, MemoryStorage } from '../../../src/actors/raft/memory-storage.ts';
import type { RaftRequest } from '../../../src/actors/raft/messages.ts';
import { replicaId } from '../../../src/actors/raft/replica.ts';
import { DEFAULT_SETTINGS } from '../../../src/actors/raft/settings.ts';
import type { RaftTransport } from '../../../src/actors/raft/transport.ts';
import type { Actor } from '../../../src/runtime/actor.ts';
import { wellKnownRef } from '../../../src/runtime/ref.ts';
import type { ActorSystem } from '../../../src/runtime/system.ts';

export class GroupDisk {
  readonly storage: MemoryStorage;
  readonly snapshots: MemorySnapshots = new MemorySnapshots();

  /** `later`: runs what it is given when that is durable. */
  constructor(later: (run: () => void) => void) {
    this.storage = new MemoryStorage(later);
  }
}

/** How a seed may have the groups of its nodes. */
export interface GroupKnobs {
  readonly bounds?: MetaBounds;
  readonly snapshotLogBytes?: number;
  readonly sessionsMax?: number;
  readonly sessionTtlMs?: number;
  /** A node's state of a group begins, or begins again with a new life of the node. */
  readonly onReplica?: (node: number, replica: MetaReplica) => void;
}

export interface SimGroupsOptions extends GroupKnobs {
  readonly disk: GroupDisk;
  readonly transport: RaftTransport;
  readonly serviceOf: MetaServiceOptions['serviceOf'];
  readonly slots: { readonly raft: number; readonly service: number };
  /** Between the service and those who ask it. */
  readonly gate?: (service: MetaService) => Actor<never>;
  /** A group cannot go on, or none can. */
  readonly onFailed: (error: unknown) => void;
}

/** Every node of the simulation is a voter in the first life of its replicas. */
export function startGroups(system: ActorSystem, options: SimGroupsOptions): MetaReplicas {
  const { bounds = DEFAULT_BOUNDS, snapshotLogBytes = 1 << 20, sessionsMax = 100, sessionTtlMs = 600_000, onReplica } = options;
  const { disk, transport, serviceOf, slots, gate, onFailed } = options;
  const self = replicaId(system.node, 1);
  const replicas = MetaReplicas.inMemory({ owner: self, bounds, sessionsMax, sessionTtlMs });
  const raft = new RaftActor(system, {
    self,
    settings: DEFAULT_SETTINGS,
    storage: disk.storage,
    snapshots: disk.snapshots,
    snapshotLogBytes,
    snapshotBytesPerSecond: 1 << 24,
    snapshotChunkBytes: 4096,
    transport,
    machineOf: (group) => {
      const replica = replicas.open(group);
      onReplica?.(system.node, replica);
      return replica;
    },
    onPoisoned: (_group, error) => onFailed(error),
    onFailed,
  });
  system.spawn<RaftRequest>(() => raft, { name: 'raft', wellKnown: slots.raft });
  const service = new MetaService({
    replicas,
    raft: wellKnownRef(system.node, system.thread, slots.raft),
    slots: system.slots,
    serviceOf,
  });
  system.spawn<never>(() => (gate === undefined ? service : gate(service)), { name: 'meta', wellKnown: slots.service });
  return replicas;
}
