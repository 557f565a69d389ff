/**
 * What an actor is and what it may ask of its runtime. An actor is state plus `receive`, run by one thread, one
 * message at a time. It gets time, randomness, timers and peers from its context alone, so the same actor runs on
 * a worker thread and in the simulator.
 */
import type { ActorRef } from './ref.ts';

export interface Actor<M> {
  /** Runs once per instance, before the first message; again on the new instance after a restart. */
  started?(ctx: ActorContext<M>): void;
  /** One message. Throwing hands the error to the supervisor and the message to dead letters. */
  receive(message: M, ctx: ActorContext<M>): void;
  /**
   * Raw data from another actor. `bytes[start, end)` is only valid during the call: it may be a view of a ring that is
   * reused afterwards. Actors without this method dead-letter such messages.
   */
  receiveBytes?(kind: number, bytes: Uint8Array, start: number, end: number, ctx: ActorContext<M>): void;
  /** An I/O event of a source that this actor owns, entered through `ctx.io`. */
  onIo?(event: number, argument: unknown, ctx: ActorContext<M>): void;
  /** A continuation asked for by `ctx.startTimer`. */
  onTimer?(key: number, ctx: ActorContext<M>): void;
  /** A watched actor is gone. */
  onTerminated?(ref: ActorRef, reason: TerminationReason, ctx: ActorContext<M>): void;
  /** Last call on this instance, before it stops or is replaced. Release what `started` took. */
  stopping?(reason: TerminationReason, ctx: ActorContext<M>): void;
  /** A small JSON-able picture of the state, for operators. */
  inspect?(): unknown;
}

export type TerminationReason = 'stopped' | 'failed' | 'thread_died' | 'unreachable' | 'not_found' | 'restarted';

export type Lifecycle = 'starting' | 'running' | 'suspended' | 'stopping' | 'stopped';

/** Where a reply goes. A plain value: it may be forwarded inside a message, also to another thread. */
export interface ReplyTo {
  readonly ref: ActorRef;
  readonly correlation: number;
}

export type AskFailure = 'timeout' | 'mailbox_full' | 'not_found' | 'unreachable' | 'failed';

/** `failure` is undefined exactly when `reply` holds an answer. */
export type AskContinuation<R> = (reply: R | undefined, failure: AskFailure | undefined) => void;

export interface TimerHandle {
  readonly key: number;
}

export interface ActorContext<M> {
  readonly self: ActorRef<M>;
  readonly name: string;
  /** Sender of the message being received; NOBODY when it was not signed. */
  readonly sender: ActorRef;

  /** Milliseconds on the thread's monotonic clock, read once per turn. */
  now(): number;
  /** Milliseconds since the epoch, for what users see. */
  wallClock(): number;
  /** Uniform in [0, 1), from the thread's seeded generator. */
  random(): number;

  /** False when the target did not take it: mailbox full, actor gone, link full. The loss is already counted. */
  tell<T>(target: ActorRef<T>, message: T): boolean;
  /** Same for raw bytes; `kind` is a u16 of the receiver's own protocol. False when the link is full: nothing was sent. */
  tellBytes(target: ActorRef<never>, kind: number, bytes: Uint8Array, start: number, end: number): boolean;
  /** The continuation runs in this actor's turn, exactly once, unless the actor stops or restarts before. */
  ask<T, R>(target: ActorRef<T>, message: T, deadlineMs: number, then: AskContinuation<R>): void;
  /** Where to answer the message being received, now or later; undefined when it was not an ask. */
  replyTo(): ReplyTo | undefined;
  respond(to: ReplyTo, reply: unknown): void;

  spawn<C>(make: () => Actor<C>, options: SpawnOptions): ActorRef<C>;
  /** The children in start order; a snapshot. */
  children(): readonly ActorRef<never>[];
  /** Stops a child, or this actor itself when no ref is given, after the message in hand. */
  stop(child?: ActorRef<never>): void;
  watch(target: ActorRef<never>): void;
  unwatch(target: ActorRef<never>): void;

  /** Calls `onTimer(key)` once after `delayMs` (a tick of the wheel is TIMER_TICK_MS); cancelled by stop and restart. */
  startTimer(delayMs: number, key: number): TimerHandle;
  cancelTimer(timer: TimerHandle): void;

  /** Enters this actor from an I/O callback: runs `onIo` as a turn of its own, under its supervisor. */
  io(event: number, argument: unknown): void;
}

export interface SpawnOptions {
  /** Kind or role, shown by `inspect()`; need not be unique. */
  readonly name: string;
  /** Bound of the user lane, messages. Default MAILBOX_USER_MAX. */
  readonly mailboxMax?: number;
  /** How this actor's children are supervised. Default: one for one, restart with back-off. */
  readonly supervision?: Supervision;
  /** Fixed slot (1 … WELL_KNOWN_SLOTS - 1): the ref is `wellKnownRef(node, thread, slot)`, on every incarnation. */
  readonly wellKnown?: number;
}

export type Strategy = 'oneForOne' | 'allForOne' | 'restForOne';
export type Directive = 'resume' | 'restart' | 'stop' | 'escalate';

export interface Supervision {
  readonly strategy: Strategy;
  /** Which directive answers an error; default: always restart. */
  decide?(error: unknown, child: ActorRef<never>): Directive;
  /** More restarts than this within the window escalate. */
  readonly restartsMax: number;
  readonly windowMs: number;
  /** First delay before a restart; doubles with each restart in the window up to `backoffMaxMs`. 0 restarts at once. */
  readonly backoffMinMs: number;
  readonly backoffMaxMs: number;
}
