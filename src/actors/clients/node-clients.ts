/** What one reactor answers for all of its node: it asks them all and puts together what they say. */
import { ADMIN_ASK_MS } from '../../base/limits.ts';
import type { ActorContext } from '../../runtime/actor.ts';
import type { ActorSystem } from '../../runtime/system.ts';
import type { Qos } from '../../wire/mqtt/constants.ts';
import type { SubscribeEntry } from '../../wire/mqtt/packets.ts';
import type { ClientAct, ClientActed, ClientsPageAnswer } from '../../wire/schema-types.ts';
import {
  type ClientDetails,
  type ClientList,
  type ClientRequest,
  type ClientsMessage,
  type ClientView,
  clientsRef,
  type PageRequest,
} from './messages.ts';

type Context = ActorContext<ClientsMessage>;

/** Less than whoever asks waits, more than a reactor waits for its sessions. */
const REACTOR_ASK_MS = (ADMIN_ASK_MS * 3) / 4;

export function pageOfNode(
  system: ActorSystem,
  ctx: Context,
  { after, limit, like }: PageRequest,
  then: (answer: ClientsPageAnswer) => void,
): void {
  askAll<ClientList>(system, ctx, { type: 'page', after, limit, like }, (lists, isComplete) => {
    const clients = inOrder(lists.flatMap((list) => list.clients)).slice(0, limit);
    then({ type: 'ClientsPageAnswer', isComplete, total: lists.reduce((sum, { total }) => sum + total, 0), clients });
  });
}

export function actInNode(system: ActorSystem, ctx: Context, act: ClientAct, then: (answer: ClientActed) => void): void {
  const request = requestOf(act);
  if (request === undefined) return then(acted({ isComplete: false }));
  askAll<ClientDetails | readonly number[] | boolean | null>(system, ctx, request, (answers, isComplete) => {
    const found = answers.find((answer) => answer !== null && answer !== false);
    if (found === undefined) then(acted({ isComplete }));
    else if (found === true) then(acted({ isComplete, isFound: true }));
    else if ('clientId' in (found as object)) {
      const { subscriptions, ...client } = found as ClientDetails;
      then(acted({ isComplete, isFound: true, clients: [client], subscriptions }));
    } else then(acted({ isComplete, isFound: true, reasons: found as readonly number[] }));
  });
}

export function inOrder(clients: readonly ClientView[]): ClientView[] {
  return [...clients].sort((a, b) => (a.clientId < b.clientId ? -1 : a.clientId > b.clientId ? 1 : a.node - b.node));
}

function acted(answer: Partial<ClientActed> & Pick<ClientActed, 'isComplete'>): ClientActed {
  return { type: 'ClientActed', isFound: false, clients: [], subscriptions: [], reasons: [], ...answer };
}

/** Undefined: of a later release. */
function requestOf({ clientId, action, entries, filters }: ClientAct): ClientRequest | undefined {
  switch (action) {
    case 'show':
      return { type: 'show', clientId };
    case 'kick':
    case 'discard':
      return { type: 'kick', clientId, discard: action === 'discard' };
    case 'subscribe':
      return { type: 'subscribe', clientId, entries: entries.map(entryOf) };
    case 'unsubscribe':
      return { type: 'unsubscribe', clientId, filters: [...filters] };
    default:
      return undefined;
  }
}

function entryOf({ filter, qos, noLocal, retainAsPublished, retainHandling }: ClientAct['entries'][number]): SubscribeEntry {
  return { filter, qos: qos as Qos, noLocal, retainAsPublished, retainHandling: retainHandling as 0 | 1 | 2 };
}

function askAll<R>(
  system: ActorSystem,
  ctx: Context,
  message: ClientsMessage,
  then: (answers: readonly R[], isComplete: boolean) => void,
): void {
  const answers: R[] = [];
  let isComplete = true;
  let waiting = system.reactors;
  for (let thread = 1; thread <= system.reactors; thread++) {
    ctx.ask<ClientsMessage, R>(clientsRef(system.node, thread), message, REACTOR_ASK_MS, (answer) => {
      if (answer === undefined) isComplete = false;
      else answers.push(answer);
      if (--waiting === 0) then(answers, isComplete);
    });
  }
}
