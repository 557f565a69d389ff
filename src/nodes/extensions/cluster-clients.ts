/** The clients of all nodes that are one broker, asked of each of them; those whose node does not answer come from the metadata, as far as they have sessions. */
import { type ClientView, clientsRef } from '../../actors/clients/messages.ts';
import { inOrder } from '../../actors/clients/node-clients.ts';
import { homesRef } from '../../actors/homes/messages.ts';
import { SluiceError } from '../../base/errors.ts';
import { ADMIN_ASK_MS } from '../../base/limits.ts';
import { AskError } from '../../runtime/ask-error.ts';
import type { ActorSystem } from '../../runtime/system.ts';
import type { ClientAct, ClientActed, ClientsPageAnswer } from '../../wire/schema-types.ts';
import type { NodeMeta } from '../meta/node-meta.ts';
import { awaySession, awaySessions } from './away-sessions.ts';

/** What a node knows of the others. */
export interface Neighbours {
  /** Nodes that are one broker with this one. */
  readonly others: readonly number[];
  /** Undefined: there is none, or not yet. */
  readonly meta: () => NodeMeta | undefined;
}

export interface ClientsQuery {
  readonly after: string;
  readonly limit: number;
  readonly like: string;
}

export interface ClientPage {
  readonly clients: readonly ClientView[];
  /** Of the nodes that have answered. */
  readonly total: number;
  readonly next?: string;
  /** Nodes that have not; of their clients only the sessions are listed, as `away`. */
  readonly missing?: readonly number[];
}

/** In the order of the client ids. */
export async function listClients(system: ActorSystem, { others, meta }: Neighbours, query: ClientsQuery): Promise<ClientPage> {
  const { after, limit, like } = query;
  const request = { type: 'ClientsPage', after, limit: limit + 1, like };
  const answers = await askNodes<ClientsPageAnswer>(system, others, request);
  const missing = others.filter((node) => !answers.has(node));
  const pages = [...answers.values()];
  const live = pages.flatMap(({ clients }) => clients);
  const away = await awaySessions(meta(), new Set(missing), { ...query, limit: limit + 1 });
  const all = oneEach(inOrder([...live, ...away]));
  const clients = all.slice(0, limit);
  return {
    clients,
    total: pages.reduce((sum, { total }) => sum + total, 0),
    ...(all.length > limit ? { next: clients.at(-1)!.clientId } : {}),
    ...(missing.length > 0 ? { missing } : {}),
  };
}

export interface Acted extends Pick<ClientActed, 'clients' | 'subscriptions' | 'reasons'> {}

/** Undefined: no node has that client, nor a session of it. */
export async function actOnClient(
  system: ActorSystem,
  { others, meta }: Neighbours,
  act: Pick<ClientAct, 'clientId' | 'action'> & Partial<ClientAct>,
): Promise<Acted | undefined> {
  const request: ClientAct = { type: 'ClientAct', entries: [], filters: [], ...act };
  const answers = await askNodes<ClientActed>(system, others, request);
  const found = [...answers.values()].filter(({ isFound }) => isFound);
  if (found.length > 0) return found.find(({ clients }) => clients[0]?.state === 'online') ?? found[0];
  if (answers.size === others.length + 1) return undefined;
  const away = await awaySession(meta(), act.clientId);
  if (away === undefined || answers.has(away.client.node)) return undefined;
  switch (act.action) {
    case 'show':
      return { clients: [away.client], subscriptions: away.subscriptions, reasons: [] };
    case 'kick':
      return NOTHING;
    case 'discard': {
      const isEnded = await askHere<boolean>(system, homesRef(system.node), { type: 'end', clientId: act.clientId });
      if (isEnded !== true) throw new SluiceError('SLUICE_HTTP_UNAVAILABLE', 'the metadata does not answer about the session');
      return NOTHING;
    }
    default:
      throw new SluiceError('SLUICE_HTTP_UNAVAILABLE', `node ${away.client.node}, which has the session, does not answer`);
  }
}

const NOTHING: Acted = { clients: [], subscriptions: [], reasons: [] };

/** A client that goes from one node to another may be at both for a moment: it is where it is online. */
function oneEach(clients: readonly ClientView[]): ClientView[] {
  const each = new Map<string, ClientView>();
  for (const client of clients) {
    const known = each.get(client.clientId);
    if (known === undefined || (known.state !== 'online' && client.state === 'online')) each.set(client.clientId, client);
  }
  return [...each.values()];
}

/** The answers by node. Rejects with SLUICE_HTTP_UNAVAILABLE when this node itself does not answer. */
async function askNodes<R extends { readonly isComplete: boolean }>(
  system: ActorSystem,
  others: readonly number[],
  request: object,
): Promise<Map<number, R>> {
  const answers = new Map<number, R>();
  await Promise.all(
    [system.node, ...others].map(async (node) => {
      const answer = await askHere<R>(system, clientsRef(node), request);
      if (answer?.isComplete === true) answers.set(node, answer);
    }),
  );
  if (!answers.has(system.node)) throw new SluiceError('SLUICE_HTTP_UNAVAILABLE', 'a reactor of this node does not answer');
  return answers;
}

async function askHere<R>(system: ActorSystem, target: number, request: object): Promise<R | undefined> {
  try {
    return await system.ask<R>(target as never, request, ADMIN_ASK_MS);
  } catch (error) {
    if (!(error instanceof AskError)) throw error;
    return undefined;
  }
}
