/** What a reactor does for its clients beyond the standard on their way in: delayed messages, rewritten topics, subscriptions that nobody has asked for. */
import type { ActorSystem } from '../../runtime/system.ts';
import type { SubscribePacket, UnsubscribePacket } from '../../wire/mqtt/packets.ts';
import { spawnDelayed } from '../delayed/actor.ts';
import type { DelayedBounds } from '../delayed/machine.ts';
import { DelayedStore } from '../delayed/store.ts';
import type { Insight } from '../insight/insight.ts';
import type { PayloadChecks } from '../payload/checks.ts';
import type { PayloadSchema } from '../payload/schema.ts';
import type { Plugin } from '../plugin/hooks.ts';
import type { Publisher, RetainedMessageBounds } from '../router/publisher.ts';
import type { Run } from '../router/sink.ts';
import type { TopicTable } from '../router/topic-table.ts';
import { type AutoSubscription, AutoSubscriptions } from './auto-subscribe.ts';
import type { RewriteHolder, TopicPlan } from './plan.ts';
import { Planner } from './planner.ts';
import { payloadOf, repayloadRun } from './repayload-run.ts';
import { retopicRun } from './retopic-run.ts';
import { type RewriteRule, Rewriter } from './rewrite.ts';
import type { Who } from './template.ts';

/** Plain data: it crosses into the reactor with its boot arguments. */
export interface IntakeOptions {
  readonly rewrite: readonly RewriteRule[];
  readonly autoSubscribe: readonly AutoSubscription[];
  /** Of this reactor; null: nothing is delayed. */
  readonly delayed: (DelayedBounds & { readonly secondsMax: number }) | null;
  /** Clients may subscribe by `$exclusive/`. */
  readonly exclusive: boolean;
  /** What payloads have to be. */
  readonly schemas: readonly PayloadSchema[];
  readonly retained: RetainedMessageBounds;
}

export const NO_INTAKE: IntakeOptions = {
  rewrite: [],
  autoSubscribe: [],
  delayed: null,
  exclusive: true,
  schemas: [],
  retained: { bytesMax: 0, expiryMs: 0 },
};

export class Intake {
  readonly delayed: DelayedStore;
  options: IntakeOptions;
  autoSubscriptions: AutoSubscriptions;
  readonly #planner: Planner;
  readonly #topics: TopicTable;
  readonly #publisher: Publisher;
  #filters: Rewriter;
  #plugin: Plugin | null = null;

  constructor(system: ActorSystem, topics: TopicTable, publisher: Publisher, insight: Insight, options: IntakeOptions) {
    const { rewrite, autoSubscribe, delayed } = options;
    this.options = options;
    this.#topics = topics;
    this.#publisher = publisher;
    this.#filters = new Rewriter(rewrite, 'subscribe');
    this.autoSubscriptions = new AutoSubscriptions(autoSubscribe);
    // There whether it is wanted or not: what waits comes when it is due, and it may be wanted later on.
    const bounds = delayed ?? { messagesMax: 0, bytesMax: 0 };
    this.delayed = new DelayedStore(system, publisher, topics, bounds);
    spawnDelayed(system, this.delayed);
    const rewriter = new Rewriter(rewrite, 'publish');
    const taken = delayed === null ? null : this.delayed;
    this.#planner = new Planner({ topics, rewriter, delayed: taken, delaySecondsMax: delayed?.secondsMax ?? 0, insight });
    this.planAgain();
    publisher.boundRetained(options.retained);
  }

  /** Other settings hold from now on, for what comes from now on. */
  replace(options: IntakeOptions): void {
    const { rewrite, autoSubscribe, delayed, retained } = options;
    this.options = options;
    this.#filters = new Rewriter(rewrite, 'subscribe');
    this.autoSubscriptions = new AutoSubscriptions(autoSubscribe);
    if (delayed !== null) this.delayed.boundBy(delayed);
    this.#planner.replace(new Rewriter(rewrite, 'publish'), delayed === null ? null : this.delayed, delayed?.secondsMax ?? 0);
    this.#publisher.boundRetained(retained);
    this.planAgain();
  }

  /** Payloads are held against these from now on. */
  checkBy(checks: PayloadChecks): void {
    this.#planner.checkBy(checks);
    this.planAgain();
  }

  /** The plugin is asked about messages to these topics. */
  hookBy(plugin: Plugin): void {
    this.#plugin = plugin;
    this.#planner.hookBy(plugin.publishFilters);
    this.planAgain();
  }

  /** What plans are made of has changed. */
  planAgain(): void {
    this.#topics.planBy(this.#planner, this.#planner.plansAll);
  }

  rewriteSubscribe(packet: SubscribePacket, who: Who | null): SubscribePacket {
    if (this.#filters.isEmpty) return packet;
    return {
      ...packet,
      entries: packet.entries.map((entry) => ({ ...entry, filter: this.#filters.filterFor(entry.filter, who) })),
    };
  }

  rewriteUnsubscribe(packet: UnsubscribePacket, who: Who | null): UnsubscribePacket {
    if (this.#filters.isEmpty) return packet;
    return { ...packet, filters: packet.filters.map((filter) => this.#filters.filterFor(filter, who)) };
  }

  /** Publishes what a client has left behind, as if it published it now. Nobody is told when it goes nowhere. */
  publishFor(who: RewriteHolder, run: Run): void {
    const plan = this.#topics.planOf(run.topic);
    if (plan === null) return void this.#publisher.publish(run);
    if (plan.hooked && plan.refusal === 0) this.#askAbout(plan, who, run);
    else this.#publishPlanned(plan, who, run);
  }

  /** The plugin answers later: what the run is made of is kept until then. */
  #askAbout(plan: TopicPlan, who: RewriteHolder, { buffer, start, end, ...rest }: Run): void {
    const run: Run = { ...rest, buffer: Uint8Array.from(buffer.subarray(start, end)), start: 0, end: end - start };
    const plugin = this.#plugin!;
    const { clientId = '', username = '' } = who.identity ?? {};
    const client = { clientId, username, address: '', listener: '' };
    const { qos, retain } = run;
    plugin.ask('onPublish', [{ client, topic: plan.subject.name, qos, retain, payload: payloadOf(run) }], ([verdict]) => {
      if (verdict === 'refuse' || (verdict === 'failed' && !plugin.letsThrough('onPublish'))) return;
      const { topic: name, payload } = typeof verdict === 'object' ? verdict : {};
      if (payload !== undefined) repayloadRun(run, payload);
      const topic = name === undefined ? undefined : this.#topics.internName(name);
      if (topic === undefined) return this.#publishPlanned(plan, who, run);
      retopicRun(run, topic);
      this.#publisher.publish(run);
    });
  }

  #publishPlanned(plan: TopicPlan, who: RewriteHolder, run: Run): void {
    const target = plan.refusal === 0 ? this.#topics.planner!.targetFor(plan, who) : undefined;
    if (target === undefined) return;
    const check = this.#topics.planner!.checkOf(plan, target);
    if (check !== null && check.acceptedUntil(run, run.start) < run.end) return;
    retopicRun(run, target);
    if (plan.delayed === null || plan.delaySeconds === 0) return void this.#publisher.publish(run);
    if (!plan.delayed.hasRoom(run)) return;
    plan.delayed.prepare(plan.delaySeconds, who.identity?.clientId ?? '');
    plan.delayed.publish(run);
  }
}
