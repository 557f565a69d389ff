/** Sessions whose node does not answer, as the metadata has them. */
import type { ClientView } from '../../actors/clients/messages.ts';
import { SESSION_PREFIX } from '../../actors/homes/directory.ts';
import { decodeEntry, recordOf } from '../../actors/homes/entry.ts';
import { endOfPrefix, keyOf, textOf } from '../../actors/meta/state/record.ts';
import type { SubscriptionState } from '../../actors/session/messages.ts';
import { META_TABLE_PAGE } from '../../base/limits.ts';
import type { NodeMeta } from '../meta/node-meta.ts';
import type { ClientsQuery } from './cluster-clients.ts';

export interface AwaySession {
  readonly client: ClientView;
  readonly subscriptions: readonly SubscriptionState[];
}

/** The first ones of those whose home is one of `nodes`, of each group; in no order. What the nearest replica has will do. */
export async function awaySessions(
  meta: NodeMeta | undefined,
  nodes: ReadonlySet<number>,
  { after, limit, like }: ClientsQuery,
): Promise<ClientView[]> {
  if (meta === undefined || nodes.size === 0) return [];
  const prefix = keyOf(SESSION_PREFIX);
  const groups = meta.groupsOf('data').map(async (group) => {
    const found: ClientView[] = [];
    for (let from = after === '' ? prefix : `${prefix}${keyOf(after)}\0`; found.length < limit; ) {
      const page = await meta.range(group, { from, to: endOfPrefix(prefix), limit: META_TABLE_PAGE, revision: 0 }, true);
      for (const { key, value } of page.records) {
        const away = awayOf(textOf(key.slice(prefix.length)), value);
        if (away !== undefined && nodes.has(away.client.node) && away.client.clientId.includes(like)) found.push(away.client);
      }
      if (!page.isMore || page.records.length === 0) break;
      from = `${page.records.at(-1)!.key}\0`;
    }
    return found.slice(0, limit);
  });
  return (await Promise.all(groups)).flat();
}

/** Undefined: there is no such session. */
export async function awaySession(meta: NodeMeta | undefined, clientId: string): Promise<AwaySession | undefined> {
  if (meta === undefined) return undefined;
  const key = keyOf(SESSION_PREFIX + clientId);
  const { records } = await meta.get(meta.groupOf('data', key), [key], false);
  return awayOf(clientId, records[0]?.value);
}

function awayOf(clientId: string, value: Uint8Array | undefined): AwaySession | undefined {
  const entry = value === undefined ? undefined : decodeEntry(value);
  const record = entry && recordOf(entry);
  if (entry === undefined || record === undefined) return undefined;
  const { subscriptions, expirySeconds, offlineSince } = record;
  const client: ClientView = {
    clientId,
    username: '',
    address: '',
    listener: '',
    node: entry.home,
    thread: 0,
    state: 'away',
    protocol: 0,
    keepAliveSeconds: 0,
    sessionExpirySeconds: expirySeconds,
    connectedAt: 0,
    offlineSince,
    subscriptionCount: subscriptions.length,
    inFlight: 0,
    queued: 0,
    queuedBytes: 0,
    inbox: 0,
    awaitingRelease: 0,
  };
  return { client, subscriptions };
}
