/**
 * A session that leaves this node, from the moment that its client has come elsewhere: it owns the client id and goes on to collect, into the same inbox. What a node publishes behind its fence belongs to the new home; it is
 * collected too, since the move may come to nothing, and its offsets are remembered. On reactor 1, where the streams of all nodes are one. Three ends:
 *
 *   moved    the new home has all: inbox and record go
 *   stay     nobody came: a session again, with everything
 *   left     something may still come here, or the new home has come without this node: left.ts goes on
 */
import { Ranges } from '../../base/ranges.ts';
import type { Actor, ActorContext } from '../../runtime/actor.ts';
import { NOBODY } from '../../runtime/ref.ts';
import { Inbox } from '../inbox/inbox.ts';
import type { Inboxes } from '../inbox/inboxes.ts';
import { emptyInboxState, type InboxMachine } from '../inbox/machine.ts';
import { KEYS, metadataRef, type WriteMetadata } from '../metadata/messages.ts';
import type { Delivery, Run } from '../router/sink.ts';
import { claim, type HeirSink, registryOf, takeOver } from '../session/claim.ts';
import type { SessionMessage, SessionState, SubscriptionState, Surrendered } from '../session/messages.ts';
import { Orphan } from '../session/orphan.ts';
import { SESSION_PROBE } from '../session/probe.ts';
import { sessionKey } from '../session/record.ts';
import { SessionSeed } from '../session/seed.ts';
import type { SessionServices } from '../session/services.ts';
import { membershipStates, subscriptionStates } from '../session/state.ts';
import { IO_CONTINUE } from '../session/transport.ts';
import type { ShareSink } from '../share/member.ts';
import { type InboxPage, readPage } from './pages.ts';

type Context = ActorContext<SessionMessage>;

/** Takes what is published behind a fence. */
class LateInbox extends Inbox {
  readonly #ranges: Ranges;

  constructor(inboxes: Inboxes, { shard, end }: InboxMachine, ranges: Ranges) {
    super(inboxes, { ...emptyInboxState(shard), ackedTo: end, sentTo: end, end });
    this.#ranges = ranges;
  }

  override arrived(base: number, count: number): void {
    super.arrived(base, count, () => {});
    this.#ranges.add(base, base + count);
  }
}

export interface EmigrantTerms {
  readonly clientId: string;
  /** Nothing of the session is wanted any more, and whoever has ended it has published its will. */
  readonly discard: boolean;
  /** It is here, and no client is. `none`: there was no such session; `later`: it does not answer. */
  readonly ready: (emigrant: Emigrant | 'none' | 'later') => void;
}

export class Emigrant implements Actor<SessionMessage>, HeirSink {
  readonly clientId: string;
  readonly #services: SessionServices;
  readonly #terms: EmigrantTerms;
  #ctx!: Context;
  #inbox: Inbox | null = null;
  /** Where what was published behind a fence lies in the inbox. */
  readonly lateRanges: Ranges = new Ranges();
  /** The last one takes what is late now, into the others it is still being written. */
  #lates: readonly LateInbox[] = [];
  #inbound: readonly number[] = [];
  /** Nodes whose fences have come. */
  readonly #passed = new Set<number>();
  /** What to do when more of them have, and when nobody waits for more. */
  #onPassed: () => void = () => {};
  #hurry: () => void = () => {};
  /** Somebody else collects. */
  #isOver = false;
  #isStaying = false;

  constructor(services: SessionServices, terms: EmigrantTerms) {
    this.#services = services;
    this.#terms = terms;
    this.clientId = terms.clientId;
  }

