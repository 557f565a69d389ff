/** What a node knows about its own health, as `/health/*` tells it. Pure: the facts are an argument. */
import type { ClusterOverview } from '../actors/cluster/messages.ts';
import { groupName } from '../actors/raft/group-id.ts';
import type { ReplicaId } from '../actors/raft/replica.ts';

/** Groups that are named where some have no leader. */
const NAMES_MAX = 8;

export interface HealthCheck {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
}

export interface HealthReport {
  readonly status: 'ok' | 'failing';
  readonly checks: readonly HealthCheck[];
}

export type NodePhase = 'starting' | 'running' | 'draining';

export interface NodeFacts {
  readonly node: number;
  readonly phase: NodePhase;
  readonly uptimeSeconds: number;
  /** Threads 1 … n, in order. */
  readonly reactors: readonly ('up' | 'down')[];
  /** Role → address of every listener that is bound. */
  readonly listeners: Readonly<Record<string, string>>;
}

function report(checks: readonly HealthCheck[]): HealthReport {
  return { status: checks.every((check) => check.ok) ? 'ok' : 'failing', checks };
}

/** The process answers at all; a supervisor restarts it when this fails. */
export function liveness(facts: NodeFacts): HealthReport {
  return report([{ name: 'process', ok: true, detail: `up for ${Math.floor(facts.uptimeSeconds)} s` }]);
}

/** Whether clients should be sent here: all listeners are bound, every reactor is up, and the node is not on its way out. */
export function readiness(facts: NodeFacts): HealthReport {
  const down = facts.reactors.flatMap((state, i) => (state === 'down' ? [i + 1] : []));
  const bound = Object.entries(facts.listeners).map(([role, address]) => `${role} ${address}`);
  return report([
    { name: 'phase', ok: facts.phase === 'running', detail: facts.phase },
    {
      name: 'reactors',
      ok: facts.reactors.length > 0 && down.length === 0,
      detail: down.length === 0 ? `${facts.reactors.length} up` : `down: ${down.join(', ')} of ${facts.reactors.length}`,
    },
    { name: 'listeners', ok: facts.phase !== 'starting', detail: bound.length === 0 ? 'none configured' : bound.join(', ') },
  ]);
}

/**
 * The cluster as this node sees it. A node alone is a whole cluster. `overview`: of its replicated groups; undefined when it holds none, null when they do not
 * answer.
 */
export function clusterHealth(facts: NodeFacts, overview?: ClusterOverview | null): HealthReport {
  const self = readiness(facts);
  const own = { name: `node ${facts.node}`, ok: self.status === 'ok', detail: self.status === 'ok' ? 'ready' : 'not ready' };
  if (overview === undefined) return report([{ name: 'members', ok: true, detail: `1 of 1 (node ${facts.node})` }, own]);
  if (overview === null) return report([own, { name: 'groups', ok: false, detail: 'do not answer' }]);
  const { members, groups, waitsFor } = overview;
  const up = members.filter(({ isUp }) => isUp);
  const others = members.filter(({ node }) => node !== facts.node);
  const isLed = ({ lead }: { readonly lead: ReplicaId }): boolean => up.some(({ replica }) => replica === lead);
  const leaderless = groups.filter((group) => !isLed(group)).map(({ group }) => groupName(group));
  const led = `${groups.length - leaderless.length} of ${groups.length} led`;
  const without = leaderless.length === 0 ? '' : `; without a leader: ${leaderless.slice(0, NAMES_MAX).join(', ')}`;
  return report([
    { name: 'members', ok: up.length === members.length, detail: `${up.length} of ${members.length}` },
    own,
    ...others.map(({ node, isUp }) => ({ name: `node ${node}`, ok: isUp, detail: isUp ? 'reachable' : 'not reachable' })),
    {
      name: 'groups',
      ok: groups.length > 0 && leaderless.length === 0,
      detail: waitsFor === '' ? `${led}${without}` : `waits ${waitsFor}`,
    },
  ]);
}
