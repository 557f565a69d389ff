/** A local client's part in a shared subscription: how it gets the messages that fall to it. */
import type { Qos } from '../../wire/mqtt/constants.ts';
import type { Delivery, Sink, SubscribeOptions } from '../router/sink.ts';
import type { ShareGroup } from './group.ts';

/** A sink that may be a member. */
export interface ShareSink extends Sink {
  /** Another member has a connection and this one has none: what it keeps for the group is to go there. */
  release?(share: string): void;
  /** False: a message would have to wait until its client has taken others. */
  hasRoom?(qos: Qos): boolean;
}

export class ShareMember implements Delivery {
  sink: ShareSink;
  readonly group: ShareGroup;
  qos: Qos = 0;
  retainAsPublished = false;
  subscriptionIds: readonly number[] | null = null;
  /** Has a connection. */
  online: boolean;
  /** Place among the members of its pool. */
  index = 0;

  constructor(sink: ShareSink, group: ShareGroup, online: boolean, options: SubscribeOptions) {
    this.sink = sink;
    this.group = group;
    this.online = online;
    this.change(options);
  }

  /** It would be a protocol error [MQTT-3.8.3-4]. */
  get noLocal(): false {
    return false;
  }

  get share(): string {
    return this.group.key;
  }

  get subscriptionId(): number {
    return this.subscriptionIds === null ? 0 : this.subscriptionIds[0]!;
  }

  change(options: SubscribeOptions): void {
    this.qos = options.qos;
    this.retainAsPublished = options.retainAsPublished === true;
    this.subscriptionIds = options.subscriptionId ? [options.subscriptionId] : null;
  }
}
