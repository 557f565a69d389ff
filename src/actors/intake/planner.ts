/** Plans the topics of one reactor by what its operator has set. Owned by the reactor's thread; asked once for each topic and change of the settings. */
import { REWRITES_KEPT_MAX } from '../../base/limits.ts';
import { Reason } from '../../wire/mqtt/reason-codes.ts';
import type { DelayedStore } from '../delayed/store.ts';
import type { Insight } from '../insight/insight.ts';
import { NO_CHECKS, type PayloadCheck, type PayloadChecks } from '../payload/checks.ts';
import { filterMatches } from '../router/filter-match.ts';
import type { Topic, TopicTable } from '../router/topic-table.ts';
import { DELAYED_PREFIX, parseDelayedTopic } from './delayed-topic.ts';
import { type RewriteHolder, TopicPlan, type TopicPlanner } from './plan.ts';
import type { Rewriter } from './rewrite.ts';

/** What the server says about itself: nobody else may. But bridges of other brokers say here whether they are connected. */
const OWN_TOPICS = /^\$(?:SYS(?!\/broker\/connection\/[^/]*\/state$)|events)(?:\/|$)/;

export interface PlannerOptions {
  readonly topics: TopicTable;
  readonly rewriter: Rewriter;
  /** Null: nothing is delayed. */
  readonly delayed: DelayedStore | null;
  readonly delaySecondsMax: number;
  readonly insight: Insight;
}

export class Planner implements TopicPlanner {
  readonly #topics: TopicTable;
  readonly #insight: Insight;
  #rewriter: Rewriter;
  #delayed: DelayedStore | null;
  #delaySecondsMax: number;
  #checks: PayloadChecks = NO_CHECKS;
  #hookFilters: readonly string[] = [];

  constructor({ topics, rewriter, delayed, delaySecondsMax, insight }: PlannerOptions) {
    this.#insight = insight;
    this.#topics = topics;
    this.#rewriter = rewriter;
    this.#delayed = delayed;
    this.#delaySecondsMax = delaySecondsMax;
  }

  /** Other rules hold from now on; plans are to be made anew. */
  replace(rewriter: Rewriter, delayed: DelayedStore | null, delaySecondsMax: number): void {
    this.#rewriter = rewriter;
    this.#delayed = delayed;
    this.#delaySecondsMax = delaySecondsMax;
  }

  /** Payloads are held against these from now on; plans are to be made anew. */
  checkBy(checks: PayloadChecks): void {
    this.#checks = checks;
  }

  /** The plugin is asked about messages to these topics; plans are to be made anew. */
  hookBy(filters: readonly string[]): void {
    this.#hookFilters = filters;
  }

  #isHooked(topic: string): boolean {
    return this.#hookFilters.some((filter) => filterMatches(filter, topic));
  }

  checkOf(plan: Pick<TopicPlan, 'target' | 'check'>, target: Topic): PayloadCheck | null {
    return plan.target === null ? this.#checks.checkOf(target.name) : plan.check;
  }

  /** Whether topics without a `$` in front may need a plan. */
  get plansAll(): boolean {
    return (
      !this.#rewriter.isEmpty ||
      this.#hookFilters.length > 0 ||
      !this.#checks.isEmpty ||
      !this.#insight.meters.isEmpty ||
      this.#insight.traces.tracesTopics
    );
  }

  plan(topic: Topic): TopicPlan | null {
    const { name } = topic;
    if (OWN_TOPICS.test(name)) return new TopicPlan(topic, { refusal: Reason.NOT_AUTHORIZED });
    if (name.startsWith(DELAYED_PREFIX)) return this.#planDelayed(topic);
    const rewriting = this.#rewriter.find(name);
    const settled = rewriting === undefined ? {} : this.#settle(rewriting);
    const counted = (settled.target ?? topic).name;
    const meters = this.#insight.meters.metersOf(counted);
    const trace = this.#insight.traces.traceOf(counted);
    const check = this.#checks.checkOf(counted);
    const hooked = this.#isHooked(name);
    if (rewriting === undefined && meters === null && trace === null && check === null && !hooked) return null;
    return new TopicPlan(topic, { ...settled, meters, trace, check, hooked });
  }

  targetFor(plan: TopicPlan, client: RewriteHolder): Topic | undefined {
    if (plan.target !== null) return plan.target;
    if (plan.lastClient === client && plan.lastTarget !== null) return plan.lastTarget;
    const known = client.rewrites?.get(plan.subject) ?? this.#fill(plan, client);
    if (known === undefined) return undefined;
    plan.lastClient = client;
    plan.lastTarget = known;
    return known;
  }

  /** What is the same for all clients is found out now. */
  #settle(rewriting: NonNullable<TopicPlan['rewriting']>): Partial<TopicPlan> {
    const { template, groups } = rewriting;
    if (template.isPersonal) return { rewriting };
    const target = this.#topics.internName(template.fill(groups, null)!);
    return target === undefined ? { refusal: Reason.TOPIC_NAME_INVALID } : { target };
  }

  #fill({ rewriting, subject }: TopicPlan, client: RewriteHolder): Topic | undefined {
    const { template, groups } = rewriting!;
    const text = template.fill(groups, client.identity);
    // A client without the name that the rule asks for is one that the rule is not about.
    const target = text === undefined ? subject : this.#topics.internName(text);
    if (target === undefined) return undefined;
    client.rewrites ??= new Map();
    if (client.rewrites.size >= REWRITES_KEPT_MAX) client.rewrites.delete(client.rewrites.keys().next().value!);
    client.rewrites.set(subject, target);
    return target;
  }

  #planDelayed(topic: Topic): TopicPlan {
    const parsed = parseDelayedTopic(topic.name);
    const subject = parsed === undefined ? undefined : this.#topics.internName(parsed.topic);
    const invalid = { refusal: Reason.TOPIC_NAME_INVALID };
    if (parsed === undefined || subject === undefined || subject.name.startsWith(DELAYED_PREFIX))
      return new TopicPlan(topic, invalid);
    if (OWN_TOPICS.test(subject.name)) return new TopicPlan(subject, { refusal: Reason.NOT_AUTHORIZED });
    if (this.#delayed === null || parsed.seconds > this.#delaySecondsMax) return new TopicPlan(subject, invalid);
    const rewriting = this.#rewriter.find(subject.name);
    const { refusal, target, rewriting: personal } = rewriting === undefined ? {} : this.#settle(rewriting);
    if (refusal !== undefined) return new TopicPlan(subject, { refusal });
    const check = this.#checks.checkOf((target ?? subject).name);
    const hooked = this.#isHooked(subject.name);
    const delay = { delaySeconds: parsed.seconds, delayed: this.#delayed, check, hooked };
    return new TopicPlan(subject, { ...delay, ...(target ? { target } : {}), ...(personal ? { rewriting: personal } : {}) });
  }
}
