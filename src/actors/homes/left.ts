/**
 * A session that has left this node, for as long as something may still come for it here: what others had kept for this node before they heard of the new home. It goes on to collect, until the fence of every node of the cluster has come,
 * and gives the new home, wherever that is by then, all of it as further messages, a page at a time. On reactor 1. On disk by a note of its own (notes.ts), so it goes on when the node is back.
 *
 *   P ── … m1 m2 ─ ─ (no way) ─ ─ m3 │ m4 … ──▶ left here: m1 … m3 ──▶ the new home
 *     └─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ │ m4 … ────────────────────────▶ the new home
 *
 * It begins in two ways: the new home has all that was here when it came, and only some nodes had put no fence by then; or it has come without this node, and nothing has been handed over. Bounds: those of an inbox, and the life of the
 * session.
 */
import type { Ranges } from '../../base/ranges.ts';
import { CONTROL } from '../../storage/control.ts';
import { parseFilter } from '../../wire/mqtt/topics.ts';
import type { HomeDone } from '../../wire/schema-types.ts';
import { Inbox } from '../inbox/inbox.ts';
import { inboxStateOf } from '../inbox/inboxes.ts';
import { MARK } from '../inbox/marks.ts';
import { KEYS, type WriteMetadata } from '../metadata/messages.ts';
import type { Delivery, Run } from '../router/sink.ts';
import type { SubscriptionState } from '../session/messages.ts';
import { SESSION_PROBE } from '../session/probe.ts';
import { sessionKey } from '../session/record.ts';
import type { SessionServices } from '../session/services.ts';
import type { ShareSink } from '../share/member.ts';
import type { ShardFacts } from '../store/messages.ts';
import type { Found } from './directory.ts';
import type { Emigrant } from './emigrant.ts';
import { entryIn } from './entry.ts';
import type { HomesMessage } from './messages.ts';
import { encodeLeftNote, type HomeNote, type LeftNote, leftKey } from './notes.ts';
import { encodePage } from './page.ts';
import { readPage } from './pages.ts';

/** Ticks between two looks of one that has nothing to give. */
const IDLE_TICKS = 5;

export interface LeftPorts {
  readonly services: SessionServices;
  /** All that pass messages on to each other. */
  readonly nodes: readonly number[];
  readonly find: (clientId: string, then: (found: Found | undefined) => void) => void;
  readonly ask: <R>(node: number, message: HomesMessage, then: (reply: R | undefined) => void) => void;
  /** Runs it in the homes actor's turn. */
  readonly later: (then: () => void) => void;
  readonly tellMetadata: (write: WriteMetadata) => void;
  readonly forwarded: (messages: number) => void;
  readonly ended: (left: Left) => void;
}

export class Left implements ShareSink {
  readonly clientId: string;
  readonly life: string;
  readonly epoch: number;
  readonly #ports: LeftPorts;
  readonly #subscriptions: readonly SubscriptionState[];
  readonly #inbox: Inbox;
  readonly #passed: Set<number>;
  /** Everything that came before is on disk, and known to be the new home's or not. */
  #isReady = false;
  #isComplete = false;
  #isBusy = false;
  #isOver = false;
  #idle = 0;

  private constructor(ports: LeftPorts, { clientId, life, epoch, subscriptions, passed }: Omit<LeftNote, 'shard'>, inbox: Inbox) {
    this.#ports = ports;
    this.clientId = clientId;
    this.life = life;
    this.epoch = epoch;
    this.#subscriptions = subscriptions;
    this.#passed = new Set(passed);
    this.#inbox = inbox;
  }

