/**
 * What one client may do, found out when it is first asked and then remembered.
 *
 *   sources in their order:  book (rules in memory) · claims (rules that came with the authentication) · fetched (rules that main gets for
 *                            this client, once per cache time) · asked (main is asked about each topic, once per cache time)
 *
 * The first rule or answer that is about the client and what it does decides; when none does, the policy's default. A verdict about a topic is kept on the
 * interned topic when this client was the last to ask (a device has its topics to itself, so that is nearly always so: the answer costs one
 * comparison, see inbound.ts), else here. Changed rules give the client a new `id`, and so nothing that is remembered on topics counts any more.
 *
 * Bounds: ACL_VERDICTS_MAX verdicts of each kind, the oldest is forgotten.
 */
import { ACL_VERDICTS_MAX } from '../../base/limits.ts';
import type { Qos } from '../../wire/mqtt/constants.ts';
import type { Topic } from '../router/topic-table.ts';
import type { Identity, PermitReply, PermitRequest, Rule, RulesReply, RulesRequest } from './messages.ts';
import { ALL_PUBLISHES, type ClientRule, coversFilter, decidesPublish, matchesName, overlapsFilter, RuleTable } from './rules.ts';
import { filterLevels, nameLevels } from './topic-pattern.ts';

export type SourceKind = 'book' | 'claims' | 'fetched' | 'asked';

export interface RuleSource {
  readonly name: string;
  readonly kind: SourceKind;
}

/** What a policy says to all clients. */
export interface RightsPolicy {
  readonly sources: readonly RuleSource[];
  /** When nothing is said about something. */
  readonly allowByDefault: boolean;
  /** Deliveries are checked one by one, so a subscription may be wider than what the client may get. */
  readonly checksDeliveries: boolean;
  /** With that, every subscription is granted. */
  readonly grantsSubscriptions: boolean;
  /** A source that fails denies; otherwise it says nothing. */
  readonly denyOnFailure: boolean;
  readonly disconnectsOnDenial: boolean;
  bookRules(source: string, identity: Identity): readonly ClientRule[];
  newId(): number;
  /** Rules that were fetched differ from those before: what is cached of deliveries is stale. */
  rulesChanged(): void;
}

/** Asks main; the continuation runs in the session's own turn. */
export interface Authorizer {
  fetchRules(request: RulesRequest, then: (reply: RulesReply | undefined) => void): void;
  askPermit(request: PermitRequest, then: (reply: PermitReply | undefined) => void): void;
}

const NO_RULES: readonly ClientRule[] = [];
/** QoS 0, 1 and 2, retained or not. */
const PUBLISH_KINDS = 6;
const DENY_ALL: ClientRule = { allow: false, publishes: ALL_PUBLISHES, subscriptions: 0b111, patterns: undefined };

interface FetchedRules {
  readonly text: string;
  readonly rules: readonly ClientRule[];
  fresh: boolean;
}

/** The outcome of one look through the sources: what is decided, what of that is allowed, and whom to ask about the rest. */
interface Verdict {
  readonly decided: number;
  readonly allowed: number;
  readonly missing: RuleSource | undefined;
}

export class Rights {
  readonly identity: Identity;
  /** Names this client's verdicts on topics; never 0. */
  id: number;
  /** When the oldest thing that was fetched or asked came, on the thread's clock; Infinity when there is none. */
  oldestAt: number = Number.POSITIVE_INFINITY;
  readonly #policy: RightsPolicy;
  readonly #claims: readonly ClientRule[];
  readonly #book = new Map<string, readonly ClientRule[]>();
  readonly #fetched = new Map<string, FetchedRules>();
  /** What main has answered, by what it was asked: true is allowed, false denied, null nothing. */
  readonly #answers = new Map<string, boolean | null>();
  readonly #grants = new Map<Topic, number>();

  constructor(policy: RightsPolicy, identity: Identity, claims: readonly Rule[] | undefined) {
    this.#policy = policy;
    this.identity = identity;
    this.#claims = claims === undefined ? [] : new RuleTable(claims).rulesFor(identity);
    this.id = policy.newId();
  }

  get disconnectsOnDenial(): boolean {
    return this.#policy.disconnectsOnDenial;
  }

  /** The rules may have changed: everything is found out again. `what`: also that which was fetched. */
  renew(what: 'book' | 'everything'): void {
    this.#forgetGrants();
    this.#book.clear();
    if (what === 'book') return;
    for (const fetched of this.#fetched.values()) fetched.fresh = false;
    this.#answers.clear();
    this.oldestAt = Number.POSITIVE_INFINITY;
  }

  /** Something new is known: what was concluded without it does not count. */
  #forgetGrants(): void {
    this.id = this.#policy.newId();
    this.#grants.clear();
  }

