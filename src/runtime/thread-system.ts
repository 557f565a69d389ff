/**
 * The actor system of one thread: the parts that its actors share, put together. Only this thread touches it.
 * What happens when is in turn-loop.ts, how messages travel in delivery.ts, how actors run, fail and end in executor.ts
 * and lifecycle.ts.
 */
import { assert } from '../base/assert.ts';
import { MAILBOX_USER_MAX } from '../base/limits.ts';
import type { Actor, AskFailure, SpawnOptions } from './actor.ts';
import { AskError } from './ask-error.ts';
import { Asks } from './asks.ts';
import { adopt, Cell, STATE } from './cell.ts';
import { CellTable } from './cells.ts';
import { type DeadLetterReason, DeadLetters } from './dead-letters.ts';
import { Delivery } from './delivery.ts';
import { Drain } from './drain.ts';
import { Envelope, RECORD } from './envelope.ts';
import { enterIo, runTimer } from './executor.ts';
import { type ActorKind, GUARDIAN_SLOT, Guardian, guardianRef, type SpawnReply } from './guardian.ts';
import { inspectSystem, type SystemInspection } from './inspection.ts';
import { instantiate, revive, terminate } from './lifecycle.ts';
import type { Link } from './link.ts';
import { Links } from './links.ts';
import { Mailbox } from './mailbox.ts';
import { placeKey } from './placement.ts';
import type { Platform } from './platform.ts';
import { type ActorRef, formatRef, NOBODY } from './ref.ts';
import { RemoteNodes } from './remote-nodes.ts';
import type { ActorSystem, ThreadListener, ThreadState } from './system.ts';
import { type TimerAction, type TimerEntry, TimerWheel } from './timers.ts';
import { TurnLoop } from './turn-loop.ts';
import { Watches } from './watches.ts';

export interface SystemOptions {
  readonly node: number;
  readonly thread: number;
  readonly incarnation: number;
  readonly reactors: number;
  readonly slots: Float64Array;
  readonly platform: Platform;
  /** How often the node has been started; refs of one life do not match actors of another. Default 0. */
  readonly boots?: number;
  /** Sees every entry into an actor; the simulator hashes them. */
  readonly trace?: Trace;
}

export type Trace = (type: number, target: ActorRef, sender: ActorRef, kind: number, correlation: number) => void;

/** Incarnations of a thread that one life of the node has for itself before they can be taken for those of its next life. */
const BOOT_STRIDE = 5;
const HOME_SPAN = 2 ** 36;

export class ThreadSystem implements ActorSystem {
  readonly node: number;
  readonly thread: number;
  readonly incarnation: number;
  readonly reactors: number;
  readonly slots: Float64Array;
  readonly trace: Trace | undefined;
  readonly cells: CellTable;
  readonly deadLetters: DeadLetters = new DeadLetters();
  readonly links: Links = new Links();
  readonly remote: RemoteNodes;
  readonly delivery: Delivery;
  readonly asks: Asks;
  readonly watches: Watches;
  readonly root: Cell;
  /** Suspended cells whose restart is under way. */
  readonly reviving: Map<Cell, TimerEntry | null> = new Map();

  // What is being run now: the cell on top of the stack and the origin of its message.
  current: Cell | null = null;
  sender: ActorRef = NOBODY;
  correlation = 0;

  // Counts since the start; `#publishCounters` copies them to the slots once per turn.
  turns = 0;
  handled = 0;
  records = 0;
  queued = 0;
  failures = 0;
  restarts = 0;
  asksTimedOut = 0;

  readonly #platform: Platform;
  readonly #wheel: TimerWheel;
  readonly #loop: TurnLoop;
  readonly #home: number;
  readonly #threadListeners: ThreadListener[] = [];
  readonly #kinds = new Map<string, ActorKind>();

