/**
 * A session on its way from one reactor to another: every message reaches it exactly once and in order, whatever is published meanwhile.
 *
 *      heir                                   former owner                      every reactor P
 *        | surrender ─────────────────────────────▶ | disconnects its client
 *        | ◀──────────────────────── subscriptions  | collects from all
 *        | subscribes; drops all                    |
 *        | (every reactor knows)                    |
 *        | fence? ─────────────────────────────────────────────────────────────▶ |
 *        | yield? ─────────────────────────────────▶ |                            |
 *        | ◀──────────────────────────────────────────────────────────── fence P  |  to both, between two publishes
 *        | queues what P sends from now on           | drops what P sends from now on
 *        | ◀────────────────────────────────── state | has the fences of all
 *        | has the fences of all: goes on
 *
 * From the moment that every reactor knows the heir's subscriptions each publish reaches both. P's fence (see router/fences.ts) lies at the same place of
 * both streams, so what is before it belongs to the former owner and what is after it to the heir; and the former owner's part is put in front.
 *
 * While it lasts the subscriptions belong to a gate instead of the session, so nothing is looked at when no takeover is under way.
 */
import { type ActorRef, threadOf } from '../../runtime/ref.ts';
import { parseFilter } from '../../wire/mqtt/topics.ts';
import type { Router } from '../router/router.ts';
import type { Delivery, Run, Sink } from '../router/sink.ts';
import type { SessionMessage, SubscriptionState } from './messages.ts';
import type { SessionServices } from './services.ts';
import { membershipStates, subscriptionStates } from './state.ts';

/** A sink that passes on what certain reactors have published. */
class Gate implements Sink {
  readonly #router: Router;
  readonly #sink: Sink;
  /** Bit `thread - 1` for each reactor whose messages pass. */
  #passing: number;

  constructor(router: Router, sink: Sink, passing: number) {
    this.#router = router;
    this.#sink = sink;
    this.#passing = passing;
  }

  toggle(thread: number): void {
    this.#passing ^= 1 << (thread - 1);
  }

  deliver(run: Run, delivery: Delivery): void {
    if (((this.#passing >>> (this.#router.source - 1)) & 1) !== 0) this.#sink.deliver(run, delivery);
  }

  deliveryFailed(error: unknown): void {
    this.#sink.deliveryFailed(error);
  }
}

/** The former owner's side. */
export class Bequest {
  readonly subscriptions: readonly SubscriptionState[];
  readonly #services: SessionServices;
  readonly #owner: Sink;
  readonly #heir: ActorRef<SessionMessage>;
  readonly #gate: Gate;
  #isComplete = false;
  #then: (() => void) | null = null;

  constructor(services: SessionServices, owner: Sink, heir: ActorRef<SessionMessage>) {
    const { router, fences } = services;
    this.#services = services;
    this.#owner = owner;
    this.#heir = heir;
    this.#gate = new Gate(router, owner, -1);
    router.moveSink(owner, this.#gate);
    // Its memberships stay: what falls to them meanwhile is handed over with the rest.
    this.subscriptions = [
      ...subscriptionStates(router.subscriptionsOf(this.#gate), services.exclusive.filtersOf(owner)),
      ...membershipStates(services.shares.membersOf(owner)),
    ];
    fences.expect(heir, (thread, missing) => {
      this.#gate.toggle(thread);
      this.#isComplete = missing === 0;
      if (this.#isComplete) this.#then?.();
    });
  }

  /** Calls `then` when nothing more will be collected. */
  whenComplete(then: () => void): void {
    if (this.#isComplete) then();
    else this.#then = then;
  }

  /** Nobody has come for it: the owner collects from all again. */
  giveUp(): void {
    const { router, fences, shares } = this.#services;
    fences.forget(this.#heir);
    router.moveSink(this.#gate, this.#owner);
    if (shares.count(this.#owner) > 0) return;
    for (const { filter, ...options } of this.subscriptions) {
      const { shareGroup, filter: shared } = parseFilter(filter)!;
      if (shareGroup !== undefined) shares.join(this.#owner, shareGroup, shared, options, false);
    }
  }

  /** Done. */
  end(): void {
    this.#services.fences.forget(this.#heir);
    this.#services.router.unsubscribeAll(this.#gate);
  }
}

/** The heir's side. */
export class Inheritance {
  readonly #services: SessionServices;
  readonly #heir: Sink;
  readonly #self: ActorRef<SessionMessage>;
  readonly #gate: Gate;
  #isEntered = false;
  readonly #exclusive: string[] = [];

  constructor(
    services: SessionServices,
    heir: Sink,
    self: ActorRef<SessionMessage>,
    subscriptions: readonly SubscriptionState[],
  ) {
    this.#services = services;
    this.#heir = heir;
    this.#self = self;
    this.#gate = new Gate(services.router, heir, 0);
    for (const { filter, ...options } of subscriptions) {
      const parsed = parseFilter(filter)!;
      // A message for a group goes to one member alone, so there are no streams to part.
      if (parsed.shareGroup !== undefined) services.shares.join(heir, parsed.shareGroup, parsed.filter, options, false);
      else services.router.subscribe(this.#gate, parsed.filter, options);
      if (parsed.isExclusive) this.#exclusive.push(parsed.filter);
    }
  }

  /** Parts the streams; to be called when every reactor knows the subscriptions. Calls `then` when all are parted. */
  part(former: ActorRef<SessionMessage>, then: () => void): void {
    this.#services.fences.request(this.#self, threadOf(former), (thread, missing) => {
      this.#gate.toggle(thread);
      if (missing === 0) then();
    });
  }

  /** The subscriptions are the heir's own from now on. */
  enter(): void {
    this.#services.router.moveSink(this.#gate, this.#heir);
    const { clientId } = this.#heir;
    if (clientId !== undefined) this.#services.exclusive.adopt(this.#heir, clientId, this.#self, this.#exclusive);
    this.#isEntered = true;
    this.end();
  }

  end(): void {
    this.#services.fences.forget(this.#self);
    this.#services.router.unsubscribeAll(this.#gate);
    if (!this.#isEntered) this.#services.shares.partAll(this.#heir);
  }
}
