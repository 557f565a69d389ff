/** A run as a table for people. */
import type { Event, Outcome, World } from './world.ts';

/** `who`: 'all', or only what concerns the clients and messages of the violations. */
export function report(outcome: Outcome, who: 'all' | 'concerned'): string {
  const { seed, reactors, digest, messages, copies, takeovers, kills, virtualMs, violations } = outcome;
  const events = who === 'all' ? outcome.events : concerned(outcome);
  return [
    `seed ${seed}, trace ${digest}: ${reactors} reactors, ${messages} messages, ${copies} copies, ${takeovers} takeovers, ${kills} kills, ${(virtualMs / 1000).toFixed(1)} s`,
    ...events.map(line),
    ...violations.map((violation) => `VIOLATION ${line(violation)}`),
  ].join('\n');
}

function line({ atMs, who, what }: Event): string {
  return `${atMs.toFixed(3).padStart(12)} ms  ${who.padEnd(10)} ${what}`;
}

/** What the clients of the violations did and what became of the messages in question. */
function concerned({ violations, events }: Outcome): readonly Event[] {
  const clients = new Set(violations.map((violation) => violation.who));
  const payloads = violations.flatMap(({ payload }) => (payload === undefined ? [] : [payload]));
  return events.filter(
    ({ who, what }) =>
      who === 'world' ||
      who.startsWith('reactor') ||
      payloads.some((payload) => what.includes(payload)) ||
      (clients.has(who) && !/^(gets|publish|\S+ acknowledged)/.test(what)),
  );
}

/** Runs a failing seed again to tell what happened. */
export function explain(again: World): string {
  return report(again.run(), 'concerned');
}
