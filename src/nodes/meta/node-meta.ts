/** The metadata as main sees it: a client of its own, with promises. Keys are text here, of UTF-8. */
import { MetaClient, MetaClientActor } from '../../actors/meta/client/client.ts';
import { settled } from '../../actors/meta/client/errors.ts';
import type { Page, Values } from '../../actors/meta/client/open-call.ts';
import type { WatchHandle, WatchListener } from '../../actors/meta/client/watch.ts';
import type { MetaCommand, MetaReply } from '../../actors/meta/command.ts';
import { type GroupCounts, groupOfKey } from '../../actors/meta/groups.ts';
import { metaDoorRef, ownMetaRef } from '../../actors/meta/messages.ts';
import type { RangeRequest } from '../../actors/meta/state/range.ts';
import type { MetaKey } from '../../actors/meta/state/record.ts';
import { type GroupKind, groupId } from '../../actors/raft/group-id.ts';
import type { ActorSystem } from '../../runtime/system.ts';

export class NodeMeta {
  readonly counts: GroupCounts;
  readonly #client: MetaClient;

  private constructor(counts: GroupCounts, client: MetaClient) {
    this.counts = counts;
    this.#client = client;
  }

  /** `nodes`: those that hold groups, the nearest first; this one or others. */
  static start(system: ActorSystem, counts: GroupCounts, nodes: readonly number[]): Promise<NodeMeta> {
    const services = nodes.map((node) => (node === system.node ? ownMetaRef(system) : metaDoorRef(node)));
    const client = new MetaClient({ candidates: () => services });
    return new Promise((resolve) => {
      system.spawn(() => new MetaClientActor(client, () => resolve(new NodeMeta(counts, client))), { name: 'meta-client' });
    });
  }

  groupOf(kind: GroupKind, key: MetaKey): number {
    return groupOfKey(kind, key, this.counts);
  }

  groupsOf(kind: GroupKind): number[] {
    return Array.from({ length: this.counts[kind] }, (_, place) => groupId(kind, place));
  }

  command(group: number, command: MetaCommand): Promise<MetaReply> {
    return new Promise((resolve, reject) => this.#client.command(group, command, settled(resolve, reject)));
  }

  get(group: number, keys: readonly MetaKey[], isStale: boolean): Promise<Values> {
    return new Promise((resolve, reject) => this.#client.get(group, keys, isStale, settled(resolve, reject)));
  }

  range(group: number, request: RangeRequest, isStale: boolean): Promise<Page> {
    return new Promise((resolve, reject) => this.#client.range(group, request, isStale, settled(resolve, reject)));
  }

  watch(group: number, from: MetaKey, to: MetaKey, since: number, listener: WatchListener): WatchHandle {
    return this.#client.watch({ group, from, to, since }, listener);
  }
}
