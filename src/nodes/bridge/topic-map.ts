/**
 * Which messages cross a bridge, and what they are called on the other side. Pure.
 *
 *   local topic   local_prefix + rest        rest matches the filter of the rule, the first one that fits decides
 *   remote topic  remote_prefix + rest
 */
import { filterMatches } from '../../actors/router/filter-match.ts';
import type { Qos } from '../../wire/mqtt/constants.ts';

export interface BridgeTopic {
  readonly direction: 'in' | 'out' | 'both';
  readonly filter: string;
  readonly qos: Qos;
  readonly localPrefix: string;
  readonly remotePrefix: string;
}

export interface Crossing {
  readonly topic: string;
  readonly qos: Qos;
}

export class TopicMap {
  readonly #topics: readonly BridgeTopic[];

  constructor(topics: readonly BridgeTopic[]) {
    this.#topics = topics;
  }

  /** Filters to subscribe to here, for what goes out, with their QoS. */
  localFilters(): Map<string, Qos> {
    return this.#filters('out', ({ localPrefix }) => localPrefix);
  }

  /** Filters to subscribe to on the other side, for what comes in. */
  remoteFilters(): Map<string, Qos> {
    return this.#filters('in', ({ remotePrefix }) => remotePrefix);
  }

  /** Undefined: no rule is about it. */
  out(topic: string): Crossing | undefined {
    return this.#cross(topic, 'out', 'localPrefix', 'remotePrefix');
  }

  in(topic: string): Crossing | undefined {
    return this.#cross(topic, 'in', 'remotePrefix', 'localPrefix');
  }

  #filters(direction: 'in' | 'out', prefixOf: (topic: BridgeTopic) => string): Map<string, Qos> {
    const filters = new Map<string, Qos>();
    for (const topic of this.#topics) {
      if (topic.direction !== direction && topic.direction !== 'both') continue;
      const filter = prefixOf(topic) + topic.filter;
      filters.set(filter, Math.max(topic.qos, filters.get(filter) ?? 0) as Qos);
    }
    return filters;
  }

  #cross(
    topic: string,
    direction: 'in' | 'out',
    from: 'localPrefix' | 'remotePrefix',
    to: 'localPrefix' | 'remotePrefix',
  ): Crossing | undefined {
    for (const rule of this.#topics) {
      if (rule.direction !== direction && rule.direction !== 'both') continue;
      if (topic.startsWith(rule[from]) && filterMatches(rule[from] + rule.filter, topic)) {
        return { topic: rule[to] + topic.slice(rule[from].length), qos: rule.qos };
      }
    }
    return undefined;
  }
}
