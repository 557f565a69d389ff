/** `sluice client`: who is connected or has a session, and what is to happen to them. */
import { Command } from 'commander';
import type { ClientDetails, ClientView } from '../../actors/clients/messages.ts';
import type { ClientPage } from '../extensions/cluster-clients.ts';
import { type AdminOptions, addAdminOptions, adminRequest, printJson, printTable } from './admin-client.ts';
import { printLine } from './admin-pages.ts';
import { wholeNumber } from './option-values.ts';

interface ListOptions extends AdminOptions {
  readonly limit: number;
  readonly after?: string;
  readonly like?: string;
  readonly here?: boolean;
}

const CLIENTS = '/api/v1/clients';
const pathOf = (clientId: string): string => `${CLIENTS}/${encodeURIComponent(clientId)}`;
const since = (time: number): string => (time === 0 ? '' : new Date(time).toISOString());

async function list({ limit, after, like, here, ...options }: ListOptions): Promise<void> {
  const query = new URLSearchParams({
    limit: String(limit),
    ...(after === undefined ? {} : { after }),
    ...(like === undefined ? {} : { like }),
    ...(here === true ? { scope: 'node' } : {}),
  });
  const page = (await adminRequest(options, 'GET', `${CLIENTS}?${query}`)) as ClientPage;
  if (options.json === true) return printJson(page);
  printTable<ClientView>(page.clients, [
    ['client', ({ clientId }) => clientId],
    ['user', ({ username }) => username],
    ['node', ({ node }) => node],
    ['state', ({ state }) => state],
    ['address', ({ address }) => address],
    ['since', ({ connectedAt, offlineSince }) => since(connectedAt || offlineSince)],
    ['subscriptions', ({ subscriptionCount }) => subscriptionCount],
    ['waiting', ({ queued, inbox }) => queued + inbox],
  ]);
  if (page.missing !== undefined)
    printLine(
      `no answer from ${page.missing.map((node) => `node ${node}`).join(', ')}: only sessions are listed from there, as away`,
    );
  if (page.next !== undefined) printLine(`${page.total} in all; go on with --after ${page.next}`);
}

async function show(clientId: string, options: AdminOptions): Promise<void> {
  const { subscriptions, ...client } = (await adminRequest(options, 'GET', pathOf(clientId))) as ClientDetails;
  if (options.json === true) return printJson({ ...client, subscriptions });
  for (const [name, value] of Object.entries(client))
    printLine(`${name}: ${name.endsWith('At') || name === 'offlineSince' ? since(Number(value)) : value}`);
  for (const { filter, qos } of subscriptions) printLine(`subscribed to ${filter} with QoS ${qos}`);
}

async function kick(clientId: string, options: AdminOptions & { readonly discard?: boolean }): Promise<void> {
  await adminRequest(options, 'DELETE', `${pathOf(clientId)}${options.discard === true ? '?session=discard' : ''}`);
  if (options.json === true) printJson({ kicked: clientId });
  else printLine(`disconnected ${clientId}`);
}

async function subscribe(clientId: string, topic: string, options: AdminOptions & { readonly qos: number }): Promise<void> {
  const answer = await adminRequest(options, 'POST', `${pathOf(clientId)}/subscriptions`, { topic, qos: options.qos });
  if (options.json === true) printJson(answer);
  else printLine(`subscribed ${clientId} to ${topic}`);
}

async function unsubscribe(clientId: string, topic: string, options: AdminOptions): Promise<void> {
  await adminRequest(options, 'DELETE', `${pathOf(clientId)}/subscriptions/${encodeURIComponent(topic)}`);
  if (options.json === true) printJson({ unsubscribed: topic });
  else printLine(`unsubscribed ${clientId} from ${topic}`);
}

export function clientCommand(): Command {
  const client = new Command('client').description('Look at clients and manage them');
  const sub = (name: string, about: string): Command => addAdminOptions(client.command(name)).description(about);
  sub('list', 'print the clients that are connected or have a session')
    .option('--limit <n>', 'at most so many', wholeNumber(1, 1000), 100)
    .option('--after <id>', 'those behind this one')
    .option('--like <text>', 'whose id contains this')
    .option('--here', 'of that node alone; otherwise of all of its cluster')
    .action(list);
  sub('show <client>', 'print what is known of a client, with its subscriptions').action(show);
  sub('kick <client>', 'disconnect a client').option('--discard', 'and end its session').action(kick);
  sub('subscribe <client> <filter>', 'subscribe on behalf of a client')
    .option('-q, --qos <n>', 'QoS', wholeNumber(0, 2), 0)
    .action(subscribe);
  sub('unsubscribe <client> <filter>', 'unsubscribe on behalf of a client').action(unsubscribe);
  return client;
}
