/**
 * What operators ask of a group's members and of who leads it. It is done beside the leader; elsewhere it is passed on there, once. Each change is tried again while the group does not take it, until CLUSTER_CHANGE_MS_MAX. Lives in the
 * cluster actor.
 */
import type { ErrorCode } from '../../base/errors.ts';
import { CLUSTER_CHANGE_MS_MAX, CLUSTER_POLL_MS } from '../../base/limits.ts';
import type { AskFailure } from '../../runtime/actor.ts';
import type { ActorRef } from '../../runtime/ref.ts';
import type { GroupChanged, GroupMember, GroupTransfer } from '../../wire/schema-types.ts';
import type { MembershipChange } from '../raft/membership-change.ts';
import type { GroupOverview, RaftRequest } from '../raft/messages.ts';
import type { ProposalOutcome } from '../raft/node/proposals.ts';
import { nodeOfReplica, type ReplicaId } from '../raft/replica.ts';
import { judgeChange } from './change-rules.ts';
import { type ChangeReply, type ClusterRequest, clusterRef } from './messages.ts';
import { nextChange } from './rebalance.ts';

export interface ChangePorts {
  readonly node: number;
  /** Who a node is now, and where its groups are, as it has said on the link that stands. */
  readonly replicaOf: (node: number) => ReplicaId | undefined;
  readonly threadOf: (node: number) => number | undefined;
  readonly now: () => number;
  readonly later: (afterMs: number, run: () => void) => void;
  /** Of the groups that are here. */
  readonly overview: (then: (groups: readonly GroupOverview[]) => void) => void;
  readonly askRaft: <R>(request: RaftRequest, then: (reply: R | undefined) => void) => void;
  readonly tellRaft: (request: RaftRequest) => void;
  readonly askLeader: (
    leader: ActorRef<ClusterRequest>,
    request: GroupTransfer | GroupMember,
    then: (reply: GroupChanged | undefined, failure: AskFailure | undefined) => void,
  ) => void;
}

type Change = Extract<ClusterRequest, { type: 'transfer' | 'member' }>;
type Answer = (reply: ChangeReply) => void;

const DONE: ChangeReply = { result: 'done' };
const NO_LEADER = 'the group has no leader that is known here';
const REFUSED = 'SLUICE_RAFT_REFUSED' satisfies ErrorCode;

export class OperatorChanges {
  readonly #ports: ChangePorts;

  constructor(ports: ChangePorts) {
    this.#ports = ports;
  }