  /** The publishes to `topic` that are allowed, as bits. What main would have to be asked about is not among them: see `resolvePublish`. */
  grant(topic: Topic): number {
    if (topic.granteeId === this.id) return topic.grant;
    const known = this.#grants.get(topic);
    if (known !== undefined) return this.#note(topic, known);
    const { allowed } = this.#judgePublish(topic.name, ALL_PUBLISHES);
    if (this.#grants.size >= ACL_VERDICTS_MAX) forgetOldest(this.#grants);
    this.#grants.set(topic, allowed);
    return this.#note(topic, allowed);
  }

  #note(topic: Topic, allowed: number): number {
    topic.granteeId = this.id;
    topic.grant = allowed;
    return allowed;
  }

  /** Whether the publish that `bit` describes is decided without asking. */
  knowsPublish(name: string, bit: number): boolean {
    return (this.#judgePublish(name, bit).decided & bit) !== 0;
  }

  /** Finds out whether the publish is allowed, asking main where needed. `now` is the thread's clock. */
  resolvePublish(name: string, qos: Qos, retain: boolean, now: number, by: Authorizer, then: (allowed: boolean) => void): void {
    const bit = 1 << ((qos << 1) | (retain ? 1 : 0));
    const { decided, allowed, missing } = this.#judgePublish(name, bit);
    if ((decided & bit) !== 0 || missing === undefined) return then((allowed & bit) !== 0);
    const again = (): void => this.resolvePublish(name, qos, retain, now, by, then);
    this.#ask(missing, { action: 'publish', topic: name, qos, retain }, now, by, again);
  }

  /** Finds out whether the filter may be subscribed to. Calls `then` at once when nobody has to be asked. */
  resolveSubscribe(
    filter: string,
    qos: Qos,
    isShared: boolean,
    now: number,
    by: Authorizer,
    then: (allowed: boolean) => void,
  ): void {
    const { decided, allowed, missing } = this.#judgeSubscribe(filter, qos, isShared);
    if (decided !== 0 || missing === undefined) return then(allowed !== 0);
    const again = (): void => this.resolveSubscribe(filter, qos, isShared, now, by, then);
    this.#ask(missing, { action: 'subscribe', topic: filter, qos, retain: false }, now, by, again);
  }

  /** Whether messages of this topic may go to the client, as far as rules at hand tell: nobody is asked. */
  mayReceive(name: string): boolean {
    const levels = nameLevels(name);
    for (const source of this.#policy.sources) {
      if (source.kind === 'asked') return true; // it has allowed the subscription
      const rules = source.kind === 'fetched' ? this.#fetched.get(source.name)?.rules : this.#rulesOf(source);
      const rule = rules?.find((each) => each.subscriptions !== 0 && matchesName(each.patterns, name, levels));
      if (rule !== undefined) return rule.allow;
    }
    return this.#policy.allowByDefault;
  }

  /** `wanted` are the bits to find out about. */
  #judgePublish(name: string, wanted: number): Verdict {
    const levels = nameLevels(name);
    let open = wanted;
    let allowed = 0;
    let blocked = 0;
    let missing: RuleSource | undefined;
    for (const source of this.#policy.sources) {
      if (open === 0) break;
      const rules = source.kind === 'asked' ? NO_RULES : this.#rulesOf(source);
      const unknown = rules === undefined ? open : source.kind === 'asked' ? this.#unanswered(source, name, open) : 0;
      if (unknown !== 0) missing ??= source;
      blocked |= unknown;
      open &= ~unknown;
      if (source.kind === 'asked') {
        const answered = this.#answered(source, name, open);
        open &= ~answered.decided;
        allowed |= answered.allowed;
      }
      for (const rule of rules ?? NO_RULES) {
        const bits = decidesPublish(rule, name, levels) & open;
        open &= ~bits;
        if (rule.allow) allowed |= bits;
      }
    }
    if (this.#policy.allowByDefault) allowed |= open;
    return { decided: wanted & ~blocked, allowed, missing };
  }

  #unanswered({ name: source }: RuleSource, topic: string, open: number): number {
    let bits = 0;
    for (let at = 0; at < PUBLISH_KINDS; at++) {
      if ((open & (1 << at)) !== 0 && !this.#answers.has(keyOf(source, 'publish', topic, at))) bits |= 1 << at;
    }
    return bits;
  }

  #answered({ name: source }: RuleSource, topic: string, open: number): { decided: number; allowed: number } {
    const answered = { decided: 0, allowed: 0 };
    for (let at = 0; at < PUBLISH_KINDS; at++) {
      const answer = (open & (1 << at)) === 0 ? null : this.#answers.get(keyOf(source, 'publish', topic, at));
      if (typeof answer === 'boolean') answered.decided |= 1 << at;
      if (answer === true) answered.allowed |= 1 << at;
    }
    return answered;
  }