  started(ctx: Context): void {
    this.#ctx = ctx;
    const { clientId, discard, ready } = this.#terms;
    const over = (why: 'none' | 'later'): void => {
      this.#isOver = true;
      this.#finish();
      ready(why);
    };
    claim(
      this.#services,
      ctx,
      clientId,
      (granted) => {
        if (granted === undefined) return over('later');
        if (granted.previous === NOBODY) return over('none');
        takeOver(
          this.#services,
          ctx,
          this,
          { clientId, previous: granted.previous, discard, isMourned: discard },
          (state, left) => {
            if (left?.shard !== undefined && left.isEmptying !== true) this.#services.inboxes!.drop(left.shard);
            if (state === undefined) over('later');
            else if (state === null || !this.#adopt(state)) over('none');
            else ready(this);
          },
        );
      },
      true,
    );
  }

  receive(message: SessionMessage, ctx: Context): void {
    const to = ctx.replyTo();
    // Who claims the client id here now must not begin a session in its place: it may stay.
    if (message.type === 'surrender' && to !== undefined) ctx.respond(to, { kind: 'leaving' } satisfies Surrendered);
    else if (to !== undefined) ctx.respond(to, null);
  }

  onIo(event: number, argument: unknown): void {
    if (event === IO_CONTINUE) (argument as () => void)();
  }

  stopping(): void {
    const { router, shares, exclusive } = this.#services;
    // The node drains: what comes until its end is found by its next life.
    if (this.#isOver) router.unsubscribeAll(this);
    shares.partAll(this);
    exclusive.releaseAll(this);
    this.disown();
  }

  inspect(): unknown {
    return { clientId: this.clientId, passed: [...this.#passed], messages: this.#inbox?.machine.messages };
  }

  // ---- as a sink ----

  deliver(run: Run, delivery: Delivery): void {
    if (run.qos === 0 || delivery.qos === 0) return;
    const { limits, inboxes, system, router } = this.#services;
    // What is for one member of a group the new home has not got.
    const isLate = !this.#isStaying && delivery.share === null && this.#passed.has(router.origin);
    const inbox = isLate ? this.#lates.at(-1) : this.#inbox;
    if (inbox == null) return;
    const bounds = { messagesMax: limits.queueMessagesMax, bytesMax: limits.queueBytesMax };
    if (inbox.machine.isFull(bounds)) system.slots[SESSION_PROBE.slot.droppedQueueFull]! += run.count;
    else if (delivery.share === null) inboxes!.fanOuts.collect(inbox, run, delivery);
    else inboxes!.fanOuts.single(inbox, run, delivery);
  }

  deliveryFailed(error: unknown): void {
    this.#ctx.io(IO_CONTINUE, () => {
      throw error;
    });
  }

  inherits(shard: number): void {
    this.#inbox = new Inbox(this.#services.inboxes!, emptyInboxState(shard));
    this.#inbox.isHeld = true;
  }

  returnShared(): void {}

  release(): void {}

  // ---- for the homes actor ----

  get subscriptions(): SubscriptionState[] {
    const { router, exclusive, shares } = this.#services;
    return [
      ...subscriptionStates(router.subscriptionsOf(this), exclusive.filtersOf(this)),
      ...membershipStates(shares.membersOf(this)),
    ];
  }

  get inbox(): Inbox {
    return this.#inbox!;
  }

  get passedNodes(): number[] {
    return [...this.#passed];
  }

  get inbound(): readonly number[] {
    return this.#inbound;
  }

  /** From here on what that node publishes is the new home's. */
  passed(node: number): void {
    if (this.#passed.has(node)) return;
    this.#services.inboxes!.fanOuts.handOver(); // order, should it come to nothing
    this.#passed.add(node);
    this.#onPassed();
  }

  /**
   * Calls `then` when the fences of the nodes that are `waited` for have come, or nobody waits any longer, and what is before them is on disk: with where that ends, and whether it is all there will be, since the fences of `all` have
   * come.
   */
  close(waited: readonly number[], all: readonly number[], then: (end: number, isWhole: boolean) => void): void {
    const hurry = (): void => {
      this.#hurry = () => {};
      this.#onPassed = () => {};
      const isWhole = all.every((node) => this.#passed.has(node));
      // Whose messages for the group are still on their way here, they are for the member here.
      if (isWhole) this.#services.shares.partAll(this);
      const written = (): void => this.#whenDurable(() => then(this.inbox.machine.end, isWhole));
      this.inbox.whenWritten(() => this.whenLateWritten(written));
    };
    const look = (): void => {
      if (waited.every((node) => this.#passed.has(node))) hurry();
    };
    this.#onPassed = look;
    this.#hurry = hurry;
    look();
  }

  /** Closes with the fences that there are. */
  hurry(): void {
    this.#hurry();
  }

  /** Calls `then` with messages from `offset` on that are not the new home's own, as many as a page has; undefined: they cannot be read. */
  page(offset: number, then: (page: InboxPage | undefined) => void): void {
    readPage(this.#services.inboxes!, this.inbox.machine, offset, (each) => !this.lateRanges.has(each), then);
  }

  /** The client id is nobody's here: its session is elsewhere. */
  disown(): void {
    const release = { type: 'release', clientId: this.clientId, session: this.#ctx.self } as const;
    this.#ctx.tell(registryOf(this.#services, this.clientId), release);
  }

  /** `heir` goes on to collect, into the same inbox. */
  bequeath(heir: ShareSink): void {
    const { router, shares } = this.#services;
    this.#isOver = true;
    router.moveSink(this, heir);
    shares.move(this, heir);
    this.#finish();
  }

  /** The session is elsewhere, and nothing of what was here is wanted any more. */
  drop(): void {
    if (this.#isOver || this.#isStaying) return;
    this.#isOver = true;
    const deletes = [sessionKey(this.clientId), KEYS.home + this.clientId];
    const write: WriteMetadata = { type: 'write', puts: [], deletes, sync: false };
    this.#ctx.tell(metadataRef(this.#services.system), write);
    this.#services.inboxes!.drop(this.inbox.machine.shard);
    this.#finish();
  }

  /** Nobody has taken it: it is a session again. */
  stay(then: () => void): void {
    if (this.#isOver || this.#isStaying) return;
    this.#isStaying = true;
    this.#services.inboxes!.fanOuts.handOver();
    const written = (): void => {
      this.#isOver = true;
      this.inbox.reaches(this.lateRanges.end);
      const seed = new SessionSeed(this.#services, null);
      seed.leave(new Orphan(this.#services, this, this.clientId, this.inbox, this.#ctx.self, then));
      this.#services.system.spawn<SessionMessage>(() => seed.make(), { name: 'session' });
      this.#finish();
    };
    this.whenLateWritten(() => this.#whenDurable(written));
  }

  /** Calls `then` when it is known where all lies that has been late by now; what is from now on nobody waits for. */
  whenLateWritten(then: () => void): void {
    const before = this.#lates.filter(({ machine }) => machine.staged > 0);
    this.#lates = [...before, this.#lateFor(this.inbox)];
    let waiting = before.length + 1;
    const done = (): void => {
      if (--waiting === 0) then();
    };
    for (const late of before) late.whenWritten(done);
    done();
  }

  #adopt({ inbox: theirs, machine }: SessionState): boolean {
    const inboxes = this.#services.inboxes!;
    if (theirs === undefined) return false;
    if (theirs instanceof Inbox) this.#inbox = theirs;
    else if (this.#inbox === null) this.#inbox = new Inbox(inboxes, theirs);
    else this.#inbox.release(theirs);
    this.#lates = [this.#lateFor(this.#inbox)];
    this.#inbound = machine.inbound;
    return true;
  }

  #lateFor({ machine }: Inbox): LateInbox {
    return new LateInbox(this.#services.inboxes!, machine, this.lateRanges);
  }

  #whenDurable(then: () => void): void {
    this.#services.inboxes!.whenDurable(() => this.#ctx.io(IO_CONTINUE, then));
  }

  #finish(): void {
    this.#ctx.stop();
  }
}
