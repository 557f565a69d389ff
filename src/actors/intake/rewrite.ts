/**
 * Rewriting of topics: what clients publish to, or subscribe to, is another topic for everybody else. A rule is about the topics that its filter matches and
 * its pattern fits; the first rule that is about a topic decides. Pure.
 */
import { LinearRegex } from '../../base/linear-regex.ts';
import { parseFilter } from '../../wire/mqtt/topics.ts';
import { filterMatches } from '../router/filter-match.ts';
import { TopicTemplate, type Who } from './template.ts';

export interface RewriteRule {
  readonly action: 'publish' | 'subscribe' | 'all';
  readonly filter: string;
  /** See base/linear-regex.ts. */
  readonly pattern: string;
  readonly to: string;
}

interface Compiled {
  readonly filter: string;
  readonly regex: LinearRegex;
  readonly to: TopicTemplate;
}

/** A topic that a rule is about. */
export interface Rewriting {
  readonly template: TopicTemplate;
  readonly groups: readonly (string | undefined)[];
}

export class Rewriter {
  readonly #rules: readonly Compiled[];

  constructor(rules: readonly RewriteRule[], action: 'publish' | 'subscribe') {
    this.#rules = rules
      .filter((rule) => rule.action === action || rule.action === 'all')
      .map(({ filter, pattern, to }) => ({ filter, regex: new LinearRegex(pattern), to: new TopicTemplate(to) }));
  }

  get isEmpty(): boolean {
    return this.#rules.length === 0;
  }

  /** The rule about `topic` with what it has found there; undefined: it stays as it is. */
  find(topic: string): Rewriting | undefined {
    for (const { filter, regex, to } of this.#rules) {
      if (!filterMatches(filter, topic)) continue;
      const groups = regex.exec(topic);
      if (groups !== null) return { template: to, groups };
    }
    return undefined;
  }

  /** What a client that asks for `filter` is subscribed to. Prefixes (`$share/name/`, `$exclusive/`) stay. */
  filterFor(filter: string, who: Who | null): string {
    const parsed = parseFilter(filter);
    if (parsed === undefined || this.isEmpty) return filter;
    const rewriting = this.find(parsed.filter);
    const text = rewriting?.template.fill(rewriting.groups, who);
    return text === undefined ? filter : filter.slice(0, filter.length - parsed.filter.length) + text;
  }
}
