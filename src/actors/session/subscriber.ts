/**
 * Subscribing: grants filters, waits until every reactor knows of them before the SUBACK leaves, and then feeds the retained messages that the
 * filters match, a chunk at a time and only as fast as the client takes them.
 */
import { RETAINED_ANSWER_TIMEOUT_MS, RETAINED_CHUNK_BYTES } from '../../base/limits.ts';
import type { ActorContext } from '../../runtime/actor.ts';
import { wellKnownRef } from '../../runtime/ref.ts';
import type { Qos } from '../../wire/mqtt/constants.ts';
import type { SubscribeEntry, SubscribePacket } from '../../wire/mqtt/packets.ts';
import { packetTopic } from '../../wire/mqtt/publish-run.ts';
import { Reason } from '../../wire/mqtt/reason-codes.ts';
import { parseFilter } from '../../wire/mqtt/topics.ts';
import { type RetainedAnswer, type RetainedMatch, type RetainedPacket, retainedHomes } from '../retained/messages.ts';
import { hasWildcard } from '../router/filter-match.ts';
import type { Delivery, Run } from '../router/sink.ts';
import type { ShareSink } from '../share/member.ts';
import { WELL_KNOWN } from '../well-known.ts';
import type { Refusals } from './exclusive.ts';
import type { SessionMessage } from './messages.ts';
import { SESSION_PROBE } from './probe.ts';
import type { SessionServices } from './services.ts';

/** A lookup of retained messages that is under way: where it goes on, and how its messages are delivered. */
interface Lookup {
  readonly filter: string;
  readonly delivery: Delivery;
  /** Reactors still to ask, the current one first. */
  readonly homes: number[];
  cursor: string | undefined;
}

/** What is asked for, by a packet or otherwise. */
export type SubscribeRequest = Pick<SubscribePacket, 'entries' | 'subscriptionId'>;

const NONE_REFUSED: Refusals = new Map();

/** The session that subscribes. */
export interface SubscribingSink extends ShareSink {
  /** It has left the shared subscription: what waits in its name goes to another member. */
  returnShared(key: string): void;
}

export class Subscriber {
  readonly #services: SessionServices;
  readonly #sink: SubscribingSink;
  /** By filter, in the order of the subscriptions: a filter that is subscribed again is looked up once more, from the start. */
  readonly #lookups = new Map<string, Lookup>();
  #asking = false;

  constructor(services: SessionServices, sink: SubscribingSink) {
    this.#services = services;
    this.#sink = sink;
  }

  /** Subscribes to each entry that is allowed and not refused, and returns the reason codes of all for the SUBACK [MQTT-3.9.3-1]. `allowed`: null for all. */
  subscribe(packet: SubscribeRequest, allowed: readonly boolean[] | null, refusals: Refusals = NONE_REFUSED): number[] {
    const { slots } = this.#services.system;
    return packet.entries.map((entry, index) => {
      const refusal = refusals.get(entry.filter);
      if (refusal !== undefined) {
        // Somebody else has it: it is not this client's any more, though nobody had come to say so yet.
        if (refusal === Reason.QUOTA_EXCEEDED) this.#revoke(entry.filter);
        return refusal;
      }
      if (allowed === null || allowed[index] === true) return this.#grant(entry, packet.subscriptionId ?? 0);
      slots[SESSION_PROBE.slot.subscriptionsDenied]! += 1;
      return Reason.NOT_AUTHORIZED;
    });
  }

