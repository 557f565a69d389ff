/**
 * Runs that other reactors publish, delivered to the sessions of this one. When a session cannot take more, the ring from the publisher's reactor
 * is left to fill up, so that the publisher there meets pressure in its turn.
 */
import type { ActorSystem } from '../../runtime/system.ts';
import type { Parts } from '../inbox/parts.ts';
import { traceDeliveries } from '../intake/watched-outlet.ts';
import type { OnRemoteRun } from './actor.ts';
import { ROUTER_BYTES } from './messages.ts';
import type { PressureGauge } from './pressure.ts';
import { type Publisher, UNIT_BYTES } from './publisher.ts';
import type { Router } from './router.ts';
import { decodeRun, emptyRun } from './run-codec.ts';
import type { Run } from './sink.ts';

/** Who takes the runs for members of shared subscriptions. */
export interface SharedRuns {
  receive(bytes: Uint8Array, start: number, end: number, decode: (runStart: number) => Run): void;
}

/** What is delivered here is counted, and traced, here. */
export function noteDelivered(router: Router, run: Run, delivered: number): void {
  const plan = router.topics.planOf(run.topic);
  if (plan === null || delivered === 0) return;
  for (const each of plan.meters ?? []) each.delivered(delivered, run.count);
  if (plan.trace !== null) traceDeliveries(plan.trace, router, run);
}

export function remoteRuns(
  system: ActorSystem,
  router: Router,
  gauge: PressureGauge,
  shares: SharedRuns,
  { passing }: Pick<Publisher, 'passing'>,
  parts: Parts | null,
): OnRemoteRun {
  const run = emptyRun(router.topics.internName('-')!);
  const holds = new Uint32Array(system.reactors + 1);
  const unhold = (thread: number): void => {
    if (--holds[thread]! === 0) system.holdInbound(thread, false);
  };
  let thread = 0;
  const deliver = (): void => {
    router.source = thread;
    const delivered = router.deliverLocal(run);
    if (run.topic.plan !== null) noteDelivered(router, run, delivered);
    router.source = system.thread;
  };
  const unitAt = (bytes: Uint8Array, start: number): number =>
    new DataView(bytes.buffer, bytes.byteOffset + start).getUint32(0, true);
  return (kind, bytes, start, end) => {
    const decode = (runStart: number): Run => {
      thread = decodeRun(bytes, runStart, end, router.topics, run);
      return run;
    };
    if (kind === ROUTER_BYTES.sharedRun) {
      shares.receive(bytes, start, end, decode);
    } else if (kind === ROUTER_BYTES.awaitedSharedRun && parts !== null) {
      const decodeAwaited = (runStart: number): Run => {
        decode(runStart);
        passing.from = thread;
        passing.unit = unitAt(bytes, start);
        parts.begin(thread, passing.unit);
        return run;
      };
      shares.receive(bytes, start + UNIT_BYTES, end, decodeAwaited);
      passing.from = 0;
      parts.delivered(thread);
    } else if (kind === ROUTER_BYTES.awaitedRun && parts !== null) {
      decode(start + UNIT_BYTES);
      parts.begin(thread, unitAt(bytes, start));
      deliver();
      parts.delivered(thread);
    } else {
      decode(start);
      deliver();
    }
    const pressure = gauge.take();
    if (pressure === null) return;
    const from = thread;
    if (holds[from]!++ === 0) system.holdInbound(from, true);
    pressure.wait({ relieved: () => unhold(from) });
  };
}
