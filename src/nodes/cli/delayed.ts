/** `sluice delayed`: messages that wait for their time. */
import { Command } from 'commander';
import type { DelayedView } from '../../actors/delayed/messages.ts';
import type { DelayedList } from '../extensions/delayed-routes.ts';
import { type AdminOptions, addAdminOptions, adminRequest, printJson, printTable } from './admin-client.ts';
import { printLine } from './admin-pages.ts';
import { wholeNumber } from './option-values.ts';

interface ListOptions extends AdminOptions {
  readonly limit: number;
  readonly after?: string;
}

const DELAYED = '/api/v1/delayed';

async function list(options: ListOptions): Promise<void> {
  const query = new URLSearchParams({
    limit: String(options.limit),
    ...(options.after === undefined ? {} : { after: options.after }),
  });
  const page = (await adminRequest(options, 'GET', `${DELAYED}?${query}`)) as DelayedList;
  if (options.json === true) return printJson(page);
  printTable<DelayedView>(page.messages, [
    ['id', ({ id }) => id],
    ['due', ({ dueAt }) => new Date(dueAt).toISOString()],
    ['topic', ({ topic }) => topic],
    ['client', ({ clientId }) => clientId],
    ['qos', ({ qos }) => qos],
    ['retain', ({ retain }) => String(retain)],
    ['bytes', ({ payloadBytes }) => payloadBytes],
  ]);
  if (page.next !== undefined) printLine(`${page.total} in all; go on with --after ${page.next}`);
}

async function remove(id: string, options: AdminOptions): Promise<void> {
  await adminRequest(options, 'DELETE', `${DELAYED}/${encodeURIComponent(id)}`);
  if (options.json === true) printJson({ deleted: id });
  else printLine(`deleted ${id}`);
}

export function delayedCommand(): Command {
  const delayed = new Command('delayed').description('Look at messages that wait for their time');
  const sub = (name: string, about: string): Command => addAdminOptions(delayed.command(name)).description(about);
  sub('list', 'print the messages that wait')
    .option('--limit <n>', 'at most so many', wholeNumber(1, 1000), 100)
    .option('--after <id>', 'those behind this one')
    .action(list);
  sub('delete <id>', 'delete a message before its time comes').action(remove);
  return delayed;
}