  /** For another node, which takes this one for the leader. */
  askAsLeader(request: GroupTransfer | GroupMember, answer: (reply: GroupChanged) => void): void {
    const change = changeOf(request);
    if (change === undefined) return answer(changed(refused(REFUSED, 'this release knows no such change of members')));
    this.#ports.overview((groups) => {
      const isLeader = groups.some(({ group, role }) => group === change.group && role === 'leader');
      if (isLeader) this.ask(change, (reply) => answer(changed(reply)));
      else answer(changed(refused(REFUSED, NO_LEADER)));
    });
  }

  /** Wherever the leader is. */
  ask(request: Change, answer: Answer): void {
    this.#ports.overview((groups) => {
      const group = groups.find((one) => one.group === request.group);
      if (group === undefined) return answer(refused('SLUICE_RAFT_NO_GROUP', 'there is no such group'));
      if (group.role !== 'leader') return this.#forward(group, request, answer);
      const node = request.type === 'transfer' ? request.to : request.node;
      const refusal = judgeChange(request, group.membership, this.#ports.replicaOf(node));
      if (refusal !== undefined) return answer(refused(refusal.code, refusal.reason));
      const deadline = this.#ports.now() + CLUSTER_CHANGE_MS_MAX;
      if (request.type === 'transfer') this.#transfer(group, request.to, answer, deadline);
      else if (request.change === 'add') this.#add(group.group, request.node, answer, deadline);
      else this.#remove(group, request.node, answer, deadline);
    });
  }

  #forward({ lead }: GroupOverview, request: Change, answer: Answer): void {
    const node = nodeOfReplica(lead);
    const thread = this.#ports.threadOf(node);
    if (thread === undefined) return answer(refused(REFUSED, NO_LEADER));
    const { group } = request;
    const forwarded: GroupTransfer | GroupMember =
      request.type === 'transfer'
        ? { type: 'GroupTransfer', group, to: request.to }
        : { type: 'GroupMember', group, change: request.change, node: request.node };
    this.#ports.askLeader(clusterRef(node, thread), forwarded, (reply, failure) => {
      if (reply === undefined) return answer(refused(REFUSED, `the leader does not answer: ${failure}`));
      const { isDone, code, reason } = reply;
      answer(isDone ? DONE : { result: 'refused', code, reason });
    });
  }

  #transfer({ group, membership }: GroupOverview, node: number, answer: Answer, deadline: number): void {
    if (node === this.#ports.node) return answer(DONE);
    const heir = membership.voters.find((id) => nodeOfReplica(id) === node);
    if (heir === undefined) return answer(refused(REFUSED, `node ${node} is about to leave the group`));
    if (this.#ports.replicaOf(node) !== heir) return answer(refused(REFUSED, `node ${node} is not reachable`));
    const wait = (): void =>
      this.#ports.overview((groups) => {
        const now = groups.find((one) => one.group === group);
        if (now?.lead === heir) return answer(DONE);
        if (this.#ports.now() >= deadline) return answer(refused(REFUSED, `node ${node} has not taken over`));
        if (now?.role === 'leader') this.#ports.tellRaft({ type: 'transfer', group, to: heir });
        this.#ports.later(CLUSTER_POLL_MS, wait);
      });
    wait();
  }

  /** First it gets the log, then it votes. */
  #add(group: number, node: number, answer: Answer, deadline: number): void {
    const replica = this.#ports.replicaOf(node);
    if (replica === undefined) return answer(refused(REFUSED, `node ${node} is not reachable`));
    this.#until(group, answer, deadline, ({ membership }) => {
      if (membership.voters.includes(replica)) return undefined;
      if (membership.learners.includes(replica)) return nextChange(membership, [{ node, replica, leads: 0 }]);
      return [{ op: 'addLearner', id: replica }];
    });
  }

  #remove({ group }: GroupOverview, node: number, answer: Answer, deadline: number): void {
    this.#until(group, answer, deadline, ({ membership: { voters, learners } }) => {
      const gone = [...voters, ...learners].filter((id) => nodeOfReplica(id) === node);
      return gone.length === 0 ? undefined : gone.map((id) => ({ op: 'remove', id }));
    });
  }

  /** Asks for the next change until there is none. */
  #until(group: number, answer: Answer, deadline: number, next: (now: GroupOverview) => MembershipChange | undefined): void {
    const step = (why: string): void =>
      this.#ports.overview((groups) => {
        const now = groups.find((one) => one.group === group);
        if (now === undefined || now.role !== 'leader')
          return answer(refused(REFUSED, 'the leader of the group has changed meanwhile'));
        const change = next(now);
        if (change === undefined) return answer(DONE);
        if (this.#ports.now() >= deadline) return answer(refused(REFUSED, why));
        this.#ports.askRaft<ProposalOutcome>({ type: 'changeMembership', group, change }, (outcome) => {
          const reason = outcome?.result === 'not' ? outcome.reason : 'it is not known whether that was done';
          if (reason === 'bad_change') return answer(refused(REFUSED, 'the group would be left without a voter'));
          this.#ports.later(CLUSTER_POLL_MS, () => step(reason));
        });
      });
    step('there was no time for it');
  }
}

/** Undefined: of a later release. */
function changeOf(request: GroupTransfer | GroupMember): Change | undefined {
  if (request.type === 'GroupTransfer') return { type: 'transfer', group: request.group, to: request.to };
  const { change, group, node } = request;
  return change === 'add' || change === 'remove' ? { type: 'member', change, group, node } : undefined;
}

function refused(code: ErrorCode, reason: string): ChangeReply {
  return { result: 'refused', code, reason };
}

function changed(reply: ChangeReply): GroupChanged {
  if (reply.result === 'done') return { type: 'GroupChanged', isDone: true, code: '', reason: '' };
  return { type: 'GroupChanged', isDone: false, code: reply.code, reason: reply.reason };
}
