/**
 * Who gets a message: the subscriptions of one reactor's clients, the filters of the other reactors, and what both mean for each topic. One per
 * reactor, owned by its thread; plain data, no I/O. The router actor keeps the interest of the others up to date.
 *
 *   PUBLISH bytes ── topics.intern ──> Topic ── route ──> deliveries (local sinks) + interest (mask of other reactors)
 *                                        \____ cached on the topic, valid while topic.version === the router's version
 *
 * Why it looks like that: a repeated PUBLISH must cost one comparison here. So a result is cached on the interned topic and invalidated, not looked
 * up again: a filter without wildcards touches the one topic it names, a wildcard filter raises the version and so drops all results at once.
 * Subscribing is O(levels) whatever the number of subscribers of a filter and of filters of a subscriber; the price of a change is paid by the
 * next publish of each topic, one match (2 µs at the median and 7 µs at p99 among 200,000 wildcard filters, spec/actors/measure.ts).
 *
 * Bounds: topics by TOPICS_INTERNED_MAX, results by DELIVERIES_CACHED_MAX; subscriptions by the sessions' own limit per client.
 */

import { assert } from '../../base/assert.ts';
import { DELIVERIES_CACHED_MAX, TOPICS_INTERNED_MAX } from '../../base/limits.ts';
import type { FanOuts } from '../inbox/fan-outs.ts';
import { hasWildcard } from './filter-match.ts';
import { FilterTrie } from './filter-trie.ts';
import { InterestMachine } from './interest-machine.ts';
import { ROUTER_PROBE } from './probe.ts';
import type { Deliveries, Delivery, Run, Sink, SubscribeOptions } from './sink.ts';
import { allOf, Group, type Holder, mergeHolders, Owner, Subscription } from './subscription.ts';
import { TOPIC_STALE, type Topic, TopicTable } from './topic-table.ts';

export interface RouterOptions {
  /** Default 0. */
  readonly node?: number;
  readonly thread: number;
  readonly reactors: number;
  readonly incarnation: number;
  /** The thread's counters. */
  readonly slots: Float64Array;
  /** Any 32-bit integer, best one that clients cannot guess. */
  readonly seed: number;
  /** Asks each sink whether it may get a topic, when it is found to match. */
  readonly checksDeliveries?: boolean;
  /** Default TOPICS_INTERNED_MAX. */
  readonly topicsMax?: number;
  /** Names with more are not valid. Default MQTT_TOPIC_LEVELS_MAX. */
  readonly topicLevelsMax?: number;
  /** A client gets a message once, or once for each of its subscriptions that match. Default 'merge'. */
  readonly overlap?: 'merge' | 'separate';
}

const NO_DELIVERIES: Deliveries = [];
/** Entries that the object of an array weighs in the cache's bound. */
const ARRAY_WEIGHT = 4;
const slot = ROUTER_PROBE.slot;

export class Router {
  readonly topics: TopicTable;
  readonly interest: InterestMachine;
  /** The reactor whose publishes are being delivered: this one, except while a run of another is. */
  source: number;
  /** What is being delivered was published on another node. */
  isRelayed = false;
  /** The node whose publishes are being delivered; on the thread that accepts them. */
  origin: number;
  /** Gathers what is for persistent sessions; null when none are kept. */
  fanOuts: FanOuts | null = null;
  readonly #filters = new FilterTrie<Holder>((holder) => holder.filter);
  /** Of shared subscriptions, which other reactors do not send messages for: their publishers' reactors choose the receivers. */
  readonly #shared = new FilterTrie<Holder>((holder) => holder.filter);
  /** A sink keeps its entry, null without subscriptions, until it is done: see base/steady-map.ts on keys that come and go. */
  readonly #sinks = new Map<Sink, Subscription | Owner | null>();
  readonly #slots: Float64Array;
  readonly #found: Holder[] = [];
  readonly #merges: boolean;
  #version = TOPIC_STALE + 1;
  #stamp = 0;
  #subscriptions = 0;
  #wake: () => void = () => {};
  /** Null for a node by itself. */
  #onFilters: ((filter: string | undefined) => void) | null = null;
  readonly #checksDeliveries: boolean;

