// What specs of replicated groups in real processes ask of their cluster.
import type { LocalCluster, LocalNode } from '../../bench/cluster/local-cluster.ts';
import type { RegisterClient, Request } from '../../bench/cluster/register-client.ts';
import type { RegisterReply } from '../../bench/cluster/register-machine.ts';
import { groupId } from '../../src/actors/raft/group-id.ts';
import type { GroupView, RaftView } from '../../src/nodes/raft/routes.ts';
import { until } from './until.ts';

export const GROUP: number = groupId('metadata', 0);

export async function view(node: LocalNode): Promise<RaftView> {
  return (await node.http('GET', '/api/v1/raft')).body as RaftView;
}

export async function groupOn(node: LocalNode, name = 'metadata/0'): Promise<GroupView> {
  return (await view(node)).groups.find(({ group }) => group === name)!;
}

const clients = new Map<LocalNode, RegisterClient>();

export async function clientOf(node: LocalNode): Promise<RegisterClient | undefined> {
  let client = clients.get(node);
  if (client !== undefined && !client.isClosed) return client;
  client = await node.client().catch(() => undefined);
  if (client !== undefined) clients.set(node, client);
  return client;
}

/** What one node says of a register, by a linearizable read. */
export async function readOn(node: LocalNode, key: string): Promise<string | undefined> {
  let reply: RegisterReply | undefined;
  await until(`node ${node.id} serves a read`, async () => {
    reply = await (await clientOf(node))?.ask({ group: GROUP, op: 'get', key });
    return reply?.result === 'ok';
  });
  return reply!.answer;
}

/** By whichever of the nodes leads, as soon as one does. */
export async function ask(
  cluster: LocalCluster,
  request: Omit<Request, 'group'>,
  among: readonly LocalNode[] = cluster.nodes,
): Promise<RegisterReply> {
  let reply: RegisterReply | undefined;
  await until(`an answer to ${request.op}`, async () => {
    for (const node of among) {
      reply = await (await clientOf(node))?.ask({ ...request, group: GROUP });
      if (reply?.result === 'ok') return true;
    }
    return false;
  });
  return reply!;
}

export async function leader(among: readonly LocalNode[], name = 'metadata/0'): Promise<LocalNode> {
  let found: LocalNode | undefined;
  await until('a leader', async () => {
    for (const node of among) if ((await groupOn(node, name)).role === 'leader') found = node;
    return found !== undefined;
  });
  return found!;
}