  /** Unsubscribes from each filter and returns its reason code for the UNSUBACK [MQTT-3.11.3-1]. */
  unsubscribe(filters: readonly string[]): number[] {
    return filters.map((filter) => (this.#revoke(filter) ? Reason.SUCCESS : Reason.NO_SUBSCRIPTION_EXISTED));
  }

  get count(): number {
    return this.#services.router.subscriptionCount(this.#sink) + this.#services.shares.count(this.#sink);
  }

  /** No retained message is sent any more. */
  stop(): void {
    this.#lookups.clear();
  }

  /** Goes on with the retained messages if the client has room for more. */
  feed(ctx: ActorContext<SessionMessage>, hasRoom: () => boolean): void {
    if (this.#asking || this.#lookups.size === 0 || !hasRoom()) return;
    const lookup = this.#next()!;
    const { node } = this.#services.system;
    const home = wellKnownRef<RetainedMatch>(node, lookup.homes[0]!, WELL_KNOWN.retained);
    const { filter, cursor } = lookup;
    const request: RetainedMatch = {
      type: 'match',
      filter,
      bytesMax: RETAINED_CHUNK_BYTES,
      ...(cursor === undefined ? {} : { cursor }),
    };
    this.#asking = true;
    ctx.ask<RetainedMatch, RetainedAnswer>(home, request, RETAINED_ANSWER_TIMEOUT_MS, (answer) => {
      this.#asking = false;
      if (this.#next() !== lookup) return this.feed(ctx, hasRoom);
      for (const stored of answer?.packets ?? []) this.#deliver(stored, lookup.delivery);
      // A reactor that does not answer has died, and its messages with it: the others are still asked.
      lookup.cursor = answer?.cursor;
      if (lookup.cursor === undefined) lookup.homes.shift();
      if (lookup.homes.length === 0) this.#lookups.delete(lookup.filter);
      this.feed(ctx, hasRoom);
    });
  }

  #next(): Lookup | undefined {
    for (const lookup of this.#lookups.values()) return lookup;
    return undefined;
  }

  #grant(entry: SubscribeEntry, subscriptionId: number): number {
    const { router, shares, limits } = this.#services;
    const parsed = parseFilter(entry.filter);
    if (parsed === undefined) return Reason.TOPIC_FILTER_INVALID;
    const { shareGroup } = parsed;
    const { offer } = limits;
    if (parsed.levels.length > limits.topicLevelsMax) return Reason.TOPIC_FILTER_INVALID;
    if (shareGroup !== undefined && !offer.shared) return Reason.SHARED_SUBSCRIPTIONS_NOT_SUPPORTED;
    if (!offer.wildcards && hasWildcard(parsed.filter)) return Reason.WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED;
    if (subscriptionId !== 0 && !offer.subscriptionIds) return Reason.SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED;
    const known =
      shareGroup === undefined
        ? router.find(this.#sink, parsed.filter) !== undefined
        : shares.has(this.#sink, shareGroup, parsed.filter);
    if (!known && this.count >= limits.subscriptionsMax) {
      if (parsed.isExclusive) this.#services.exclusive.release(this.#sink, parsed.filter);
      return Reason.QUOTA_EXCEEDED;
    }
    const { noLocal, retainAsPublished } = entry;
    const qos = (entry.qos < offer.qosMax ? entry.qos : offer.qosMax) as Qos; // [MQTT-3.2.2-10]
    if (shareGroup !== undefined) {
      // No retained messages (section 4.8.2): nobody knows whose they would be.
      shares.join(this.#sink, shareGroup, parsed.filter, { qos, retainAsPublished, subscriptionId }, true);
      return qos;
    }
    router.subscribe(this.#sink, parsed.filter, { qos, noLocal, retainAsPublished, subscriptionId });
    if (offer.retain && (entry.retainHandling === 0 || (entry.retainHandling === 1 && !known))) {
      this.#lookups.set(parsed.filter, {
        filter: parsed.filter,
        // Retained messages are sent with RETAIN, whatever "retain as published" says [MQTT-3.3.1-8].
        delivery: {
          sink: this.#sink,
          qos,
          noLocal: false,
          retainAsPublished: true,
          subscriptionIds: subscriptionId === 0 ? null : [subscriptionId],
          share: null,
        },
        homes: retainedHomes(parsed.filter, this.#services.system.reactors),
        cursor: undefined,
      });
    }
    return qos;
  }

  /** No retained message is sent for the filter any more [MQTT-3.10.4-2]; what waits for the client in a group's name goes to another member. */
  #revoke(filter: string): boolean {
    const { router, shares } = this.#services;
    const parsed = parseFilter(filter);
    if (parsed === undefined) return false;
    if (parsed.shareGroup === undefined) {
      const { exclusive } = this.#services;
      if (exclusive.has(this.#sink, parsed.filter) !== (parsed.isExclusive === true)) return false;
      if (parsed.isExclusive) exclusive.release(this.#sink, parsed.filter);
      this.#lookups.delete(parsed.filter);
      return router.unsubscribe(this.#sink, parsed.filter);
    }
    if (!shares.part(this.#sink, parsed.shareGroup, parsed.filter)) return false;
    this.#sink.returnShared(`${parsed.shareGroup}/${parsed.filter}`);
    return true;
  }

  #deliver(stored: RetainedPacket, delivery: Delivery): void {
    const { packet, dialect, expiresAt } = stored;
    const bytes = packetTopic(packet, 0);
    const topic = this.#services.router.topics.intern(packet, bytes.start, bytes.end);
    if (topic === undefined) return;
    if (this.#services.access.options.checksDeliveries && this.#sink.mayReceive?.(topic.name) === false) return;
    const run: Run = {
      topic,
      publisher: null,
      dialect,
      qos: ((packet[0]! >> 1) & 3) as Qos,
      retain: true,
      count: 1,
      buffer: packet,
      start: 0,
      end: packet.length,
      expiresAt,
    };
    this.#sink.deliver(run, delivery);
  }
}
