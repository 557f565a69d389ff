/**
 * Rules made ready to be asked: who they are about is looked up once per client, their patterns are taken apart once for all clients unless they hold
 * the client's own name.
 *
 * A publish is described by a bit: `1 << (qos << 1 | retain)`, as the low bits of its first byte say, so a rule about a topic is a mask of six bits and
 * one look at a topic answers for all of them.
 */
import { AddressList } from './address-list.ts';
import { globMatches } from './glob.ts';
import type { Identity, Rule } from './messages.ts';
import { compilePattern, covers, hasPlaceholder, type Level, overlaps, type TopicPattern } from './topic-pattern.ts';

/** Every QoS, retained or not. */
export const ALL_PUBLISHES = 0b111111;
const ALL_QOS = [0, 1, 2];

/** Undefined: every topic. */
type Patterns = readonly TopicPattern[] | undefined;

/** A rule as far as it is about one client. */
export interface ClientRule {
  readonly allow: boolean;
  /** Publishes that it is about, as bits. */
  readonly publishes: number;
  /** QoS of subscriptions that it is about, as bits `1 << qos`. */
  readonly subscriptions: number;
  readonly patterns: Patterns;
}

/** Bits of the publishes to `levels` that the rule decides. */
export function decidesPublish(rule: ClientRule, name: string, levels: readonly Level[]): number {
  if (rule.publishes === 0) return 0;
  return matchesName(rule.patterns, name, levels) ? rule.publishes : 0;
}

export function matchesName(patterns: Patterns, name: string, levels: readonly Level[]): boolean {
  if (patterns === undefined) return true;
  return patterns.some((each) => (each.literal === undefined ? covers(each.levels, levels) : each.literal === name));
}

/** Whether one of the patterns matches all that the filter matches. */
export function coversFilter(patterns: Patterns, filter: string, levels: readonly Level[]): boolean {
  return matchesName(patterns, filter, levels);
}

/** Whether one of the patterns matches something that the filter matches. A literal is about the filter of that text alone. */
export function overlapsFilter(patterns: Patterns, filter: string, levels: readonly Level[]): boolean {
  if (patterns === undefined) return true;
  return patterns.some((each) => (each.literal === undefined ? overlaps(each.levels, levels) : each.literal === filter));
}

class PreparedRule {
  readonly order: number;
  readonly rule: Rule;
  readonly #addresses: AddressList | undefined;
  /** What it is for a client when the client's name does not matter. */
  readonly #shared: ClientRule | undefined;

  constructor(rule: Rule, order: number) {
    this.rule = rule;
    this.order = order;
    this.#addresses = rule.addresses === undefined ? undefined : new AddressList(rule.addresses);
    this.#shared = rule.topics?.some(hasPlaceholder) ? undefined : clientRule(rule, { clientId: '-', username: '-' });
  }

  isAbout({ clientId, username, address, groups, listener }: Identity): boolean {
    const { rule } = this;
    return (
      (rule.clients === undefined || rule.clients.some((each) => globMatches(each, clientId))) &&
      (rule.users === undefined || rule.users.some((each) => globMatches(each, username))) &&
      (rule.listeners === undefined || rule.listeners.includes(listener)) &&
      (rule.groups === undefined || rule.groups.some((each) => groups.includes(each))) &&
      (this.#addresses === undefined || this.#addresses.has(address))
    );
  }

  forClient(identity: Identity): ClientRule {
    return this.#shared ?? clientRule(this.rule, identity);
  }
}

function clientRule(rule: Rule, of: { readonly clientId: string; readonly username: string }): ClientRule {
  const allow = rule.permission === 'allow';
  const compile = (text: string): TopicPattern[] => {
    const pattern = compilePattern(text, of, !allow);
    return pattern === undefined ? [] : [pattern];
  };
  const qos = rule.qos ?? ALL_QOS;
  return {
    allow,
    publishes: rule.action === 'subscribe' ? 0 : qos.reduce((bits, each) => bits | (retainBits(rule.retain) << (each << 1)), 0),
    subscriptions: rule.action === 'publish' ? 0 : qos.reduce((bits, each) => bits | (1 << each), 0),
    patterns: rule.topics?.flatMap(compile),
  };
}

function retainBits(retain: boolean | undefined): number {
  return retain === undefined ? 0b11 : retain ? 0b10 : 0b01;
}

/** The rules of one source, found by user name or client id where they name those exactly. */
export class RuleTable {
  readonly #general: PreparedRule[] = [];
  readonly #byUser = new Map<string, PreparedRule[]>();
  readonly #byClient = new Map<string, PreparedRule[]>();

  constructor(rules: readonly Rule[]) {
    for (const [order, rule] of rules.entries()) {
      const prepared = new PreparedRule(rule, order);
      if (isExact(rule.users)) index(this.#byUser, rule.users, prepared);
      else if (isExact(rule.clients)) index(this.#byClient, rule.clients, prepared);
      else this.#general.push(prepared);
    }
  }

  /** The rules about a client, in their order. */
  rulesFor(identity: Identity): ClientRule[] {
    const named = [...(this.#byUser.get(identity.username) ?? []), ...(this.#byClient.get(identity.clientId) ?? [])];
    const all = named.length === 0 ? this.#general : [...named, ...this.#general].sort((a, b) => a.order - b.order);
    return all.filter((each) => each.isAbout(identity)).map((each) => each.forClient(identity));
  }
}

function isExact(names: readonly string[] | undefined): names is readonly string[] {
  return names?.every((name) => !name.includes('*')) === true;
}

function index(into: Map<string, PreparedRule[]>, names: readonly string[], rule: PreparedRule): void {
  for (const name of new Set(names)) {
    const known = into.get(name);
    if (known === undefined) into.set(name, [rule]);
    else known.push(rule);
  }
}