  /** Of a session that lies on disk like that. */
  static restored(ports: LeftPorts, note: LeftNote, facts: ShardFacts): Left {
    const { router, shares, inboxes } = ports.services;
    const left = new Left(ports, note, new Inbox(inboxes!, inboxStateOf(note.shard, facts)));
    for (const { filter, ...options } of note.subscriptions) {
      const parsed = parseFilter(filter);
      if (parsed === undefined) continue;
      if (parsed.shareGroup === undefined) router.subscribe(left, parsed.filter, options);
      else shares.join(left, parsed.shareGroup, parsed.filter, options, false);
    }
    left.#isReady = true;
    left.#look();
    return left;
  }

  /** Takes the place of the emigrant. `leaving`, in the note: the new home has come by that, with what was here by then; absent: without. Calls `ready` when nothing but the note of what is left is here of the session. */
  static by(ports: LeftPorts, emigrant: Emigrant, { life, epoch, leaving }: HomeNote, ready: () => void): Left {
    const { clientId, subscriptions, inbox, lateRanges } = emigrant;
    const passed = leaving === undefined ? [] : emigrant.passedNodes;
    const left = new Left(ports, { clientId, life, epoch, subscriptions, passed }, inbox);
    emigrant.bequeath(left);
    inbox.whenWritten(() =>
      emigrant.whenLateWritten(() => {
        inbox.reaches(lateRanges.end);
        if (leaving !== undefined) left.#handedOver(leaving.end, lateRanges);
        left.#isReady = true;
        left.#note([sessionKey(clientId), KEYS.home + clientId]);
        left.#look();
        ports.later(ready);
      }),
    );
    return left;
  }

