/** Subscriptions that the server makes for each client when it connects. Pure. */
import type { Qos } from '../../wire/mqtt/constants.ts';
import type { SubscribeEntry } from '../../wire/mqtt/packets.ts';
import { parseFilter } from '../../wire/mqtt/topics.ts';
import { TopicTemplate, type Who } from './template.ts';

export interface AutoSubscription {
  /** With places for the client's own names. */
  readonly filter: string;
  readonly qos: Qos;
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
  readonly retainHandling: 0 | 1 | 2;
}

export class AutoSubscriptions {
  readonly #all: readonly { readonly template: TopicTemplate; readonly options: AutoSubscription }[];

  constructor(all: readonly AutoSubscription[]) {
    this.#all = all.map((options) => ({ template: new TopicTemplate(options.filter), options }));
  }

  /** Those that the client has the names for. */
  entriesFor(who: Who): SubscribeEntry[] {
    return this.#all.flatMap(({ template, options }) => {
      const filter = template.fill([], who);
      return filter === undefined || parseFilter(filter) === undefined ? [] : [{ ...options, filter }];
    });
  }
}
