/** A run as a table for people. */
import type { Outcome } from './world.ts';

const ROWS = 60;

export function summary({
  seed,
  digest,
  swarm,
  events,
  virtualMs,
  operations,
  committed,
  elections,
  crashes,
  changes,
}: Outcome): string {
  return (
    `seed ${seed}, trace ${digest}: ${swarm.voters} + ${swarm.spares} nodes, ${swarm.groups} groups, ${events} events in ${(virtualMs / 1000).toFixed(1)} s, ` +
    `${operations} operations, ${committed} entries, ${elections} elections, ${crashes} crashes, ${changes} membership changes`
  );
}

export function report(outcome: Outcome, rows: number = ROWS): string {
  const table = outcome.table
    .slice(-rows)
    .map(({ atMs, who, what }) => `${atMs.toFixed(2).padStart(10)} ms  ${who.padEnd(9)} ${what}`);
  return [summary(outcome), ...table, ...(outcome.violation === undefined ? [] : [`VIOLATION ${outcome.violation}`])].join('\n');
}