  constructor(options: RouterOptions) {
    this.#slots = options.slots;
    this.source = options.thread;
    this.origin = options.node ?? 0;
    this.topics = new TopicTable(options.topicsMax ?? TOPICS_INTERNED_MAX, options.seed, options.topicLevelsMax);
    this.#merges = options.overlap !== 'separate';
    this.#checksDeliveries = options.checksDeliveries === true;
    this.interest = new InterestMachine({
      thread: options.thread,
      reactors: options.reactors,
      incarnation: options.incarnation,
      local: this.#filters,
      changed: (filter) => {
        this.#invalidate(filter);
        this.#onFilters?.(filter);
      },
      wake: () => this.#wake(),
    });
  }

  /** The local deliveries of a topic, a snapshot; `topic.interest` is up to date afterwards. */
  route(topic: Topic): Deliveries {
    return topic.version === this.#version ? topic.deliveries! : this.#refresh(topic);
  }

  /** Hands a run to the local sinks that want it, except those that want nothing of their own. Returns how many got it. */
  deliverLocal(run: Run): number {
    const { topic } = run;
    const { fanOuts } = this;
    if (fanOuts !== null) fanOuts.begin();
    let delivered = 0;
    if (topic.version === this.#version && topic.only !== null) {
      delivered = deliver(run, topic.only);
    } else {
      const deliveries = this.route(topic);
      for (let i = 0; i < deliveries.length; i++) delivered += deliver(run, deliveries[i]!);
    }
    if (fanOuts !== null) fanOuts.end(run);
    return delivered;
  }

  /** Adds a subscription, or changes the one of the same sink and filter [MQTT-3.8.4-3]. The filter is well formed and has no `$share` prefix. */
  subscribe(sink: Sink, filter: string, options: SubscribeOptions): { subscription: Subscription; isNew: boolean } {
    this.fanOuts?.handOver(); // what has been published so far went to those who were there
    const existing = this.find(sink, filter);
    if (existing !== undefined) {
      existing.change(options);
      this.#invalidate(filter);
      return { subscription: existing, isNew: false };
    }
    const holder = this.#filters.get(filter);
    // One string for all subscribers of a filter.
    const subscription = new Subscription(sink, holder?.filter ?? filter, options);
    this.#addToSink(subscription);
    this.#addToFilter(subscription, holder);
    this.#invalidate(filter);
    this.#onFilters?.(filter);
    this.#slots[slot.subscriptions] = ++this.#subscriptions;
    return { subscription, isNew: true };
  }

  /** False when there is no such subscription. */
  unsubscribe(sink: Sink, filter: string): boolean {
    const subscription = this.find(sink, filter);
    if (subscription === undefined) return false;
    this.#remove(subscription);
    return true;
  }

  /** Also forgets the sink: to be called when it is done. */
  unsubscribeAll(sink: Sink): void {
    for (const subscription of [...this.subscriptionsOf(sink)]) this.#remove(subscription);
    this.#sinks.delete(sink);
  }

  find(sink: Sink, filter: string): Subscription | undefined {
    const mine = this.#sinks.get(sink);
    if (mine instanceof Owner) return mine.find(filter);
    return mine?.filter === filter ? mine : undefined;
  }

  subscriptionsOf(sink: Sink): Iterable<Subscription> {
    const mine = this.#sinks.get(sink);
    if (mine === undefined || mine === null) return [];
    return mine instanceof Owner ? mine.values() : [mine];
  }

  subscriptionCount(sink: Sink): number {
    const mine = this.#sinks.get(sink);
    return mine instanceof Owner ? mine.size : mine instanceof Subscription ? 1 : 0;
  }

