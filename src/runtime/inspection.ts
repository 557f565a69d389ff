/** A JSON-able picture of one thread's system, for operators: `/api/v1/actors` shows it. */
import { INSPECT_CHILDREN_MAX } from '../base/limits.ts';
import type { Lifecycle } from './actor.ts';
import { type Cell, childrenOf } from './cell.ts';
import type { DeadLetter } from './dead-letters.ts';
import { formatRef } from './ref.ts';
import { refsOf } from './ref-set.ts';
import type { ThreadSystem } from './thread-system.ts';

export interface ActorInspection {
  readonly ref: string;
  readonly name: string;
  readonly state: Lifecycle;
  readonly mailbox: { readonly user: number; readonly system: number; readonly max: number };
  readonly restarts: number;
  readonly watchers: number;
  /** The actor's own `inspect()`; absent without one. */
  readonly detail?: unknown;
  readonly children: readonly ActorInspection[];
  /** Children that are not listed. */
  readonly childrenOmitted: number;
}

export interface LinkInspection {
  readonly thread: number;
  readonly incarnation: number;
  readonly inboundBytes: number;
  readonly outboundBytes: number;
  readonly overflow: number;
  readonly refusals: number;
  readonly held: boolean;
}

export interface SystemInspection {
  readonly node: number;
  readonly thread: number;
  readonly incarnation: number;
  readonly nowMs: number;
  readonly turns: number;
  readonly messages: number;
  readonly actors: number;
  readonly queued: number;
  readonly timers: number;
  readonly asks: number;
  readonly restarts: number;
  readonly root: ActorInspection;
  readonly links: readonly LinkInspection[];
  readonly deadLetters: { readonly total: number; readonly last: readonly DeadLetter[] };
}

export function inspectSystem(system: ThreadSystem): SystemInspection {
  return {
    node: system.node,
    thread: system.thread,
    incarnation: system.incarnation,
    nowMs: system.now(),
    turns: system.turns,
    messages: system.handled,
    actors: system.cells.size,
    queued: system.queued,
    timers: system.timersPending,
    asks: system.asks.size,
    restarts: system.restarts,
    root: inspectCell(system.root),
    links: system.links.all().map((link) => ({
      thread: link.thread,
      incarnation: link.incarnation,
      inboundBytes: link.inlet.used(),
      outboundBytes: link.outlet.used(),
      overflow: link.overflow,
      refusals: link.refusals,
      held: link.isHeld,
    })),
    deadLetters: { total: system.deadLetters.total, last: system.deadLetters.last() },
  };
}

function inspectCell(cell: Cell): ActorInspection {
  const children = childrenOf(cell);
  return {
    ref: formatRef(cell.self),
    name: cell.name,
    state: cell.lifecycle,
    mailbox: { user: cell.mailbox?.userDepth ?? 0, system: cell.mailbox?.systemDepth ?? 0, max: cell.mailboxMax },
    restarts: cell.supervised?.restarts ?? 0,
    watchers: refsOf(cell.watchers).length,
    ...detailOf(cell),
    children: children.slice(0, INSPECT_CHILDREN_MAX).map(inspectCell),
    childrenOmitted: Math.max(0, children.length - INSPECT_CHILDREN_MAX),
  };
}

function detailOf(cell: Cell): { detail?: unknown } {
  try {
    const detail = cell.actor?.inspect?.();
    return detail === undefined ? {} : { detail };
  } catch (error) {
    return { detail: { error: String(error) } };
  }
}
