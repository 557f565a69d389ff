/**
 * An actor's way from starting to stopped, and what its supervisor does to it. An actor and all its descendants live on
 * one thread, so a decision is carried out at once, except for an actor that is on the stack (`afterwards`).
 *
 *   starting --started()--> running --stop--> stopping --> stopped
 *                             |  ^
 *                     failure v  | revive (after the back-off)
 *                          suspended            the mailbox and the ref stay, the instance does not
 */
import { assert } from '../base/assert.ts';
import type { TerminationReason } from './actor.ts';
import { AFTERWARDS, type Cell, childrenOf, disown, STATE } from './cell.ts';
import { describeMessage } from './dead-letters.ts';
import { RECORD } from './envelope.ts';
import { NOBODY } from './ref.ts';
import { affected, DEFAULT_SUPERVISION, decide, RestartLog } from './supervisor.ts';
import type { ThreadSystem } from './thread-system.ts';

/** Makes the instance and runs `started`. A failure goes to the supervisor as any other. */
export function instantiate(system: ThreadSystem, cell: Cell): void {
  assert(cell.actor === null && !cell.isBusy, 'the cell has an instance');
  const previous = system.current;
  system.current = cell;
  cell.isBusy = true;
  let failure: { error: unknown } | undefined;
  try {
    cell.actor = cell.make();
    cell.state = STATE.running;
    cell.actor.started?.(cell);
  } catch (error) {
    failure = { error };
  }
  cell.isBusy = false;
  system.current = previous;
  const afterwards = cell.afterwards as number;
  if (failure !== undefined) {
    system.dead(cell.self, NOBODY, 'failed', 'started', failure.error);
    cell.afterwards = AFTERWARDS.nothing;
    release(system, cell, 'failed');
    cell.state = STATE.suspended;
    fail(system, cell, failure.error);
  } else if (afterwards === AFTERWARDS.stop) {
    cell.afterwards = AFTERWARDS.nothing;
    terminate(system, cell, 'stopped');
  }
}

/** An entry into the actor threw: ask its supervisor. */
export function fail(system: ThreadSystem, cell: Cell, error: unknown): void {
  system.failures++;
  if (cell.afterwards === AFTERWARDS.stop || cell.state === STATE.stopped) return;
  supervise(system, cell, error);
}

function supervise(system: ThreadSystem, cell: Cell, error: unknown): void {
  const parent = cell.parent;
  if (parent === null) {
    system.fatal(error);
    return;
  }
  const supervision = parent.supervision ?? DEFAULT_SUPERVISION;
  const decision = decide(supervision, error, cell.self);
  let directive = decision.directive;
  let delayMs = 0;
  if (directive === 'restart') {
    delayMs = restartLog(supervision.strategy === 'oneForOne' ? cell : parent, supervision.strategy).admit(
      system.now(),
      supervision,
    );
    if (delayMs < 0) directive = 'escalate';
  }
  const group = affected(supervision.strategy, childrenOf(parent), cell);
  switch (directive) {
    case 'resume':
      if (cell.actor === null) terminate(system, cell, 'failed');
      break;
    case 'restart':
      restartGroup(system, group, delayMs);
      break;
    case 'stop':
      for (const member of group.toReversed()) terminate(system, member, member === cell ? 'failed' : 'stopped');
      break;
    case 'escalate':
      supervise(system, parent, decision.error);
      // The parent was resumed, but an actor that never started cannot go on.
      if (cell.actor === null && cell.state !== STATE.stopped) terminate(system, cell, 'failed');
      break;
  }
}

function restartLog(cell: Cell, strategy: string): RestartLog {
  const supervised = (cell.supervised ??= { own: null, group: null, restarts: 0 });
  if (strategy === 'oneForOne') return (supervised.own ??= new RestartLog());
  return (supervised.group ??= new RestartLog());
}

