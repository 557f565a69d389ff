/**
 * The place of one actor: its address, state, mailbox and family. It is the actor's context itself, and everything that
 * an idle actor does not need is null until used: a thread holds tens of thousands of them (one per connection).
 */
import type {
  Actor,
  ActorContext,
  AskContinuation,
  Lifecycle,
  ReplyTo,
  SpawnOptions,
  Supervision,
  TimerHandle,
} from './actor.ts';
import type { Mailbox } from './mailbox.ts';
import type { ActorRef } from './ref.ts';
import type { RefSet } from './ref-set.ts';
import type { RestartLog } from './supervisor.ts';
import type { ThreadSystem } from './thread-system.ts';
import type { TimerEntry } from './timers.ts';

export const STATE = { starting: 0, running: 1, suspended: 2, stopping: 3, stopped: 4 } as const;
const LIFECYCLES: readonly Lifecycle[] = ['starting', 'running', 'suspended', 'stopping', 'stopped'];

/** What a supervisor decided about an actor in the middle of a message; done when the message is over. */
export const AFTERWARDS = { nothing: 0, stop: 1, restart: 2 } as const;

/** The parts that only supervisors, and actors that failed once, have. */
export interface SupervisionState {
  /** Restarts of this actor. */
  own: RestartLog | null;
  /** Restarts among its children, under the group strategies. */
  group: RestartLog | null;
  restarts: number;
}

// biome-ignore lint/suspicious/noExplicitAny: the table holds actors of every protocol; refs carry the message types.
type AnyMessage = any;

export class Cell<M = AnyMessage> implements ActorContext<M> {
  // First what each entry into the actor looks at: a cell that has not been entered for long has to be fetched from memory.
  readonly system: ThreadSystem;
  actor: Actor<M> | null = null;
  state: number = STATE.starting;
  /** Somewhere on the stack. */
  isBusy = false;
  afterwards: number = AFTERWARDS.nothing;
  mailbox: Mailbox | null = null;
  /** In the run queue. */
  isScheduled = false;
  readonly self: ActorRef<M>;
  readonly name: string;
  readonly make: () => Actor<M>;
  readonly parent: Cell | null;
  readonly supervision: Supervision | null;
  readonly mailboxMax: number;
  firstChild: Cell | null = null;
  lastChild: Cell | null = null;
  nextSibling: Cell | null = null;
  previousSibling: Cell | null = null;
  watchers: RefSet = null;
  watching: RefSet = null;
  timers: TimerEntry | null = null;
  /** Correlations of asks under way. */
  asks: Set<number> | null = null;
  supervised: SupervisionState | null = null;

  constructor(
    system: ThreadSystem,
    self: ActorRef<M>,
    make: () => Actor<M>,
    parent: Cell | null,
    options: SpawnOptions,
    mailboxMax: number,
  ) {
    this.system = system;
    this.self = self;
    this.name = options.name;
    this.make = make;
    this.parent = parent;
    this.supervision = options.supervision ?? null;
    this.mailboxMax = mailboxMax;
  }

  get sender(): ActorRef {
    return this.system.sender;
  }

  get lifecycle(): Lifecycle {
    return LIFECYCLES[this.state]!;
  }

  now(): number {
    return this.system.now();
  }

  wallClock(): number {
    return this.system.wallClock();
  }

  random(): number {
    return this.system.random();
  }

  tell<T>(target: ActorRef<T>, message: T): boolean {
    return this.system.delivery.tell(target as ActorRef, this.self as ActorRef, message);
  }

  tellBytes(target: ActorRef<never>, kind: number, bytes: Uint8Array, start: number, end: number): boolean {
    return this.system.delivery.tellBytes(target, this.self as ActorRef, kind, bytes, start, end);
  }

  ask<T, R>(target: ActorRef<T>, message: T, deadlineMs: number, then: AskContinuation<R>): void {
    this.system.asks.ask(this as Cell, target as ActorRef, message, deadlineMs, then as AskContinuation<unknown>);
  }

  replyTo(): ReplyTo | undefined {
    const correlation = this.system.correlation;
    return correlation === 0 ? undefined : { ref: this.system.sender, correlation };
  }

  respond(to: ReplyTo, reply: unknown): void {
    this.system.delivery.respond(to.ref, to.correlation, this.self as ActorRef, reply);
  }

  spawn<C>(make: () => Actor<C>, options: SpawnOptions): ActorRef<C> {
    return this.system.spawnUnder(this as Cell, make, options);
  }

  stop(child?: ActorRef<never>): void {
    this.system.stop(this as Cell, child);
  }

  watch(target: ActorRef<never>): void {
    this.system.watches.watch(this as Cell, target);
  }

  unwatch(target: ActorRef<never>): void {
    this.system.watches.unwatch(this as Cell, target);
  }

  startTimer(delayMs: number, key: number): TimerHandle {
    return this.system.startTimer(this as Cell, delayMs, key);
  }

  cancelTimer(timer: TimerHandle): void {
    this.system.cancelTimer(this as Cell, timer as TimerEntry);
  }

  children(): readonly ActorRef<never>[] {
    return childrenOf(this as Cell).map(({ self }) => self);
  }

  io(event: number, argument: unknown): void {
    this.system.io(this as Cell, event, argument);
  }
}

/** The children in start order; a snapshot. */
export function childrenOf(cell: Cell): Cell[] {
  const children: Cell[] = [];
  for (let child = cell.firstChild; child !== null; child = child.nextSibling) children.push(child);
  return children;
}

export function adopt(parent: Cell, child: Cell): void {
  child.previousSibling = parent.lastChild;
  if (parent.lastChild === null) parent.firstChild = child;
  else parent.lastChild.nextSibling = child;
  parent.lastChild = child;
}

export function disown(parent: Cell, child: Cell): void {
  if (child.previousSibling === null) parent.firstChild = child.nextSibling;
  else child.previousSibling.nextSibling = child.nextSibling;
  if (child.nextSibling === null) parent.lastChild = child.previousSibling;
  else child.nextSibling.previousSibling = child.previousSibling;
  child.previousSibling = null;
  child.nextSibling = null;
}
