/**
 * What the thread of the groups does after it is born: its wire, the state machines, what the shared log has of the groups, then the groups themselves and the keeper of the node's place in the
 * cluster. It is ready when the groups are open; whether they serve is another question, which main asks.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { ClusterActor, type ClusterEvent } from '../../actors/cluster/actor.ts';
import { CLUSTER_SLOT, type ClusterRequest } from '../../actors/cluster/messages.ts';
import { RaftActor } from '../../actors/raft/actor.ts';
import { groupIds, groupName } from '../../actors/raft/group-id.ts';
import { startJournalStorage } from '../../actors/raft/journal/link.ts';
import { recoverGroups } from '../../actors/raft/journal/recovery.ts';
import { RAFT_SLOT, type RaftRequest, raftRef } from '../../actors/raft/messages.ts';
import { DEFAULT_SETTINGS } from '../../actors/raft/settings.ts';
import { FileSnapshots } from '../../actors/raft/snapshot/file-snapshots.ts';
import { WireRaftTransport } from '../../actors/raft/wire-transport.ts';
import { type StoreMessage, storeRef } from '../../actors/store/messages.ts';
import { SluiceError } from '../../base/errors.ts';
import {
  RAFT_MAILBOX_MAX,
  RAFT_SNAPSHOT_BYTES_PER_SECOND,
  RAFT_SNAPSHOT_CHUNK_BYTES,
  RAFT_SNAPSHOT_LOG_BYTES,
  STORE_ASK_MS,
} from '../../base/limits.ts';
import { AskError } from '../../runtime/ask-error.ts';
import type { ActorSystem } from '../../runtime/system.ts';
import { parseMember } from '../../wire/address.ts';
import { createLog, errorFields, type Log } from '../log.ts';
import { startNodeWire } from '../wire-boot.ts';
import type { MachineModule } from './machines.ts';
import type { RaftBoot } from './raft-boot.ts';

/** How often the store is asked until it is there, milliseconds. */
const STORE_RETRY_MS = 5;
const STORE_ASK_MS_MIN = 250;

export async function boot(system: ActorSystem, { config, replica, isNewReplica, wire, machines: url }: RaftBoot): Promise<void> {
  const log = createLog({ level: config.log.level, node: system.node, worker: system.thread });
  const transport = new WireRaftTransport(system, (node) => system.tell(raftRef(system), { type: 'unreachable', node }));
  if (wire !== undefined) await startNodeWire(system, config, wire, log);
  // Out of the turn, so that what has been said still leaves. An error that nobody handles ends the thread, and with it the node.
  const onFailed = (error: unknown): void => {
    setTimeout(() => {
      throw error;
    }, 0);
  };
  const groups = groupIds(config.meta.groups);
  const directory = join(config.node.data, 'raft');
  const module = (await import(url)) as MachineModule;
  const machines = await module.openMachines(system, { config, directory, groups, replica, onFailed });
  const recovered = await recoverGroups((message) => askStore(system, message));
  if (isNewReplica && recovered.size > 0) {
    throw new SluiceError(
      'SLUICE_NODE_DATA',
      `${config.node.data} holds replicated groups but no replica.json, which says who this node is in them; restore that file, or begin with an empty directory`,
    );
  }
  const storage = startJournalStorage(system, recovered, onFailed);
  const snapshots = new FileSnapshots({
    fs,
    directory: join(directory, 'snapshots'),
    onError: (error, path) => log.error({ path, ...errorFields(error) }, 'a snapshot of a group is of no use'),
  });
  const raft = (): RaftActor =>
    new RaftActor(system, {
      self: replica,
      settings: DEFAULT_SETTINGS,
      storage,
      transport,
      snapshots,
      snapshotLogBytes: RAFT_SNAPSHOT_LOG_BYTES,
      snapshotBytesPerSecond: RAFT_SNAPSHOT_BYTES_PER_SECOND,
      snapshotChunkBytes: RAFT_SNAPSHOT_CHUNK_BYTES,
      machineOf: (group) => machines.machineOf(group),
      onPoisoned: (group, error) =>
        log.error({ group: groupName(group), ...errorFields(error) }, 'a group takes part in nothing more'),
      onFailed,
    });
  system.spawn<RaftRequest>(raft, { name: 'raft', wellKnown: RAFT_SLOT, mailboxMax: RAFT_MAILBOX_MAX });
  const members = config.cluster.meta.flatMap((text) => parseMember(text)?.node ?? []);
  const cluster = (): ClusterActor =>
    new ClusterActor(system, {
      replica,
      members: [...new Set([...members, system.node])].sort((a, b) => a - b),
      groups,
      isFounded: () => storage.groups.size > 0,
      isUp: (node) => transport.isUp(node),
      onMember: (node, thread) => transport.learn(node, thread),
      onEvent: (event) => logEvent(log, event),
      onFailed,
    });
  system.spawn<ClusterRequest>(cluster, { name: 'cluster', wellKnown: CLUSTER_SLOT });
  await machines.started?.();
}

/** The store's thread starts beside this one. */
async function askStore(system: ActorSystem, message: StoreMessage): Promise<unknown> {
  // What is asked before the other thread listens may be lost: at first one does not wait long for an answer.
  for (let deadlineMs = STORE_ASK_MS_MIN; ; deadlineMs = Math.min(2 * deadlineMs, STORE_ASK_MS)) {
    try {
      return await system.ask(storeRef(system) as never, message, deadlineMs);
    } catch (error) {
      if (!(error instanceof AskError)) throw error;
      await new Promise((resolve) => setTimeout(resolve, STORE_RETRY_MS));
    }
  }
}

function logEvent(log: Log, event: ClusterEvent): void {
  switch (event.what) {
    case 'founded':
      return log.info('the groups are founded by this node');
    case 'joins':
      return log.info('this node takes its place in the groups');
    case 'changes':
      return log.info({ group: groupName(event.group), change: event.change }, 'the members of a group change');
    case 'hands_over':
      return log.info({ group: groupName(event.group), to: event.to }, 'a group is handed over');
  }
}