  inspect(): unknown {
    return { clientId: this.clientId, passed: [...this.#passed], messages: this.#inbox.machine.messages };
  }

  // ---- as a sink ----

  deliver(run: Run, delivery: Delivery): void {
    const { limits, inboxes, system, router } = this.#ports.services;
    // What is behind a fence is the new home's; but what was for one member of a group nobody else has.
    if (run.qos === 0 || delivery.qos === 0 || (delivery.share === null && this.#passed.has(router.origin))) return;
    const bounds = { messagesMax: limits.queueMessagesMax, bytesMax: limits.queueBytesMax };
    if (this.#inbox.machine.isFull(bounds)) system.slots[SESSION_PROBE.slot.droppedQueueFull]! += run.count;
    else if (delivery.share === null) inboxes!.fanOuts.collect(this.#inbox, run, delivery);
    else inboxes!.fanOuts.single(this.#inbox, run, delivery);
  }

  deliveryFailed(error: unknown): void {
    throw error;
  }

  release(): void {}

  // ---- for the homes actor ----

  /** A fence of the session's home of that epoch, behind which that one takes what the node publishes. */
  passed(epoch: number, node: number): void {
    if (epoch <= this.epoch || this.#passed.has(node)) return;
    this.#passed.add(node);
    if (!this.#isReady) return;
    this.#look();
    // What came before the fence is to be on disk by the time that nothing more is wanted.
    const { inboxes } = this.#ports.services;
    this.#inbox.whenWritten(() => inboxes!.whenDurable(() => this.#ports.later(() => this.#note())));
  }

  /** The session is at home here again, and takes all that comes. */
  returned(): void {
    for (const node of this.#ports.nodes) this.passed(this.epoch + 1, node);
  }

  /** Another node is reached. */
  wake(): void {
    this.#idle = IDLE_TICKS;
  }

  /** Goes on; to be called again and again. */
  tick(): void {
    if (this.#isBusy || this.#isOver || !this.#isReady) return;
    const isIdle = this.#isEmpty && !this.#isComplete;
    if (isIdle && ++this.#idle < IDLE_TICKS) return;
    this.#idle = 0;
    if (this.#isComplete && this.#isEmpty) return this.#end();
    this.#isBusy = true;
    this.#ports.find(this.clientId, (found) => {
      this.#isBusy = false;
      if (found === undefined || this.#isOver) return;
      const entry = entryIn(found);
      // Its client has begun anew, or it has expired: nobody is to have what is here.
      if (entry?.life !== this.life) return this.#end();
      this.#askFences(entry.home);
      this.#forward(entry.home);
    });
  }

  get #isEmpty(): boolean {
    const { ackedTo, end, staged } = this.#inbox.machine;
    return ackedTo >= end && staged === 0;
  }

  /** The new home has what lies before `end`, and what it has taken itself. */
  #handedOver(end: number, late: Ranges): void {
    const { inboxes } = this.#ports.services;
    const { machine } = this.#inbox;
    this.#trim(end);
    for (const { from, to } of late) {
      for (let offset = Math.max(from, machine.ackedTo); offset < to; offset++) {
        machine.finish(offset);
        if (offset >= machine.ackedTo) inboxes!.later(machine.shard, CONTROL.mark, MARK.moved, offset);
      }
    }
    this.#trim(machine.ackedTo);
  }

  #trim(offset: number): void {
    this.#inbox.finishTo(offset);
    this.#ports.services.system.requestTurn();
  }

  /** Whether the fences of all have come. */
  #look(): void {
    if (this.#isComplete || !this.#ports.nodes.every((node) => this.#passed.has(node))) return;
    this.#isComplete = true;
    this.#unsubscribe();
  }

  #unsubscribe(): void {
    const { router, shares } = this.#ports.services;
    router.unsubscribeAll(this);
    shares.partAll(this);
  }

  #note(deletes: readonly string[] = []): void {
    if (this.#isOver) return;
    const { clientId, life, epoch } = this;
    const { shard } = this.#inbox.machine;
    const note = { clientId, life, epoch, shard, subscriptions: this.#subscriptions, passed: [...this.#passed] };
    this.#ports.tellMetadata({ type: 'write', puts: [[leftKey(this), encodeLeftNote(note)]], deletes, sync: false });
  }

  #askFences(home: number): void {
    const of = this.#ports.nodes.filter((node) => !this.#passed.has(node));
    if (of.length === 0) return;
    const { clientId, life } = this;
    const { node } = this.#ports.services.system;
    this.#ports.ask<HomeDone>(home, { type: 'HomeFence', clientId, life, to: node, of }, () => {});
  }

  #forward(home: number): void {
    const { machine } = this.#inbox;
    if (machine.ackedTo >= machine.end) return;
    this.#isBusy = true;
    const { services, later, ask, forwarded } = this.#ports;
    const isWanted = (offset: number): boolean => !machine.isDone(offset) && !machine.isReceived(offset);
    const over = (): void => {
      this.#isBusy = false;
    };
    const read = (page: Parameters<Parameters<typeof readPage>[4]>[0]): void => {
      if (page === undefined || this.#isOver) return over();
      const { runs, next } = page;
      const taken = (upTo = next): void => {
        over();
        this.#trim(upTo);
        forwarded(runs.reduce((sum, { count }) => sum + count, 0));
        this.#forward(home);
      };
      if (runs.length === 0) return next > machine.ackedTo ? taken() : over();
      const { clientId, life, epoch } = this;
      const { node: from } = services.system;
      const further = { clientId, life, bytes: encodePage(runs), from, epoch, offset: machine.ackedTo, next };
      ask<HomeDone>(home, { type: 'HomeFurther', ...further }, (answer) => {
        if (answer?.isDone !== true || this.#isOver) over();
        // It may have had the first of them already.
        else taken(answer.next === 0 ? next : Math.min(next, answer.next));
      });
    };
    readPage(services.inboxes!, machine, machine.ackedTo, isWanted, (page) => later(() => read(page)));
  }

  /** Nothing of it is wanted any more. */
  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#unsubscribe();
    this.#ports.tellMetadata({ type: 'write', puts: [], deletes: [leftKey(this)], sync: false });
    this.#ports.services.inboxes!.drop(this.#inbox.machine.shard);
    this.#ports.services.system.requestTurn();
    this.#ports.ended(this);
  }
}
