/**
 * What the router knows of a receiver of messages, and what it tells it. Sessions implement `Sink`; the router never looks inside.
 */
import type { Qos } from '../../wire/mqtt/constants.ts';
import type { PublishRun } from '../../wire/mqtt/publish-run.ts';
import type { Topic } from './topic-table.ts';

export type Run = PublishRun<Topic, Sink>;

export interface Sink {
  /** Called in the publisher's turn; `run` and its bytes are only valid during the call. May subscribe and unsubscribe anything. */
  deliver(run: Run, delivery: Delivery): void;
  /** `deliver` has thrown: the sink's failure, not the publisher's. */
  deliveryFailed(error: unknown): void;
  /** It stands for another node: gets each message once, whatever the subscriptions of its clients there. */
  readonly isRelay?: true;
  /** Of the client behind it, if there is one. */
  readonly clientId?: string;
  /**
   * A QoS 2 message that it has published goes to this shard of a dedicated log. Returns the number of its inbox, with which the shard remembers that the message has been taken; 0: the
   * session does not last.
   */
  takenAt?(packetId: number, shard: number): number;
  /** A message with that packet id has gone to that shard, in a life of the node that has ended before all else that it leads to was on disk. */
  hasTaken?(packetId: number, shard: number): boolean;
  /** Whether it may get messages of this topic; asked when deliveries are checked, and remembered until rules or subscriptions change. */
  mayReceive?(topic: string): boolean;
}

/**
 * How one sink gets the messages of one topic. There is one per matching sink and topic: overlapping subscriptions of a sink are merged
 * (highest QoS, every identifier, retain as published if any asks for it, no local only if all do) [MQTT-3.3.4-2] [MQTT-3.3.4-3].
 */
export interface Delivery {
  readonly sink: Sink;
  readonly qos: Qos;
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
  /** Null when no matching subscription has an identifier, which is the case worth being fast. */
  readonly subscriptionIds: readonly number[] | null;
  /** Key of the shared subscription whose member the sink is; null for a subscription of its own. */
  readonly share: string | null;
}

/** A snapshot: it stays as it is while it is being walked, whatever is subscribed meanwhile. */
export type Deliveries = readonly Delivery[];

export interface SubscribeOptions {
  readonly qos: Qos;
  readonly noLocal?: boolean;
  readonly retainAsPublished?: boolean;
  /** 1 … 268,435,455; 0 or absent for none. */
  readonly subscriptionId?: number;
}