  constructor(options: SystemOptions) {
    this.node = options.node;
    this.thread = options.thread;
    this.incarnation = options.incarnation;
    this.reactors = options.reactors;
    this.slots = options.slots;
    this.trace = options.trace;
    this.#platform = options.platform;
    this.#wheel = new TimerWheel(options.platform.now());
    this.#loop = new TurnLoop(this, options.platform, this.#wheel);
    this.#home = options.node * 64 + options.thread;
    this.cells = new CellTable(options.node, options.thread, options.incarnation + (options.boots ?? 0) * BOOT_STRIDE);
    this.remote = new RemoteNodes(this);
    this.delivery = new Delivery(this, this.remote);
    this.asks = new Asks(this);
    this.watches = new Watches(this);
    const self = this.cells.allocate(GUARDIAN_SLOT);
    const guardian = () => new Guardian(() => this.inspect(), this.#kinds) as Actor<unknown> as Actor<never>;
    this.root = new Cell(this, self, guardian, null, { name: 'root' }, MAILBOX_USER_MAX) as Cell;
    this.cells.set(this.root);
    instantiate(this, this.root);
  }

  // ---- clock and chance ----

  now(): number {
    return this.#loop.now();
  }

  wallClock(): number {
    return this.#platform.wallClock();
  }

  random(): number {
    return this.#platform.random();
  }

  // ---- actors ----

  spawn<M>(make: () => Actor<M>, options: SpawnOptions): ActorRef<M> {
    return this.spawnUnder(this.root, make, options);
  }

  spawnUnder<M>(parent: Cell, make: () => Actor<M>, options: SpawnOptions): ActorRef<M> {
    assert(parent.state !== STATE.stopped, 'a stopped actor has no children');
    const self = this.cells.allocate(options.wellKnown ?? 0) as ActorRef<M>;
    const cell = new Cell<M>(this, self, make, parent, options, options.mailboxMax ?? MAILBOX_USER_MAX) as Cell;
    this.cells.set(cell);
    adopt(parent, cell);
    this.schedule(cell);
    return self;
  }

  async spawnPinned(key: string | number, kind: string, name: string, argument: unknown, deadlineMs: number): Promise<ActorRef> {
    const target = guardianRef(this.node, placeKey(key, this.reactors));
    const reply = await this.ask<SpawnReply>(target, { type: 'spawn', kind, name, argument }, deadlineMs);
    assert('ref' in reply, `no actor kind '${kind}' is registered on the thread of '${key}'`);
    return reply.ref;
  }

  registerKind(kind: string, make: ActorKind): void {
    assert(!this.#kinds.has(kind), `actor kind '${kind}' is registered twice`);
    this.#kinds.set(kind, make);
  }

  stop(by: Cell, child: ActorRef | undefined): void {
    const cell = child === undefined ? by : this.cells.get(child);
    if (cell === undefined) return;
    assert(cell === by || cell.parent === by, 'an actor stops itself or its children');
    if (cell.isBusy) terminate(this, cell, 'stopped');
    else this.urge(cell, new Envelope(RECORD.stop, 0, undefined, by.self, 0));
  }

  io(cell: Cell, event: number, argument: unknown): void {
    this.requestTurn();
    enterIo(this, cell, event, argument);
  }

  fatal(error: unknown): void {
    this.halt();
    this.#platform.fatal(error);
  }

  /** No more turns: the thread is beyond repair, or (simulated) dead. */
  halt(): void {
    this.#loop.halt();
  }

  // ---- messages ----

  tell<M>(target: ActorRef<M>, message: M): boolean {
    this.requestTurn();
    return this.delivery.tell(target as ActorRef, NOBODY, message);
  }

  tellBytes(target: ActorRef<never>, kind: number, bytes: Uint8Array, start: number, end: number): boolean {
    this.requestTurn();
    return this.delivery.tellBytes(target, NOBODY, kind, bytes, start, end);
  }

  ask<R>(target: ActorRef<never>, message: unknown, deadlineMs: number): Promise<R> {
    this.requestTurn();
    return new Promise<R>((resolve, reject) => {
      const settle = (reply: unknown, failure: AskFailure | undefined): void => {
        if (failure === undefined) resolve(reply as R);
        else reject(new AskError(failure, formatRef(target)));
      };
      this.asks.ask(this.root, target, message, deadlineMs, settle);
    });
  }

  isLocal(ref: ActorRef<never>): boolean {
    return Math.floor(ref / HOME_SPAN) === this.#home;
  }

  /** Into the bounded user lane; false when it is full. */
  offer(cell: Cell, envelope: Envelope): boolean {
    if (!(cell.mailbox ??= new Mailbox()).offer(envelope, cell.mailboxMax)) return false;
    this.queued++;
    this.schedule(cell);
    return true;
  }

  /** Into the user lane whatever its depth. */
  push(cell: Cell, envelope: Envelope): void {
    (cell.mailbox ??= new Mailbox()).force(envelope);
    this.queued++;
    this.schedule(cell);
  }

  urge(cell: Cell, envelope: Envelope): void {
    (cell.mailbox ??= new Mailbox()).urge(envelope);
    this.queued++;
    this.schedule(cell);
  }

  schedule(cell: Cell): void {
    this.#loop.schedule(cell);
  }

  dead(target: ActorRef, sender: ActorRef, reason: DeadLetterReason, message: string, error?: unknown): void {
    this.deadLetters.add(this.now(), target, sender, reason, message, error);
  }

  // ---- timers ----

  get timersPending(): number {
    return this.#wheel.size;
  }

  startTimer(cell: Cell, delayMs: number, key: number): TimerEntry {
    const entry = this.#startAlarm(delayMs, key, cell, this.#onActorTimer);
    entry.nextOfOwner = cell.timers;
    if (cell.timers !== null) cell.timers.previousOfOwner = entry;
    cell.timers = entry;
    return entry;
  }

  cancelTimer(cell: Cell, entry: TimerEntry): void {
    if (entry.owner !== cell || !entry.isPending) return;
    unlinkFromOwner(cell, entry);
    this.#wheel.cancel(entry);
  }

  cancelTimers(cell: Cell): void {
    for (let entry = cell.timers; entry !== null; entry = entry.nextOfOwner) this.#wheel.cancel(entry);
    cell.timers = null;
  }

  /** For the runtime itself: calls `action` once, outside any actor. */
  after(delayMs: number, key: number, action: TimerAction): TimerEntry {
    return this.#startAlarm(delayMs, key, undefined, action);
  }

  cancelAlarm(entry: TimerEntry): void {
    this.#wheel.cancel(entry);
  }

  /** Restarts a suspended cell after its back-off, outside any actor; cells with the same delay in the order of the calls. */
  reviveLater(cell: Cell, delayMs: number): void {
    if (delayMs > 0) {
      this.reviving.set(
        cell,
        this.after(delayMs, 0, () => revive(this, cell)),
      );
      return;
    }
    this.reviving.set(cell, null);
    this.#loop.nextTurn(() => revive(this, cell));
  }

  /** The cell ends before its restart. */
  forgetRevival(cell: Cell): void {
    const timer = this.reviving.get(cell);
    if (timer) this.cancelAlarm(timer);
    this.reviving.delete(cell);
  }

  /** A timer started between turns must be seen by the next decision to sleep. */
  #startAlarm(delayMs: number, key: number, owner: unknown, action: TimerAction): TimerEntry {
    this.requestTurn();
    return this.#wheel.start(this.now(), delayMs, key, owner, action);
  }

  readonly #onActorTimer = (entry: TimerEntry): void => {
    const cell = entry.owner as Cell;
    unlinkFromOwner(cell, entry);
    if (cell.state === STATE.running) runTimer(this, cell, entry.key);
  };

