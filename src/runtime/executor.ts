/**
 * Runs an actor: one message, I/O event, timer or continuation at a time, under its supervisor. Every way into an
 * actor's code goes through here, so a throw never reaches the pump.
 *
 * An entry may nest in another actor's (a socket call that emits at once), never in one of the same actor: that one
 * waits in the mailbox. What a supervisor decides about a busy actor happens when its entry is over.
 */
import { assert } from '../base/assert.ts';
import type { AskContinuation, AskFailure, TerminationReason } from './actor.ts';
import { AFTERWARDS, type Cell, STATE } from './cell.ts';
import { describeMessage } from './dead-letters.ts';
import { ASK_FAILURES, Envelope, RECORD, TERMINATION_REASONS } from './envelope.ts';
import { fail, instantiate, suspend, terminate } from './lifecycle.ts';
import { type ActorRef, NOBODY } from './ref.ts';
import { DEFAULT_SUPERVISION } from './supervisor.ts';
import type { ThreadSystem } from './thread-system.ts';

/** Handles up to `max` entries of the cell's mailbox. Returns how many. */
export function runCell(system: ThreadSystem, cell: Cell, max: number): number {
  let done = 0;
  if (cell.state === STATE.starting && cell.actor === null) {
    done++;
    if (cell.mailbox === null || cell.mailbox.systemDepth === 0) instantiate(system, cell);
  }
  while (done < max) {
    const mailbox = cell.mailbox;
    if (mailbox === null) break;
    const envelope = cell.state === STATE.running ? mailbox.take() : mailbox.takeSystem();
    if (envelope === undefined) break;
    system.queued--;
    done++;
    handle(system, cell, envelope);
  }
  return done;
}

/** True while the pump can do something for this cell. */
export function hasWork(cell: Cell): boolean {
  if (cell.state === STATE.starting && cell.actor === null) return true;
  if (cell.mailbox === null) return false;
  return cell.mailbox.systemDepth > 0 || (cell.state === STATE.running && cell.mailbox.userDepth > 0);
}

function handle(system: ThreadSystem, cell: Cell, envelope: Envelope): void {
  system.trace?.(envelope.type, cell.self, envelope.sender, envelope.kind, envelope.correlation);
  switch (envelope.type) {
    case RECORD.message:
    case RECORD.ask:
      receive(system, cell, envelope);
      break;
    case RECORD.bytes: {
      const bytes = envelope.body as Uint8Array;
      receiveBytes(system, cell, envelope.sender, envelope.kind, bytes, 0, bytes.length);
      break;
    }
    case RECORD.reply:
      system.asks.settle(cell, envelope.correlation, envelope.body, undefined);
      break;
    case RECORD.failure:
      system.asks.settle(cell, envelope.correlation, undefined, ASK_FAILURES[envelope.kind]);
      break;
    case RECORD.watch:
      system.watches.watched(cell, envelope.sender);
      break;
    case RECORD.unwatch:
      system.watches.unwatched(cell, envelope.sender);
      break;
    case RECORD.terminated:
      if (cell.state === STATE.running && system.watches.forget(cell, envelope.sender)) {
        terminated(system, cell, envelope.sender, TERMINATION_REASONS[envelope.kind]!);
      }
      break;
    case RECORD.io:
      runIo(system, cell, envelope.kind, envelope.body);
      break;
    case RECORD.stop:
      terminate(system, cell, 'stopped');
      break;
    default:
      assert(false, 'unknown envelope');
  }
}

function receive(system: ThreadSystem, cell: Cell, envelope: Envelope): void {
  const frame = enter(system, cell, envelope.sender, envelope.correlation);
  try {
    cell.actor!.receive(envelope.body, cell);
  } catch (error) {
    leave(system, cell, frame);
    system.dead(cell.self, envelope.sender, 'failed', describeMessage(envelope.body), error);
    if (envelope.type === RECORD.ask) system.delivery.refuse(envelope.sender, envelope.correlation, cell.self, 'failed');
    fail(system, cell, error);
    return;
  }
  leave(system, cell, frame);
}

