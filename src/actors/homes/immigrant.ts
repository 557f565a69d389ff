/**
 * A session that comes to this node, until it is one here: its subscriptions, and its inbox. From each node it takes what is behind that node's fence. While messages of the former home are still to come, what it takes waits in memory;
 * the former home has it as well, on disk. On reactor 1. Bound: HOMES_HELD_BYTES_MAX.
 */
import { cloneBytes } from '../../base/bytes.ts';
import { HOMES_HELD_BYTES_MAX } from '../../base/limits.ts';
import { CONTROL } from '../../storage/control.ts';
import { parseFilter } from '../../wire/mqtt/topics.ts';
import type { HomeInbox } from '../../wire/schema-types.ts';
import type { Grant } from '../inbox/block.ts';
import { Inbox } from '../inbox/inbox.ts';
import { emptyInboxState } from '../inbox/machine.ts';
import { MARK } from '../inbox/marks.ts';
import type { Delivery, Run, Sink } from '../router/sink.ts';
import type { SubscriptionState } from '../session/messages.ts';
import type { Outgoing } from '../session/outgoing.ts';
import type { SessionServices } from '../session/services.ts';
import { grantOf, runOf } from './page.ts';

const PACKET_IDS = 65_535;

interface Held {
  readonly run: Run;
  readonly grant: Grant;
}

export class Immigrant implements Sink {
  readonly clientId: string;
  readonly inbox: Inbox;
  readonly #services: SessionServices;
  readonly #open = new Set<number>();
  #held: Held[] | null;
  #heldBytes = 0;
  #isOverfull = false;

  /** `state`: of the former home's inbox; null: nothing comes from there. */
  constructor(services: SessionServices, clientId: string, shard: number, state: HomeInbox | null) {
    this.#services = services;
    this.clientId = clientId;
    // Which ids the client still has from a home that is out of reach nobody knows: each is released before it is used.
    const from = state === null ? Math.floor(services.system.random() * PACKET_IDS) : state.ackedTo + state.idShift;
    const idShift = from % PACKET_IDS;
    const unsureTo = state === null ? PACKET_IDS : Math.max(0, state.unsureTo - state.ackedTo);
    this.inbox = new Inbox(services.inboxes!, { ...emptyInboxState(shard), idShift, unsureTo });
    this.#held = state === null ? null : [];
  }

  /** Messages come, from nodes whose fences have passed. */
  subscribe(subscriptions: readonly SubscriptionState[]): void {
    for (const { filter, ...options } of subscriptions) {
      const parsed = parseFilter(filter);
      // What is for a group goes to one member, who is the former home's until the session is here.
      if (parsed !== undefined && parsed.shareGroup === undefined) this.#services.router.subscribe(this, parsed.filter, options);
    }
  }

  passed(node: number): void {
    this.#open.add(node);
  }

  deliver(run: Run, delivery: Delivery): void {
    if (run.qos === 0 || delivery.qos === 0 || !this.#open.has(this.#services.router.origin)) return;
    if (this.#held === null) return this.#services.inboxes!.fanOuts.collect(this.inbox, run, delivery);
    const { subscriptionIds, retainAsPublished, share } = delivery;
    this.#heldBytes += run.end - run.start;
    if (this.#heldBytes > HOMES_HELD_BYTES_MAX) {
      this.#isOverfull = true;
      return;
    }
    const buffer = cloneBytes(run.buffer, run.start, run.end);
    const qos = run.qos < delivery.qos ? run.qos : delivery.qos;
    this.#held.push({
      run: { ...run, publisher: null, buffer, start: 0, end: buffer.length },
      grant: { qos, retainAsPublished, subscriptionIds, share },
    });
  }

  /** More was to be held than there is room for, or could not be written. */
  get hasLost(): boolean {
    return this.#isOverfull || this.inbox.lostMessages > 0;
  }

  deliveryFailed(error: unknown): void {
    throw error;
  }

  /** The next messages that the former home has. */
  take(runs: readonly Outgoing[]): void {
    const { inboxes } = this.#services;
    for (const each of runs) inboxes!.fanOuts.single(this.inbox, runOf(this.#services.router.topics, each)!, grantOf(each));
  }

  /** All has come: what was held goes behind it. Calls `then` when everything is on disk, with where the client is; for what is published from now on its publishers wait, and nobody here. */
  settle(state: HomeInbox | null, inbound: readonly number[], then: () => void): void {
    const inboxes = this.#services.inboxes!;
    for (const { run, grant } of this.#held ?? []) inboxes.fanOuts.single(this.inbox, run, grant);
    this.#held = null;
    inboxes.fanOuts.handOver(); // in front of what is said of it
    const { shard } = this.inbox.machine;
    const mark = (kind: number, value: number): void => void inboxes.control(shard, CONTROL.mark, kind, value);
    if (state !== null) {
      const from = state.ackedTo;
      for (const offset of state.done) mark(MARK.moved, offset - from);
      for (const offset of state.received) mark(MARK.received, offset - from);
      if (state.sentTo > from) mark(MARK.sent, state.sentTo - from);
    }
    for (const packetId of inbound) mark(MARK.inbound, packetId);
    inboxes.whenDurable(then);
  }

  /** It comes to nothing. */
  discard(): void {
    const { router, inboxes } = this.#services;
    router.unsubscribeAll(this);
    inboxes!.drop(this.inbox.machine.shard);
  }
}
