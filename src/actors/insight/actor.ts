import type { Actor, ActorContext } from '../../runtime/actor.ts';
import { type ActorRef, wellKnownRef } from '../../runtime/ref.ts';
import type { ActorSystem } from '../../runtime/system.ts';
import { WELL_KNOWN } from '../well-known.ts';
import type { Insight } from './insight.ts';
import type { InsightMessage, SlowList } from './messages.ts';
import { TRACER_SLOT, type Traced } from './traces.ts';

const LINES = 1;

export class InsightActor implements Actor<InsightMessage> {
  readonly #insight: Insight;

  readonly #tracer: ActorRef<Traced>;

  constructor(insight: Insight, tracer: ActorRef<Traced>) {
    this.#insight = insight;
    this.#tracer = tracer;
  }

  started(ctx: ActorContext<InsightMessage>): void {
    this.#insight.traces.onQueued = () => ctx.io(LINES, undefined);
  }

  onIo(_event: number, _argument: unknown, ctx: ActorContext<InsightMessage>): void {
    ctx.tell<Traced>(this.#tracer, { type: 'traced', lines: this.#insight.traces.take() });
  }

  receive(message: InsightMessage, ctx: ActorContext<InsightMessage>): void {
    const answer = this.#answer(message, ctx);
    const to = ctx.replyTo();
    if (to !== undefined) ctx.respond(to, answer);
  }

  #answer(message: InsightMessage, ctx: ActorContext<InsightMessage>): unknown {
    const { meters, slow, traces } = this.#insight;
    switch (message.type) {
      case 'meters':
        meters.replace(message.meters);
        this.#insight.onChange();
        return true;
      case 'traces':
        traces.replace(message.traces);
        this.#insight.onTraces();
        return true;
      case 'reload':
        this.#insight.onIntake(message.intake);
        this.#insight.onBounds(message.bounds);
        this.#insight.onLogLevel(message.logLevel);
        return true;
      case 'slow':
        return { clients: slow?.list(ctx.wallClock()) ?? [] } satisfies SlowList;
      case 'clear-slow':
        slow?.clear();
        return true;
    }
  }
}

export function spawnInsight(system: ActorSystem, insight: Insight): ActorRef<InsightMessage> {
  const tracer = wellKnownRef<Traced>(system.node, 0, TRACER_SLOT);
  return system.spawn<InsightMessage>(() => new InsightActor(insight, tracer), {
    name: 'insight',
    wellKnown: WELL_KNOWN.insight,
  });
}
