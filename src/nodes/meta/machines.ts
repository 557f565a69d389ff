/** What the groups of a node replicate: the metadata, kept in a store of its own beside the log, and the service beside the groups. */
import { join } from 'node:path';
import { ControllerActor } from '../../actors/controller/actor.ts';
import { RegistrarActor } from '../../actors/controller/registrar.ts';
import { MetaService } from '../../actors/meta/actor.ts';
import { MetaClient, MetaClientActor } from '../../actors/meta/client/client.ts';
import { META_SLOT, metaDoorRef, ownMetaRef } from '../../actors/meta/messages.ts';
import { MetaReplicas } from '../../actors/meta/replicas.ts';
import { DEFAULT_BOUNDS } from '../../actors/meta/state/bounds.ts';
import { raftRef } from '../../actors/raft/messages.ts';
import { formatReplica, NO_REPLICA, nodeOfReplica, type ReplicaId } from '../../actors/raft/replica.ts';
import { META_MAILBOX_MAX, META_SESSION_TTL_MS, META_SESSIONS_MAX } from '../../base/limits.ts';
import type { ActorSystem } from '../../runtime/system.ts';
import { ThreadedKv } from '../../storage/kv/threaded-kv.ts';
import { parseMember } from '../../wire/address.ts';
import type { Config } from '../config/schema.ts';
import { createLog } from '../log.ts';
import type { MachineOptions, Machines } from '../raft/machines.ts';
import { VERSION } from '../version.ts';

export async function openMachines(
  system: ActorSystem,
  { config, directory, replica, onFailed }: MachineOptions,
): Promise<Machines> {
  const kv = await ThreadedKv.open(join(directory, 'state'));
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
      startController(system, config, replica);
    },
  };
}

/** What says that this node is there, and what says so of all when this one leads. */
function startController(system: ActorSystem, config: Config, replica: ReplicaId): void {
  const log = createLog({ level: config.log.level, node: system.node, worker: system.thread });
  const members = config.cluster.meta.flatMap((text) => parseMember(text)?.node ?? []);
  const services = [ownMetaRef(system), ...members.filter((node) => node !== system.node).map(metaDoorRef)];
  const client = new MetaClient({ candidates: () => services });
  system.spawn(() => new MetaClientActor(client), { name: 'meta-client' });
  const controller = (): ControllerActor =>
    new ControllerActor({
      node: system.node,
      client,
      raft: raftRef(system),
      onChange: ({ node, state, epoch }) => log.info({ peer: node, state, epoch }, 'a node has come or gone'),
    });
  system.spawn(controller, { name: 'controller' });
  const registration = { node: system.node, replica: formatReplica(replica), roles: config.node.roles, version: VERSION };
  system.spawn(() => new RegistrarActor(client, registration), { name: 'registrar' });
}
