/** A node's groups as main sees them: when they serve, handing them over, and what operators ask for. */
import {
  type ChangeReply,
  type ClusterOverview,
  type ClusterRequest,
  type HandedOver,
  ownClusterRef,
} from '../../actors/cluster/messages.ts';
import { groupName, parseGroupName } from '../../actors/raft/group-id.ts';
import { isErrorCode, SluiceError } from '../../base/errors.ts';
import { CLUSTER_ASK_MS, CLUSTER_CHANGE_MS_MAX, CLUSTER_HAND_OVER_MS_MAX } from '../../base/limits.ts';
import { AskError } from '../../runtime/ask-error.ts';
import type { ActorSystem } from '../../runtime/system.ts';
import type { Log } from '../log.ts';

/** How often the log says what the node waits for, milliseconds. */
const WAITING_NOTICE_MS = 10_000;
const SERVING_MS_MAX = 24 * 3600 * 1000;

export class NodeGroups {
  readonly #system: ActorSystem;

  constructor(system: ActorSystem) {
    this.#system = system;
  }

  /** When every group has answered a read; or when the node is to stop. */
  async serving(log: Log, signal: AbortSignal): Promise<void> {
    const notice = setInterval(() => void this.#sayWhy(log), WAITING_NOTICE_MS);
    const aborted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    try {
      await Promise.race([this.#ask({ type: 'serving' }, SERVING_MS_MAX), aborted]);
    } finally {
      clearInterval(notice);
    }
  }

  async #sayWhy(log: Log): Promise<void> {
    const { waitsFor, groups } = await this.overview();
    const leaderless = groups.filter(({ lead }) => lead === 0).map(({ group }) => groupName(group));
    log.warn({ ...(waitsFor === '' ? { leaderless } : { waitsFor }) }, 'the groups do not serve yet');
  }

  async handOver(): Promise<HandedOver> {
    return (await this.#ask({ type: 'handOver' }, CLUSTER_HAND_OVER_MS_MAX + CLUSTER_ASK_MS)) as HandedOver;
  }

  async overview(): Promise<ClusterOverview> {
    return (await this.#ask({ type: 'overview' }, CLUSTER_ASK_MS)) as ClusterOverview;
  }

  transfer(group: string, to: number): Promise<void> {
    return this.#change({ type: 'transfer', group: numberOf(group), to });
  }

  changeMember(change: 'add' | 'remove', group: string, node: number): Promise<void> {
    return this.#change({ type: 'member', change, group: numberOf(group), node });
  }

  async #change(request: ClusterRequest): Promise<void> {
    const reply = (await this.#ask(request, CLUSTER_CHANGE_MS_MAX + 2 * CLUSTER_ASK_MS)) as ChangeReply;
    if (reply.result === 'refused')
      throw new SluiceError(isErrorCode(reply.code) ? reply.code : 'SLUICE_RAFT_REFUSED', reply.reason);
  }

  async #ask(request: ClusterRequest, deadlineMs: number): Promise<unknown> {
    try {
      return await this.#system.ask(ownClusterRef(this.#system) as never, request, deadlineMs);
    } catch (error) {
      if (!(error instanceof AskError)) throw error;
      throw new SluiceError('SLUICE_HTTP_UNAVAILABLE', `the groups do not answer: ${error.failure}`, { cause: error });
    }
  }
}

function numberOf(group: string): number {
  const number = parseGroupName(group);
  if (number === undefined)
    throw new SluiceError('SLUICE_RAFT_NO_GROUP', `${JSON.stringify(group)} is not the name of a group, as metadata/0`);
  return number;
}
