/** A session's state in the form in which it goes to another thread. */
import { exclusiveFilter } from '../../wire/mqtt/topics.ts';
import type { Subscription } from '../router/subscription.ts';
import type { ShareMember } from '../share/member.ts';
import type { MachineSnapshot } from './machine.ts';
import type { SubscriptionState } from './messages.ts';
import { detached } from './outgoing.ts';

/** Exclusive ones are written as a client writes them. */
export function subscriptionStates(subscriptions: Iterable<Subscription>, exclusive: readonly string[]): SubscriptionState[] {
  return Array.from(subscriptions, ({ filter, qos, noLocal, retainAsPublished, subscriptionId }) => ({
    filter: exclusive.includes(filter) ? exclusiveFilter(filter) : filter,
    qos,
    noLocal,
    retainAsPublished,
    subscriptionId,
  }));
}

/** With each message in memory of its own: entries share buffers, and a shared buffer would be serialised once for each. */
export function detachedSnapshot(snapshot: MachineSnapshot): MachineSnapshot {
  return {
    inbound: snapshot.inbound,
    inFlight: snapshot.inFlight.map((entry) => (entry.message === null ? entry : { ...entry, message: detached(entry.message) })),
    queued: snapshot.queued.map(detached),
  };
}

/** The same for shared ones: the filter is written as a client writes it. */
export function membershipStates(members: Iterable<ShareMember>): SubscriptionState[] {
  return Array.from(members, ({ group, qos, noLocal, retainAsPublished, subscriptionId }) => ({
    filter: `$share/${group.key}`,
    qos,
    noLocal,
    retainAsPublished,
    subscriptionId,
  }));
}
