/** Publishes runs of topics that are counted or traced. One per reader; its fields are scratch space. */
import type { Meter } from '../insight/meters.ts';
import type { TopicTrace } from '../insight/traces.ts';
import type { Publisher } from '../router/publisher.ts';
import type { Router } from '../router/router.ts';
import type { Run } from '../router/sink.ts';
import type { StagedWrite } from '../shard/staged.ts';

export class WatchedOutlet {
  readonly #publisher: Publisher;
  readonly #router: Router;
  meters: readonly Meter[] = [];
  trace: TopicTrace | null = null;
  clientId = '';

  constructor(publisher: Publisher, router: Router) {
    this.#publisher = publisher;
    this.#router = router;
  }

  get writes(): readonly StagedWrite[] {
    return this.#publisher.writes;
  }

  publish(run: Run): number {
    for (const meter of this.meters) meter.received(run);
    const reached = this.#publisher.publish(run);
    // Other reactors count what they deliver.
    const here = reached - bits(run.topic.interest);
    for (const meter of this.meters) {
      if (reached === 0) meter.dropped(run.count);
      else if (here > 0) meter.delivered(here, run.count);
    }
    if (this.trace !== null) {
      this.trace.published(run, this.clientId);
      traceDeliveries(this.trace, this.#router, run);
    }
    return reached;
  }
}

function bits(mask: number): number {
  let count = 0;
  for (let left = mask; left !== 0; left &= left - 1) count++;
  return count;
}

/** To whom of this reactor a run has gone; members of shared subscriptions are chosen elsewhere and not among them. */
export function traceDeliveries(trace: TopicTrace, router: Router, run: Run): void {
  const to = router.route(run.topic).flatMap(({ sink, share, noLocal }) => {
    const isSkipped = share !== null || (noLocal && sink === run.publisher);
    return isSkipped || sink.clientId === undefined ? [] : [sink.clientId];
  });
  if (to.length > 0) trace.delivered(run, to);
}
