/** `sluice acl`: the built-in access rules of a node, and what all of its sources say. */
import { Command, Option } from 'commander';
import type { Rule } from '../../actors/access/messages.ts';
import { readRuleFile } from '../access/rule-file.ts';
import type { ListedRule } from '../security/rule-list.ts';
import { type AdminOptions, addAdminOptions, adminRequest, printJson } from './admin-client.ts';
import { printLine, requestAll } from './admin-pages.ts';
import { collect, wholeNumber } from './option-values.ts';

interface RuleOptions extends AdminOptions {
  readonly topic?: readonly string[];
  readonly client?: readonly string[];
  readonly user?: readonly string[];
  readonly group?: readonly string[];
  readonly address?: readonly string[];
  readonly listener?: readonly string[];
  readonly qos?: readonly string[];
  readonly retain?: 'yes' | 'no';
  readonly position?: number;
}

interface CheckOptions extends AdminOptions {
  readonly client?: string;
  readonly user?: string;
  readonly group?: readonly string[];
  readonly address?: string;
  readonly listener?: string;
  readonly qos: number;
  readonly retain?: boolean;
}

const ACL = '/api/v1/acl';

/** One line that reads like the rule. */
export function describeRule({ permission, action, topics, qos, retain, ...who }: Rule): string {
  const about = Object.entries(who).map(([name, values]) => `${name}=${(values as readonly string[]).join(',')}`);
  const what = topics === undefined ? 'every topic' : topics.join(' ');
  const how = [...(qos === undefined ? [] : [`qos=${qos.join(',')}`]), ...(retain === undefined ? [] : [`retain=${retain}`])];
  return [permission, action, what, ...how, ...about].join('  ');
}

async function list(options: AdminOptions): Promise<void> {
  const rules = await requestAll<ListedRule>(options, ACL, 'rules');
  if (options.json === true) printJson({ rules });
  else for (const { id, rule } of rules) printLine(`${id}  ${describeRule(rule)}`);
}

async function add(permission: string, action: string, options: RuleOptions): Promise<void> {
  const { topic, client, user, group, address, listener, qos, retain, position } = options;
  const rule = {
    permission,
    action,
    ...(topic === undefined ? {} : { topics: topic }),
    ...(client === undefined ? {} : { clients: client }),
    ...(user === undefined ? {} : { users: user }),
    ...(group === undefined ? {} : { groups: group }),
    ...(address === undefined ? {} : { addresses: address }),
    ...(listener === undefined ? {} : { listeners: listener }),
    ...(qos === undefined ? {} : { qos: qos.map(Number) }),
    ...(retain === undefined ? {} : { retain: retain === 'yes' }),
  };
  const body = position === undefined ? { rule } : { rule, position };
  const added = (await adminRequest(options, 'POST', ACL, body)) as ListedRule;
  if (options.json === true) printJson(added);
  else printLine(`${added.id}  ${describeRule(added.rule)}`);
}

async function remove(id: string, options: AdminOptions): Promise<void> {
  await adminRequest(options, 'DELETE', `${ACL}/${encodeURIComponent(id)}`);
  if (options.json === true) printJson({ deleted: Number(id) });
  else printLine(`deleted rule ${id}`);
}

async function replaceAll(file: string, options: AdminOptions): Promise<void> {
  const answer = (await adminRequest(options, 'PUT', ACL, { rules: readRuleFile(file) })) as { count: number };
  if (options.json === true) printJson(answer);
  else printLine(`${answer.count} rules are in force`);
}

async function check(action: string, topic: string, options: CheckOptions): Promise<void> {
  const { client, user, group, address, listener, qos, retain = false } = options;
  const who = {
    ...(client === undefined ? {} : { client }),
    ...(user === undefined ? {} : { user }),
    ...(group === undefined ? {} : { groups: group }),
    ...(address === undefined ? {} : { address }),
    ...(listener === undefined ? {} : { listener }),
  };
  const answer = (await adminRequest(options, 'POST', `${ACL}/check`, { ...who, action, topic, qos, retain })) as {
    allowed: boolean;
  };
  if (options.json === true) printJson(answer);
  else printLine(answer.allowed ? 'allowed' : 'denied');
}

export function aclCommand(): Command {
  const acl = new Command('acl').description('Manage the built-in access rules of a node');
  const sub = (name: string, about: string): Command => addAdminOptions(acl.command(name)).description(about);
  sub('list', 'print the rules in their order').action(list);
  sub('add <permission> <action>', 'add a rule: allow or deny, and publish, subscribe or all')
    .option(
      '--topic <filter>',
      'topic filter, with %c and %u for the client’s own names; repeatable, every topic without',
      collect,
    )
    .option('--client <id>', 'client id, `*` for any characters; repeatable', collect)
    .option('--user <name>', 'user name, the same; repeatable', collect)
    .option('--group <name>', 'group of the user; repeatable', collect)
    .option('--address <block>', 'IP address or CIDR block; repeatable', collect)
    .option('--listener <name>', 'listener that the client has come by; repeatable', collect)
    .option('--qos <qos>', 'only this QoS; repeatable', collect)
    .addOption(new Option('--retain <which>', 'only retained messages, or only others').choices(['yes', 'no']))
    .option('--position <n>', 'place in the order, from 0; the end without', wholeNumber(0, 100_000))
    .action(add);
  sub('delete <id>', 'delete a rule').action(remove);
  sub('replace <file>', 'replace all rules by those of a file, as acl.file').action(replaceAll);
  sub('check <action> <topic>', 'say whether a client may publish to a topic or subscribe to a filter, by all sources')
    .option('--client <id>', 'client id')
    .option('--user <name>', 'user name')
    .option('--group <name>', 'group; repeatable', collect)
    .option('--address <address>', 'IP address of the client; 127.0.0.1 without')
    .option('--listener <name>', 'listener that it has come by')
    .option('--qos <qos>', '0, 1 or 2', wholeNumber(0, 2), 0)
    .option('--retain', 'a retained message')
    .action(check);
  return acl;
}
