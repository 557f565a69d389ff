/** `/api/v1/raft`: the node's replicated groups over HTTP. */
import type { FastifyInstance } from 'fastify';
import type { ClusterOverview, MemberView } from '../../actors/cluster/messages.ts';
import { groupName } from '../../actors/raft/group-id.ts';
import type { GroupOverview } from '../../actors/raft/messages.ts';
import { formatReplica, NO_REPLICA, nodeOfReplica, type ReplicaId } from '../../actors/raft/replica.ts';
import { SluiceError } from '../../base/errors.ts';
import type { NodeGroups } from './node-groups.ts';

/** What operators see of a group on this node. */
export interface GroupView {
  readonly group: string;
  readonly role: string;
  readonly term: number;
  /** Node of the leader; null when none is known. */
  readonly leader: number | null;
  readonly commit: number;
  readonly applied: number;
  readonly lastIndex: number;
  /** `node.incarnation` each. */
  readonly voters: readonly string[];
  readonly outgoing: readonly string[];
  readonly learners: readonly string[];
  readonly error?: string;
}

export interface RaftView {
  readonly node: number;
  readonly waitsFor?: string;
  readonly members: readonly { readonly node: number; readonly replica: string; readonly up: boolean }[];
  readonly groups: readonly GroupView[];
}

const NAME = { type: 'string', minLength: 1, maxLength: 64 } as const;
const NODE = { type: 'integer', minimum: 1, maximum: 1023 } as const;
const TRANSFER_SCHEMA = {
  type: 'object',
  required: ['group', 'node'],
  additionalProperties: false,
  properties: { group: NAME, node: NODE },
} as const;
const MEMBER_SCHEMA = {
  type: 'object',
  required: ['change', 'group', 'node'],
  additionalProperties: false,
  properties: { change: { type: 'string', enum: ['add', 'remove'] }, group: NAME, node: NODE },
} as const;

interface TransferRequest {
  readonly group: string;
  readonly node: number;
}

interface MemberRequest extends TransferRequest {
  readonly change: 'add' | 'remove';
}

export function addRaftRoutes(app: FastifyInstance, groups: () => NodeGroups | undefined): void {
  const here = (): NodeGroups => {
    const found = groups();
    if (found === undefined) throw new SluiceError('SLUICE_HTTP_UNAVAILABLE', 'this node holds no replicated groups now');
    return found;
  };
  app.get('/api/v1/raft', async () => viewOf(await here().overview()));
  app.post<{ Body: TransferRequest }>('/api/v1/raft/transfer', { schema: { body: TRANSFER_SCHEMA } }, async ({ body }, reply) => {
    await here().transfer(body.group, body.node);
    return reply.code(204).send();
  });
  app.post<{ Body: MemberRequest }>('/api/v1/raft/members', { schema: { body: MEMBER_SCHEMA } }, async ({ body }, reply) => {
    await here().changeMember(body.change, body.group, body.node);
    return reply.code(204).send();
  });
}

function viewOf({ node, waitsFor, members, groups }: ClusterOverview): RaftView {
  return { node, ...(waitsFor === '' ? {} : { waitsFor }), members: members.map(memberOf), groups: groups.map(groupOf) };
}

function memberOf({ node, replica, isUp }: MemberView): RaftView['members'][number] {
  return { node, replica: formatReplica(replica), up: isUp };
}

function groupOf({ group, role, term, lead, commit, applied, lastIndex, membership, poison }: GroupOverview): GroupView {
  const names = (ids: readonly ReplicaId[]): string[] => ids.map(formatReplica);
  return {
    group: groupName(group),
    role,
    term,
    leader: lead === NO_REPLICA ? null : nodeOfReplica(lead),
    commit,
    applied,
    lastIndex,
    voters: names(membership.voters),
    outgoing: names(membership.outgoing),
    learners: names(membership.learners),
    ...(poison === undefined ? {} : { error: poison }),
  };
}
