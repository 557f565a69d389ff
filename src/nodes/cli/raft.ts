/** `sluice raft`: the replicated groups of a cluster, their leaders and members. */
import { Command } from 'commander';
import type { GroupView, RaftView } from '../raft/routes.ts';
import { type AdminOptions, addAdminOptions, adminRequest, type Columns, printJson, printTable } from './admin-client.ts';
import { CommandError, EXIT } from './exit-codes.ts';
import { wholeNumber } from './option-values.ts';

const NODE_MAX = 1023;

/** What a group says whose members are as the change wants them. */
const NOTHING_TO_DO = { add: 'SLUICE_RAFT_MEMBER', remove: 'SLUICE_RAFT_NO_MEMBER' } as const;

const GROUPS: Columns<GroupView> = [
  ['GROUP', ({ group }) => group],
  ['ROLE HERE', ({ role }) => role],
  ['LEADER', ({ leader }) => leader ?? '-'],
  ['TERM', ({ term }) => term],
  ['COMMIT', ({ commit }) => commit],
  ['APPLIED', ({ applied }) => applied],
  ['VOTERS', ({ voters }) => voters.map(nodeOf).join(', ')],
  ['LEARNERS', ({ learners }) => learners.map(nodeOf).join(', ')],
];

interface ChangeOptions extends AdminOptions {
  readonly group?: string;
}

export function raftCommand(): Command {
  const raft = new Command('raft').description('replicated groups: who leads them, who votes in them');
  for (const command of [statusCommand(), transferCommand(), memberCommand('add'), memberCommand('remove')])
    raft.addCommand(command);
  return raft;
}

function statusCommand(): Command {
  return addAdminOptions(new Command('status').description('show the groups of a node')).action(async (options: AdminOptions) => {
    const view = await viewOf(options);
    if (options.json === true) return printJson(view);
    if (view.waitsFor !== undefined) process.stdout.write(`node ${view.node} waits ${view.waitsFor}\n`);
    printTable(view.groups, GROUPS);
  });
}

function transferCommand(): Command {
  const command = new Command('transfer')
    .description('hand a group to another leader')
    .argument('<group>', 'as metadata/0')
    .argument('<to>', 'number of the node that is to lead', wholeNumber(1, NODE_MAX));
  return addAdminOptions(command).action(async (group: string, to: number, options: AdminOptions) => {
    await adminRequest(options, 'POST', '/api/v1/raft/transfer', { group, node: to });
    if (options.json === true) printJson({ group, leader: to });
    else process.stdout.write(`${group} is led by node ${to}\n`);
  });
}

function memberCommand(change: 'add' | 'remove'): Command {
  const command = new Command(change)
    .description(change === 'add' ? 'make a node a voter, when it has the log' : 'a node votes no more and gets nothing more')
    .argument('<member>', 'number of the node', wholeNumber(1, NODE_MAX))
    .option('--group <group>', 'in this group; otherwise in all');
  return addAdminOptions(command).action(async (node: number, options: ChangeOptions) => {
    const named = options.group === undefined ? undefined : [options.group];
    const groups: string[] = [];
    for (const group of named ?? (await viewOf(options)).groups.map((view) => view.group)) {
      if (!(await changeMember(options, { change, group, node }, named !== undefined))) continue;
      groups.push(group);
      if (options.json !== true) process.stdout.write(`${group}: node ${node} ${change === 'add' ? 'votes' : 'is removed'}\n`);
    }
    if (groups.length === 0) {
      const text = `node ${node} ${change === 'add' ? 'votes in all groups already' : 'is a member of no group'}`;
      throw new CommandError(EXIT.failed, `${NOTHING_TO_DO[change]}: ${text}`, NOTHING_TO_DO[change]);
    }
    if (options.json === true) printJson({ change, node, groups });
  });
}

interface MemberChange {
  readonly change: 'add' | 'remove';
  readonly group: string;
  readonly node: number;
}

/** False: there is nothing to change in this group, and it was not asked for by name. */
async function changeMember(options: AdminOptions, body: MemberChange, isNamed: boolean): Promise<boolean> {
  try {
    await adminRequest(options, 'POST', '/api/v1/raft/members', body);
    return true;
  } catch (error) {
    if (isNamed || !(error instanceof CommandError) || error.code !== NOTHING_TO_DO[body.change]) throw error;
    return false;
  }
}

async function viewOf(options: AdminOptions): Promise<RaftView> {
  return (await adminRequest(options, 'GET', '/api/v1/raft')) as RaftView;
}

/** Of `node.incarnation`. */
function nodeOf(replica: string): string {
  return replica.split('.', 1)[0]!;
}
