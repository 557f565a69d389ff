/**
 * What the messages of a topic need on their way in, beyond being routed. Found out once and kept on the interned topic: null, which is the rule, means nothing,
 * and then a message pays one look at a field.
 */
import type { DelayedStore } from '../delayed/store.ts';
import type { Meter } from '../insight/meters.ts';
import type { TopicTrace } from '../insight/traces.ts';
import type { PayloadCheck } from '../payload/checks.ts';
import type { Topic } from '../router/topic-table.ts';
import type { Rewriting } from './rewrite.ts';
import type { Who } from './template.ts';

/** Who publishes, and what rules have made of its topics. */
export interface RewriteHolder {
  readonly identity: Who | null;
  rewrites: Map<Topic, Topic> | null;
}

/** What planning one topic has come to. */
export class TopicPlan {
  /** What the client means: the topic without `$delayed/…`. Its rights are about this. */
  readonly subject: Topic;
  /** Reason code to refuse every message with; 0 for none. */
  readonly refusal: number;
  /** Where the messages go; null when that depends on the client. */
  readonly target: Topic | null;
  readonly rewriting: Rewriting | null;
  /** Seconds that the messages wait for; 0 for none. */
  readonly delaySeconds: number;
  readonly delayed: DelayedStore | null;
  /** Topic metrics that count the messages; null for none. */
  readonly meters: readonly Meter[] | null;
  /** Null for a topic that nobody traces. */
  readonly trace: TopicTrace | null;
  /** What the payloads have to be; null: anything, or, without a target, what `checkOf` says of that. */
  readonly check: PayloadCheck | null;
  /** The plugin is asked about each message. */
  readonly hooked: boolean;
  /** Whom `lastTarget` was found for. */
  lastClient: RewriteHolder | null = null;
  lastTarget: Topic | null = null;

  constructor(
    subject: Topic,
    some: Partial<
      Pick<TopicPlan, 'refusal' | 'target' | 'rewriting' | 'delaySeconds' | 'delayed' | 'meters' | 'trace' | 'check' | 'hooked'>
    > = {},
  ) {
    this.subject = subject;
    this.refusal = some.refusal ?? 0;
    this.rewriting = some.rewriting ?? null;
    this.target = some.target ?? (this.rewriting === null ? subject : null);
    this.delaySeconds = some.delaySeconds ?? 0;
    this.delayed = some.delayed ?? null;
    this.meters = some.meters ?? null;
    this.trace = some.trace ?? null;
    this.check = some.check ?? null;
    this.hooked = some.hooked ?? false;
  }
}

/** Makes plans. */
export interface TopicPlanner {
  /** Null: the messages are routed as they are. */
  plan(topic: Topic): TopicPlan | null;
  /** Where the messages of this client go; undefined: to no topic that there can be. */
  targetFor(plan: TopicPlan, client: RewriteHolder): Topic | undefined;
  /** What payloads for `target` have to be; null: anything. */
  checkOf(plan: Pick<TopicPlan, 'target' | 'check'>, target: Topic): PayloadCheck | null;
}
