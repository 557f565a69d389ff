/** `sluice ban`: who may not connect to a node. */
import { Command } from 'commander';
import type { Ban } from '../../actors/access/messages.ts';
import { type AdminOptions, addAdminOptions, adminRequest, printJson } from './admin-client.ts';
import { printLine } from './admin-pages.ts';
import { wholeNumber } from './option-values.ts';

interface BanOptions extends AdminOptions {
  readonly seconds?: number;
  readonly reason?: string;
}

const BANS = '/api/v1/bans';

function describe({ kind, value, until, reason }: Ban): string {
  const end = until === null ? 'until it is lifted' : `until ${new Date(until).toISOString()}`;
  return [kind, value, end, ...(reason === '' ? [] : [reason])].join('  ');
}

async function list(options: AdminOptions): Promise<void> {
  const { bans } = (await adminRequest(options, 'GET', BANS)) as { bans: readonly Ban[] };
  if (options.json === true) printJson({ bans });
  else for (const ban of bans) printLine(describe(ban));
}

async function add(kind: string, value: string, options: BanOptions): Promise<void> {
  const { seconds, reason } = options;
  const body = { kind, value, ...(seconds === undefined ? {} : { seconds }), ...(reason === undefined ? {} : { reason }) };
  const ban = (await adminRequest(options, 'POST', BANS, body)) as Ban;
  if (options.json === true) printJson(ban);
  else printLine(describe(ban));
}

async function remove(kind: string, value: string, options: AdminOptions): Promise<void> {
  await adminRequest(options, 'DELETE', `${BANS}/${encodeURIComponent(kind)}/${encodeURIComponent(value)}`);
  if (options.json === true) printJson({ deleted: { kind, value } });
  else printLine(`lifted the ban of ${kind} ${value}`);
}

export function banCommand(): Command {
  const ban = new Command('ban').description('Say who may not connect to a node');
  const sub = (name: string, about: string): Command => addAdminOptions(ban.command(name)).description(about);
  sub('list', 'print the bans in force').action(list);
  sub('add <kind> <value>', 'ban a client id, a user or an address (IP or CIDR block) and disconnect whom it is about')
    .option('--seconds <n>', 'for so long; without, until it is lifted', wholeNumber(1, 3_153_600_000))
    .option('--reason <text>', 'why, for the list')
    .action(add);
  sub('delete <kind> <value>', 'lift a ban').action(remove);
  return ban;
}
