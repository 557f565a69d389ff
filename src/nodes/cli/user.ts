/** `sluice user`: the built-in users of a node, and lines for a users file. */
import { Command } from 'commander';
import { hashPassword } from '../auth/password-hash.ts';
import type { UserSummary } from '../security/user-directory.ts';
import { type AdminOptions, addAdminOptions, adminRequest, printJson } from './admin-client.ts';
import { printLine, requestAll } from './admin-pages.ts';
import { collect } from './option-values.ts';
import { readPassword } from './read-password.ts';

interface UserOptions extends AdminOptions {
  readonly superuser?: boolean;
  readonly group?: readonly string[];
}

const USERS = '/api/v1/users';
const pathOf = (name: string): string => `${USERS}/${encodeURIComponent(name)}`;

function describe({ name, superuser, groups }: UserSummary): string {
  return [name, ...(superuser ? ['superuser'] : []), ...(groups.length > 0 ? [`groups=${groups.join(',')}`] : [])].join('  ');
}

async function add(name: string, options: UserOptions): Promise<void> {
  const { superuser = false, group: groups = [] } = options;
  const body = { name, password: await readPassword(), superuser, groups };
  const user = await adminRequest(options, 'POST', USERS, body);
  if (options.json === true) printJson(user);
  else printLine(`added ${name}`);
}

async function list(options: AdminOptions): Promise<void> {
  const users = await requestAll<UserSummary>(options, USERS, 'users');
  if (options.json === true) printJson({ users });
  else for (const user of users) printLine(describe(user));
}

async function remove(name: string, options: AdminOptions): Promise<void> {
  await adminRequest(options, 'DELETE', pathOf(name));
  if (options.json === true) printJson({ deleted: name });
  else printLine(`deleted ${name}`);
}

async function changePassword(name: string, options: AdminOptions): Promise<void> {
  const user = await adminRequest(options, 'PATCH', pathOf(name), { password: await readPassword() });
  if (options.json === true) printJson(user);
  else printLine(`changed the password of ${name}`);
}

export function userCommand(): Command {
  const user = new Command('user').description('Manage the built-in users of a node');
  const sub = (name: string, about: string): Command => addAdminOptions(user.command(name)).description(about);
  sub('add <name>', 'add a user; the password is asked for, or the first line of standard input')
    .option('--superuser', 'no access rule is asked about what this user does')
    .option('--group <name>', 'group of the user, for access rules; repeatable', collect)
    .action(add);
  sub('list', 'print all users').action(list);
  sub('delete <name>', 'delete a user').action(remove);
  sub('passwd <name>', 'give a user another password').action(changePassword);
  user
    .command('hash <name>')
    .description('print a line for a users file (auth.users_file, http.users_file); needs no node')
    .action(async (name: string) => printLine(`${name}:${hashPassword(await readPassword())}`));
  return user;
}