  /** Gives all subscriptions of one sink to another that has none. No message is missed and none is doubled. */
  moveSink(from: Sink, to: Sink): void {
    const mine = this.#sinks.get(from);
    if (mine === undefined || from === to) return;
    this.fanOuts?.handOver();
    assert(this.subscriptionCount(to) === 0, 'only a sink without subscriptions takes over those of another');
    this.#sinks.delete(from);
    this.#sinks.set(to, mine);
    let wildcard = false;
    for (const subscription of this.subscriptionsOf(to)) {
      subscription.sink = to;
      wildcard ||= hasWildcard(subscription.filter);
    }
    // Cached deliveries are the subscriptions themselves, except merged ones; those need two filters, one of them with a wildcard.
    // And whether the new one may get what the former one got is to be asked again.
    if ((wildcard && mine instanceof Owner) || this.#checksDeliveries) this.#invalidate(undefined);
  }

  /** Who may get what has changed. */
  permissionsChanged(): void {
    this.#invalidate(undefined);
  }

  /** Lets the sink have the messages of the topics that match, but without interest: other reactors do not learn of it. */
  addShared(subscription: Subscription): void {
    const holder = this.#shared.get(subscription.filter);
    if (holder instanceof Group) holder.add(subscription);
    else this.#shared.set(holder === undefined ? subscription : new Group(holder, subscription));
    this.#invalidate(subscription.filter);
  }

  removeShared(subscription: Subscription): void {
    const holder = this.#shared.get(subscription.filter);
    assert(holder !== undefined, 'only what was added is removed');
    if (!(holder instanceof Group)) this.#shared.delete(subscription.filter);
    else {
      holder.remove(subscription);
      if (holder.size === 1) this.#shared.set(holder.members[0]!);
    }
    this.#invalidate(subscription.filter);
  }

  /** Calls `then` when a client of this node has subscribed to a filter or does so no more, here or on another reactor; undefined: any filter may be meant. */
  onFilters(then: (filter: string | undefined) => void): void {
    this.#onFilters = then;
  }

  /** Whether a client of this node, on whichever reactor, has subscribed to the filter, as far as this one knows. */
  isWantedByClients(filter: string): boolean {
    const holder = this.#filters.get(filter);
    const members = holder === undefined ? [] : holder instanceof Group ? holder.members : [holder];
    return members.some(({ sink }) => sink.isRelay !== true) || this.interest.isKnown(filter);
  }

  /** Filters of this reactor and of the others, some of them twice. */
  *knownFilters(): Generator<string> {
    yield* this.#filters.filters();
    yield* this.interest.known();
  }

  /** See `InterestMachine.whenApplied`: the moment at which a subscription may be acknowledged. */
  whenInterestApplied(then: () => void): void {
    this.interest.whenApplied(then);
  }

  /** Called when the interest machine has something to send; the router actor listens. */
  onWake(wake: () => void): void {
    this.#wake = wake;
  }

  /** Brings the gauges up to date; cheap, once in a while is enough. */
  report(): void {
    const slots = this.#slots;
    slots[slot.filters] = this.#filters.size;
    slots[slot.topics] = this.topics.size;
    slots[slot.topicEvictions] = this.topics.evictions;
    slots[slot.interestFilters] = this.interest.filtersKnown;
    slots[slot.interestRetries] = this.interest.retries;
    slots[slot.interestFullSyncs] = this.interest.fullSyncs;
    slots[slot.interestWaitsGivenUp] = this.interest.waitsGivenUp;
  }

  inspect(): unknown {
    return {
      subscriptions: this.#subscriptions,
      filters: this.#filters.size,
      sinks: this.#sinks.size,
      topics: this.topics.size,
      cachedDeliveries: this.topics.weight,
      interest: this.interest.inspect(),
    };
  }

  #refresh(topic: Topic): Deliveries {
    if (!topic.live) {
      const resident = this.topics.adopt(topic);
      if (resident !== topic) {
        const deliveries = this.route(resident);
        topic.interest = resident.interest;
        return deliveries;
      }
    }
    this.#slots[slot.routeMisses]!++;
    const found = this.#found;
    found.length = 0;
    this.#filters.match(topic.name, found);
    if (this.#shared.size > 0) this.#shared.match(topic.name, found);
    const matching = this.#deliveriesOf(found);
    const deliveries = this.#checksDeliveries ? permitted(matching, topic.name) : matching;
    const isShared = deliveries === NO_DELIVERIES || (deliveries === matching && found.length === 1 && found[0] instanceof Group);
    const weight = isShared ? 0 : deliveries.length + ARRAY_WEIGHT;
    if (this.topics.weight - topic.weight + weight > DELIVERIES_CACHED_MAX) this.#dropCaches();
    this.topics.weight += weight - topic.weight;
    topic.weight = weight;
    topic.deliveries = deliveries;
    topic.only = deliveries.length === 1 ? deliveries[0]! : null;
    topic.interest = this.interest.interestIn(topic.name);
    topic.version = this.#version;
    return deliveries;
  }

  #deliveriesOf(found: readonly Holder[]): Deliveries {
    if (found.length === 0) return NO_DELIVERIES;
    if (found.length > 1) return this.#merges ? mergeHolders(found, ++this.#stamp) : oncePerRelay(allOf(found));
    const holder = found[0]!;
    return holder instanceof Group ? holder.share() : [holder];
  }

