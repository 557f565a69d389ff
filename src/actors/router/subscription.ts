/**
 * Subscriptions as the router keeps them. A million of them is a normal number, so:
 *  - a subscription is itself the delivery of the topics that only it matches; nothing is built for those but the list;
 *  - the value of a filter is its only subscription, or a `Group` when there are more;
 *  - a sink with one subscription has no record of its own, only those with more have an `Owner`.
 */
import { SteadyMap } from '../../base/steady-map.ts';
import type { Qos } from '../../wire/mqtt/constants.ts';
import type { Delivery, Sink, SubscribeOptions } from './sink.ts';

/** Subscriptions of one sink above which they are found by hash. */
const OWNER_LIST_MAX = 8;

export class Subscription implements Delivery {
  sink: Sink;
  readonly filter: string;
  qos: Qos;
  noLocal: boolean;
  retainAsPublished: boolean;
  subscriptionIds: readonly number[] | null;
  /** Null while it is the sink's only subscription. */
  owner: Owner | null = null;
  /** Place in its group's members. */
  index = 0;

  constructor(sink: Sink, filter: string, options: SubscribeOptions) {
    this.sink = sink;
    this.filter = filter;
    this.qos = options.qos;
    this.noLocal = options.noLocal === true;
    this.retainAsPublished = options.retainAsPublished === true;
    this.subscriptionIds = options.subscriptionId ? [options.subscriptionId] : null;
  }

  /** Not a field: a million of these have none. */
  get share(): null {
    return null;
  }

  /** 0 for none. */
  get subscriptionId(): number {
    return this.subscriptionIds === null ? 0 : this.subscriptionIds[0]!;
  }

  change(options: SubscribeOptions): void {
    this.qos = options.qos;
    this.noLocal = options.noLocal === true;
    this.retainAsPublished = options.retainAsPublished === true;
    this.subscriptionIds = options.subscriptionId ? [options.subscriptionId] : null;
  }
}

/** What a filter is in the trie. */
export type Holder = Subscription | Group;

/** The subscriptions of one filter when there are several. */
export class Group {
  readonly filter: string;
  #members: Subscription[];
  /** The array was handed out as deliveries: it must not change any more. */
  #shared = false;

  constructor(first: Subscription, second: Subscription) {
    this.filter = first.filter;
    this.#members = [first, second];
    first.index = 0;
    second.index = 1;
  }

  get size(): number {
    return this.#members.length;
  }

  get members(): readonly Subscription[] {
    return this.#members;
  }

  /** The members as a snapshot. It costs nothing now; the next change copies, which is paid for by the deliveries made meanwhile. */
  share(): readonly Subscription[] {
    this.#shared = true;
    return this.#members;
  }

  add(subscription: Subscription): void {
    const members = this.#own();
    subscription.index = members.length;
    members.push(subscription);
  }

  remove(subscription: Subscription): void {
    const members = this.#own();
    const last = members.pop()!;
    if (last === subscription) return;
    members[subscription.index] = last;
    last.index = subscription.index;
  }

  #own(): Subscription[] {
    if (this.#shared) {
      this.#members = this.#members.slice();
      this.#shared = false;
    }
    return this.#members;
  }
}

/** The subscriptions of one sink when it has, or had, several. */
export class Owner {
  #subscriptions: Subscription[] | SteadyMap<string, Subscription>;
  /** The merge that met this sink last, and where in its result. */
  stamp = 0;
  slot = 0;

  constructor(first: Subscription) {
    this.#subscriptions = [first];
    first.owner = this;
  }

  get size(): number {
    return Array.isArray(this.#subscriptions) ? this.#subscriptions.length : this.#subscriptions.size;
  }

  find(filter: string): Subscription | undefined {
    const all = this.#subscriptions;
    return Array.isArray(all) ? all.find((each) => each.filter === filter) : all.get(filter);
  }

  add(subscription: Subscription): void {
    subscription.owner = this;
    const all = this.#subscriptions;
    if (!Array.isArray(all)) all.set(subscription.filter, subscription);
    else if (all.length < OWNER_LIST_MAX) all.push(subscription);
    else {
      const map = new SteadyMap<string, Subscription>();
      for (const each of [...all, subscription]) map.set(each.filter, each);
      this.#subscriptions = map;
    }
  }

  remove(subscription: Subscription): void {
    const all = this.#subscriptions;
    if (Array.isArray(all)) all.splice(all.indexOf(subscription), 1);
    else all.delete(subscription.filter);
  }

  values(): Iterable<Subscription> {
    return this.#subscriptions.values();
  }
}

/** The same for those who want a copy for each subscription. */
export function allOf(holders: readonly Holder[]): Subscription[] {
  return holders.flatMap((holder) => (holder instanceof Group ? [...holder.members] : [holder]));
}

/** Deliveries of the topics that all of `holders` match: one per sink. */
export function mergeHolders(holders: readonly Holder[], stamp: number): Subscription[] {
  const out: Subscription[] = [];
  for (const holder of holders) {
    if (holder instanceof Group) for (const member of holder.members) addTo(out, member, stamp);
    else addTo(out, holder, stamp);
  }
  return out;
}

function addTo(out: Subscription[], subscription: Subscription, stamp: number): void {
  const owner = subscription.owner;
  if (owner === null) {
    out.push(subscription);
  } else if (owner.stamp !== stamp) {
    owner.stamp = stamp;
    owner.slot = out.length;
    out.push(subscription);
  } else {
    out[owner.slot] = merged(out[owner.slot]!, subscription);
  }
}

/** A delivery that no filter owns, for a sink that two subscriptions match. */
function merged(one: Subscription, other: Subscription): Subscription {
  const both = new Subscription(one.sink, '', {
    qos: Math.max(one.qos, other.qos) as Qos,
    noLocal: one.noLocal && other.noLocal,
    retainAsPublished: one.retainAsPublished || other.retainAsPublished,
  });
  if (one.subscriptionIds === null) both.subscriptionIds = other.subscriptionIds;
  else
    both.subscriptionIds =
      other.subscriptionIds === null ? one.subscriptionIds : [...one.subscriptionIds, ...other.subscriptionIds];
  return both;
}