  /**
   * A subscription is more than one topic. A rule that allows must cover all of them, and a rule that denies any of them denies it, unless deliveries are
   * checked as well: then a subscription is in order as soon as something of it may be allowed. What a shared subscription gets is not checked, because it goes to
   * whichever member has its turn.
   */
  #judgeSubscribe(filter: string, qos: Qos, isShared: boolean): Verdict {
    const levels = filterLevels(filter);
    const bit = 1 << qos;
    const { sources, allowByDefault, grantsSubscriptions } = this.#policy;
    const mayBeWider = this.#policy.checksDeliveries && !isShared;
    const verdict = (allow: boolean): Verdict => ({ decided: 1, allowed: allow ? 1 : 0, missing: undefined });
    if (mayBeWider && grantsSubscriptions) return verdict(true);
    for (const source of sources) {
      if (source.kind === 'asked') {
        const answer = this.#answers.get(keyOf(source.name, 'subscribe', filter, qos));
        if (answer === undefined) return { decided: 0, allowed: 0, missing: source };
        if (answer !== null) return verdict(answer);
        continue;
      }
      const rules = this.#rulesOf(source);
      if (rules === undefined) return { decided: 0, allowed: 0, missing: source };
      for (const { allow, subscriptions, patterns } of rules) {
        if ((subscriptions & bit) === 0) continue;
        const whole = allow !== mayBeWider;
        if (whole ? coversFilter(patterns, filter, levels) : overlapsFilter(patterns, filter, levels)) return verdict(allow);
      }
    }
    return verdict(allowByDefault);
  }

  /** Undefined: they have to be fetched first. */
  #rulesOf({ name, kind }: RuleSource): readonly ClientRule[] | undefined {
    if (kind === 'claims') return this.#claims;
    if (kind === 'fetched') {
      const fetched = this.#fetched.get(name);
      return fetched?.fresh === true ? fetched.rules : undefined;
    }
    let rules = this.#book.get(name);
    if (rules === undefined) {
      rules = this.#policy.bookRules(name, this.identity);
      this.#book.set(name, rules);
    }
    return rules;
  }

  #ask(source: RuleSource, wish: Wish, now: number, by: Authorizer, then: () => void): void {
    const { identity } = this;
    if (source.kind === 'fetched') {
      by.fetchRules({ type: 'rules-of', source: source.name, identity }, (reply) => {
        this.#keepRules(source.name, reply?.rules, now);
        then();
      });
      return;
    }
    by.askPermit({ type: 'permit', source: source.name, identity, ...wish }, (reply) => {
      const at = wish.action === 'publish' ? (wish.qos << 1) | (wish.retain ? 1 : 0) : wish.qos;
      this.#keepAnswer(keyOf(source.name, wish.action, wish.topic, at), reply?.verdict ?? 'failed', now);
      then();
    });
  }

  #keepRules(source: string, rules: readonly Rule[] | undefined, now: number): void {
    const text = JSON.stringify(rules ?? null);
    const before = this.#fetched.get(source);
    this.#forgetGrants();
    const onFailure = this.#policy.denyOnFailure ? [DENY_ALL] : [];
    const kept = rules === undefined ? onFailure : new RuleTable(rules).rulesFor(this.identity);
    this.#fetched.set(source, { text, rules: kept, fresh: true });
    // What a failure has led to is looked at again soon.
    this.oldestAt = Math.min(this.oldestAt, rules === undefined ? Number.NEGATIVE_INFINITY : now);
    if (before?.text !== text) this.#policy.rulesChanged();
  }

  #keepAnswer(key: string, verdict: PermitReply['verdict'], now: number): void {
    this.#forgetGrants();
    if (this.#answers.size >= ACL_VERDICTS_MAX) forgetOldest(this.#answers);
    const denied = verdict === 'deny' || (verdict === 'failed' && this.#policy.denyOnFailure);
    this.#answers.set(key, verdict === 'allow' ? true : denied ? false : null);
    this.oldestAt = Math.min(this.oldestAt, verdict === 'failed' ? Number.NEGATIVE_INFINITY : now);
  }
}

type Wish = Pick<PermitRequest, 'action' | 'topic' | 'qos' | 'retain'>;

function keyOf(source: string, action: string, topic: string, at: number): string {
  return `${source} ${action} ${at} ${topic}`;
}

function forgetOldest(map: Map<unknown, unknown>): void {
  for (const key of map.keys()) {
    map.delete(key);
    return;
  }
}