  #dropCaches(): void {
    this.topics.clearCaches();
    this.#slots[slot.cacheDrops]!++;
  }

  /** Undefined: whatever any topic means may have changed. */
  #invalidate(filter: string | undefined): void {
    if (filter === undefined || hasWildcard(filter)) {
      this.#version++;
    } else {
      const topic = this.topics.find(filter);
      if (topic !== undefined) topic.version = TOPIC_STALE;
    }
  }

  #addToSink(subscription: Subscription): void {
    const mine = this.#sinks.get(subscription.sink);
    if (mine === undefined || mine === null) this.#sinks.set(subscription.sink, subscription);
    else if (mine instanceof Owner) mine.add(subscription);
    else {
      const owner = new Owner(mine);
      owner.add(subscription);
      this.#sinks.set(subscription.sink, owner);
    }
  }

  #addToFilter(subscription: Subscription, holder: Holder | undefined): void {
    if (holder === undefined) {
      this.#filters.set(subscription);
      this.interest.filterChanged(subscription.filter);
    } else if (holder instanceof Group) {
      holder.add(subscription);
    } else {
      this.#filters.set(new Group(holder, subscription));
    }
  }

  #remove(subscription: Subscription): void {
    this.fanOuts?.handOver(); // what has been published so far went to those who were there
    const { sink, filter } = subscription;
    const mine = this.#sinks.get(sink);
    assert(mine instanceof Owner || mine === subscription, 'a subscription belongs to its sink');
    if (mine instanceof Owner) mine.remove(subscription);
    else this.#sinks.set(sink, null);
    const holder = this.#filters.get(filter);
    assert(holder !== undefined, 'a subscription belongs to its filter');
    if (!(holder instanceof Group)) {
      this.#filters.delete(filter);
      this.interest.filterChanged(filter);
    } else {
      holder.remove(subscription);
      if (holder.size === 1) this.#filters.set(holder.members[0]!);
    }
    this.#invalidate(filter);
    this.#onFilters?.(filter);
    this.#slots[slot.subscriptions] = --this.#subscriptions;
  }
}

/** Returns how many got it: 0 or 1. */
function deliver(run: Run, delivery: Delivery): number {
  const { sink } = delivery;
  if (delivery.noLocal && sink === run.publisher) return 0; // [MQTT-3.8.3-3]
  try {
    sink.deliver(run, delivery);
    return 1;
  } catch (error) {
    sink.deliveryFailed(error);
    return 0;
  }
}

/** Another node gets a message once. */
function oncePerRelay(deliveries: Deliveries): Deliveries {
  const relays = new Set<Sink>();
  return deliveries.filter(({ sink }) => {
    if (sink.isRelay !== true) return true;
    const isFirst = !relays.has(sink);
    relays.add(sink);
    return isFirst;
  });
}

/** Those whose sinks may get the topic; the same array when all may. */
function permitted(deliveries: Deliveries, topic: string): Deliveries {
  const kept = deliveries.filter(({ sink }) => sink.mayReceive?.(topic) !== false);
  return kept.length === deliveries.length ? deliveries : kept;
}