/** Stops the instances in reverse start order; they come back in start order. */
function restartGroup(system: ThreadSystem, group: readonly Cell[], delayMs: number): void {
  const waiting: Cell[] = [];
  for (const cell of group.toReversed()) {
    if (cell.isBusy) cell.afterwards ||= AFTERWARDS.restart;
    else if (takeDown(system, cell)) waiting.push(cell);
  }
  for (const cell of waiting.toReversed()) scheduleRevival(system, cell, delayMs);
}

/** Takes the instance down; a new one comes after `delayMs`. */
export function suspend(system: ThreadSystem, cell: Cell, delayMs: number): void {
  if (takeDown(system, cell)) scheduleRevival(system, cell, delayMs);
}

function scheduleRevival(system: ThreadSystem, cell: Cell, delayMs: number): void {
  (cell.supervised ??= { own: null, group: null, restarts: 0 }).restarts++;
  system.restarts++;
  system.reviveLater(cell, delayMs);
}

/** False when there is no instance to replace: already waiting for its restart, not started yet, or gone. */
function takeDown(system: ThreadSystem, cell: Cell): boolean {
  if (cell.state === STATE.stopped || cell.state === STATE.stopping) return false;
  if (cell.state === STATE.starting) return false;
  if (cell.state === STATE.suspended) return !system.reviving.has(cell);
  cell.state = STATE.suspended;
  release(system, cell, 'restarted');
  return true;
}

/** The restart itself. */
export function revive(system: ThreadSystem, cell: Cell): void {
  if (!system.reviving.delete(cell) || cell.state !== STATE.suspended) return;
  instantiate(system, cell);
  system.schedule(cell);
}

/** Ends the instance: children first (last started, first stopped), then `stopping`, then what the context holds for it. */
function release(system: ThreadSystem, cell: Cell, reason: TerminationReason): void {
  for (const child of childrenOf(cell).toReversed()) terminate(system, child, 'stopped');
  const actor = cell.actor;
  cell.actor = null;
  if (actor?.stopping !== undefined) {
    const previous = system.current;
    system.current = cell;
    cell.isBusy = true;
    try {
      actor.stopping(reason, cell);
    } catch (error) {
      system.failures++;
      system.dead(cell.self, NOBODY, 'failed', 'stopping', error);
    }
    cell.isBusy = false;
    system.current = previous;
    // What `stopping` started is not taken over by anybody.
    for (const child of childrenOf(cell).toReversed()) terminate(system, child, 'stopped');
  }
  system.cancelTimers(cell);
  system.asks.forgetAll(cell);
  system.watches.unwatchAll(cell);
}

/** The end of an actor. Its waiting messages become dead letters, its watchers are told, its slot is free. */
export function terminate(system: ThreadSystem, cell: Cell, reason: TerminationReason): void {
  if (cell.state === STATE.stopped || cell.state === STATE.stopping) return;
  if (cell.isBusy) {
    cell.afterwards = AFTERWARDS.stop;
    return;
  }
  cell.state = STATE.stopping;
  release(system, cell, reason);
  cell.state = STATE.stopped;
  system.forgetRevival(cell);
  system.cells.remove(cell);
  if (cell.parent !== null) disown(cell.parent, cell);
  discardMailbox(system, cell);
  system.watches.announce(cell, reason);
}

function discardMailbox(system: ThreadSystem, cell: Cell): void {
  const mailbox = cell.mailbox;
  if (mailbox === null) return;
  for (let envelope = mailbox.take(); envelope !== undefined; envelope = mailbox.take()) {
    system.queued--;
    switch (envelope.type) {
      case RECORD.message:
      case RECORD.ask:
        system.dead(cell.self, envelope.sender, 'stopped', describeMessage(envelope.body));
        if (envelope.type === RECORD.ask) system.delivery.refuse(envelope.sender, envelope.correlation, cell.self, 'not_found');
        break;
      case RECORD.bytes:
        system.dead(cell.self, envelope.sender, 'stopped', `bytes/${envelope.kind}`);
        break;
      case RECORD.watch:
        system.watches.refuse(cell.self, envelope.sender);
        break;
    }
  }
  cell.mailbox = null;
}
