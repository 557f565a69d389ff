/** What a node knows about its own health, as `/health/*` tells it. Pure: the facts are an argument. */

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

/** The cluster as this node sees it. A node alone is a whole cluster. */
export function clusterHealth(facts: NodeFacts): HealthReport {
  const self = readiness(facts);
  return report([
    { name: 'members', ok: true, detail: `1 of 1 (node ${facts.node})` },
    { name: `node ${facts.node}`, ok: self.status === 'ok', detail: self.status === 'ok' ? 'ready' : 'not ready' },
  ]);
}
