/** `sluice topic-metrics` and `sluice slow`: counters by topic filter, and the clients that take longest to acknowledge. */
import { Command } from 'commander';
import type { SlowEntry } from '../../actors/insight/slow-top.ts';
import type { MeterView } from '../extensions/topic-meters.ts';
import { type AdminOptions, addAdminOptions, adminRequest, printJson, printTable } from './admin-client.ts';
import { printLine } from './admin-pages.ts';

const METERS = '/api/v1/topic-metrics';

async function list(options: AdminOptions): Promise<void> {
  const answer = (await adminRequest(options, 'GET', METERS)) as { metrics: MeterView[] };
  if (options.json === true) return printJson(answer);
  printTable<MeterView>(answer.metrics, [
    ['filter', ({ filter }) => filter],
    ['in', ({ counters }) => counters.in_qos0 + counters.in_qos1 + counters.in_qos2],
    ['bytes in', ({ counters }) => counters.in_bytes],
    ['out', ({ counters }) => counters.out],
    ['dropped', ({ counters }) => counters.dropped],
  ]);
}

async function add(filter: string, options: AdminOptions): Promise<void> {
  const answer = await adminRequest(options, 'POST', METERS, { filter });
  if (options.json === true) printJson(answer);
  else printLine(`counts ${filter}`);
}

async function remove(filter: string, options: AdminOptions): Promise<void> {
  await adminRequest(options, 'DELETE', `${METERS}/${encodeURIComponent(filter)}`);
  if (options.json === true) printJson({ deleted: filter });
  else printLine(`counts ${filter} no more`);
}

async function reset(filter: string, options: AdminOptions): Promise<void> {
  await adminRequest(options, 'PUT', `${METERS}/${encodeURIComponent(filter)}/reset`);
  if (options.json === true) printJson({ reset: filter });
  else printLine(`counts ${filter} from 0`);
}

async function slow(options: AdminOptions & { readonly clear?: boolean }): Promise<void> {
  if (options.clear === true) await adminRequest(options, 'DELETE', '/api/v1/slow-subscribers');
  const answer = (await adminRequest(options, 'GET', '/api/v1/slow-subscribers')) as { clients: SlowEntry[] };
  if (options.json === true) return printJson(answer);
  printTable<SlowEntry>(answer.clients, [
    ['client', ({ clientId }) => clientId],
    ['slowest ms', ({ latencyMs }) => Math.round(latencyMs)],
    ['slow messages', ({ count }) => count],
    ['last', ({ lastAt }) => new Date(lastAt).toISOString()],
  ]);
}

export function topicMetricsCommand(): Command {
  const command = new Command('topic-metrics').description('Count the messages of topics');
  const sub = (name: string, about: string): Command => addAdminOptions(command.command(name)).description(about);
  sub('list', 'print the counters').action(list);
  sub('add <filter>', 'count the messages of the topics that a filter matches').action(add);
  sub('delete <filter>', 'count them no more').action(remove);
  sub('reset <filter>', 'begin to count anew').action(reset);
  return command;
}

export function slowCommand(): Command {
  return addAdminOptions(new Command('slow'))
    .description('Print the clients that take longest to acknowledge (mqtt.slow_subscribers.threshold_ms)')
    .option('--clear', 'forget them first')
    .action(slow);
}
