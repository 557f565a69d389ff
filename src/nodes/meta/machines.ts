/** What the groups of a node replicate: the metadata, kept in a store of its own beside the log, and the service beside the groups. */
import { join } from 'node:path';
import { MetaService } from '../../actors/meta/actor.ts';
import { META_SLOT, metaDoorRef, ownMetaRef } from '../../actors/meta/messages.ts';
import { MetaReplicas } from '../../actors/meta/replicas.ts';
import { DEFAULT_BOUNDS } from '../../actors/meta/state/bounds.ts';
import { raftRef } from '../../actors/raft/messages.ts';
import { NO_REPLICA, nodeOfReplica } from '../../actors/raft/replica.ts';
import { META_MAILBOX_MAX, META_SESSION_TTL_MS, META_SESSIONS_MAX } from '../../base/limits.ts';
import type { ActorSystem } from '../../runtime/system.ts';
import { RocksKv } from '../../storage/kv/rocksdb-kv.ts';
import type { MachineOptions, Machines } from '../raft/machines.ts';

export async function openMachines(system: ActorSystem, { directory, replica, onFailed }: MachineOptions): Promise<Machines> {
  const kv = await RocksKv.open(join(directory, 'state'));
  const options = {
    owner: replica,
    bounds: DEFAULT_BOUNDS,
    sessionsMax: META_SESSIONS_MAX,
    sessionTtlMs: META_SESSION_TTL_MS,
  };
  const replicas = await MetaReplicas.open(kv, options, onFailed);
  return {
    machineOf: (group) => replicas.open(group),
    started: () => {
      const service = new MetaService({
        replicas,
        raft: raftRef(system),
        slots: system.slots,
        serviceOf: (_group, lead) => {
          if (lead === NO_REPLICA) return 0;
          const node = nodeOfReplica(lead);
          return node === system.node ? ownMetaRef(system) : metaDoorRef(node);
        },
      });
      system.spawn(() => service, { name: 'meta', wellKnown: META_SLOT, mailboxMax: META_MAILBOX_MAX });
    },
  };
}