/** Also called straight from a ring, when nothing waits in the mailbox. */
export function receiveBytes(
  system: ThreadSystem,
  cell: Cell,
  sender: ActorRef,
  kind: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  const actor = cell.actor!;
  if (actor.receiveBytes === undefined) {
    system.dead(cell.self, sender, 'no_handler', `bytes/${kind}`);
    return;
  }
  const frame = enter(system, cell, sender, 0);
  try {
    actor.receiveBytes(kind, bytes, start, end, cell);
  } catch (error) {
    leave(system, cell, frame);
    system.dead(cell.self, sender, 'failed', `bytes/${kind}`, error);
    fail(system, cell, error);
    return;
  }
  leave(system, cell, frame);
}

/** From `ctx.io`: now, or by way of the mailbox when the actor is at work or waits for its restart. */
export function enterIo(system: ThreadSystem, cell: Cell, event: number, argument: unknown): void {
  if (cell.isBusy || cell.state === STATE.starting) {
    system.push(cell, new Envelope(RECORD.io, event, argument, NOBODY, 0));
    return;
  }
  if (cell.state !== STATE.running) {
    system.dead(cell.self, NOBODY, 'stopped', `io/${event}`);
    return;
  }
  system.trace?.(RECORD.io, cell.self, NOBODY, event, 0);
  runIo(system, cell, event, argument);
}

function runIo(system: ThreadSystem, cell: Cell, event: number, argument: unknown): void {
  const frame = enter(system, cell, NOBODY, 0);
  try {
    cell.actor!.onIo?.(event, argument, cell);
  } catch (error) {
    leave(system, cell, frame);
    system.dead(cell.self, NOBODY, 'failed', `io/${event}`, error);
    fail(system, cell, error);
    return;
  }
  leave(system, cell, frame);
}

export function runTimer(system: ThreadSystem, cell: Cell, key: number): void {
  system.trace?.(RECORD.io, cell.self, NOBODY, key, 1);
  const frame = enter(system, cell, NOBODY, 0);
  try {
    cell.actor!.onTimer?.(key, cell);
  } catch (error) {
    leave(system, cell, frame);
    system.dead(cell.self, NOBODY, 'failed', `timer/${key}`, error);
    fail(system, cell, error);
    return;
  }
  leave(system, cell, frame);
}

export function runContinuation(
  system: ThreadSystem,
  cell: Cell,
  then: AskContinuation<unknown>,
  reply: unknown,
  failure: AskFailure | undefined,
): void {
  const frame = enter(system, cell, NOBODY, 0);
  try {
    then(reply, failure);
  } catch (error) {
    leave(system, cell, frame);
    system.dead(cell.self, NOBODY, 'failed', 'continuation', error);
    fail(system, cell, error);
    return;
  }
  leave(system, cell, frame);
}

function terminated(system: ThreadSystem, cell: Cell, ref: ActorRef, reason: TerminationReason): void {
  const frame = enter(system, cell, NOBODY, 0);
  try {
    cell.actor!.onTerminated?.(ref, reason, cell);
  } catch (error) {
    leave(system, cell, frame);
    system.dead(cell.self, NOBODY, 'failed', 'terminated', error);
    fail(system, cell, error);
    return;
  }
  leave(system, cell, frame);
}

/** What was current before; restored by `leave`. Only nested entries need an object for it. */
interface Frame {
  readonly cell: Cell;
  readonly sender: ActorRef;
  readonly correlation: number;
}

function enter(system: ThreadSystem, cell: Cell, sender: ActorRef, correlation: number): Frame | null {
  assert(!cell.isBusy, 'an actor is entered twice');
  const current = system.current;
  const frame = current === null ? null : { cell: current, sender: system.sender, correlation: system.correlation };
  system.current = cell;
  system.sender = sender;
  system.correlation = correlation;
  cell.isBusy = true;
  system.handled++;
  return frame;
}

function leave(system: ThreadSystem, cell: Cell, frame: Frame | null): void {
  cell.isBusy = false;
  system.current = frame === null ? null : frame.cell;
  system.sender = frame === null ? NOBODY : frame.sender;
  system.correlation = frame === null ? 0 : frame.correlation;
  if (cell.afterwards !== AFTERWARDS.nothing) carryOut(system, cell);
}

function carryOut(system: ThreadSystem, cell: Cell): void {
  const afterwards = cell.afterwards;
  cell.afterwards = AFTERWARDS.nothing;
  if (afterwards === AFTERWARDS.stop) terminate(system, cell, 'stopped');
  else suspend(system, cell, (cell.parent?.supervision ?? DEFAULT_SUPERVISION).backoffMinMs);
}