  // ---- turns ----

  turn(): void {
    this.#loop.turn();
  }

  requestTurn(): void {
    this.#loop.request();
  }

  atTurnEnd(hook: () => void): void {
    this.#loop.atEnd(hook);
  }

  /** The hooks and publishing are the loop's; waiting for the end of a drain is too. */
  drain(deadlineMs: number): Promise<void> {
    return new Promise((resolve) => this.#loop.drain(new Drain(this, deadlineMs, resolve)));
  }

  inspect(): SystemInspection {
    return inspectSystem(this);
  }

  // ---- other threads ----

  whenWritable(thread: number, then: () => void): void {
    this.requestTurn();
    const link = this.links.get(thread);
    if (link === undefined) this.#loop.nextTurn(then);
    else link.whenWritable(then);
  }

  whenNodeWritable(node: number, kind: number, then: () => void): void {
    this.requestTurn();
    this.remote.link.whenWritable(node, kind, then);
  }

  holdInbound(thread: number, hold: boolean): void {
    const link = this.links.get(thread);
    if (link === undefined) return;
    link.isHeld = hold;
    if (!hold) this.requestTurn();
  }

  onThreadChange(listener: ThreadListener): void {
    this.#threadListeners.push(listener);
  }

  /** A new incarnation of a thread can be reached from now on; it may still be booting. */
  attachLink(link: Link): void {
    assert(link.thread !== this.thread, 'a thread has no link to itself');
    const former = this.links.get(link.thread);
    if (former !== undefined) this.threadDown(link.thread);
    this.links.attach(link);
    this.requestTurn();
  }

  /** The thread's boot is done. */
  threadUp(thread: number): void {
    this.requestTurn();
    this.#tellListeners(thread, 'up');
  }

  /** What it published before it died still counts; then watchers and askers learn it. */
  threadDown(thread: number): void {
    const link = this.links.get(thread);
    if (link === undefined) return;
    this.requestTurn();
    while (link.inlet.drain(this.delivery, Number.MAX_SAFE_INTEGER) > 0);
    this.links.detach(link);
    link.close();
    this.watches.threadDied(thread);
    this.asks.threadDied(thread);
    this.#tellListeners(thread, 'down');
  }

  #tellListeners(thread: number, state: ThreadState): void {
    if (thread > this.reactors) return; // a service
    for (const listener of this.#threadListeners) listener(thread, state);
  }
}

function unlinkFromOwner(cell: Cell, entry: TimerEntry): void {
  if (entry.previousOfOwner === null) cell.timers = entry.nextOfOwner;
  else entry.previousOfOwner.nextOfOwner = entry.nextOfOwner;
  if (entry.nextOfOwner !== null) entry.nextOfOwner.previousOfOwner = entry.previousOfOwner;
  entry.nextOfOwner = null;
  entry.previousOfOwner = null;
}
