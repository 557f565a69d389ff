/**
 * Runs that other reactors publish, delivered to the sessions of this one. When a session cannot take more, the ring from the publisher's reactor
 * is left to fill up, so that the publisher there meets pressure in its turn.
 */
import type { ActorSystem } from '../../runtime/system.ts';
import type { OnRemoteRun } from './actor.ts';
import { ROUTER_BYTES } from './messages.ts';
import type { PressureGauge } from './pressure.ts';
import type { RemoteWrites } from './remote-writes.ts';
import type { Router } from './router.ts';
import { decodeRun, emptyRun } from './run-codec.ts';
import type { Run } from './sink.ts';

/** Who takes the runs for members of shared subscriptions. */
export interface SharedRuns {
  receive(bytes: Uint8Array, start: number, end: number, decode: (runStart: number) => Run): void;
}

export function remoteRuns(
  system: ActorSystem,
  router: Router,
  gauge: PressureGauge,
  shares: SharedRuns,
  remoteWrites: RemoteWrites | null,
): OnRemoteRun {
  const run = emptyRun(router.topics.internName('-')!);
  const holds = new Uint32Array(system.reactors + 1);
  const unhold = (thread: number): void => {
    if (--holds[thread]! === 0) system.holdInbound(thread, false);
  };
  return (kind, bytes, start, end) => {
    let thread = 0;
    const decode = (runStart: number): Run => {
      thread = decodeRun(bytes, runStart, end, router.topics, run);
      return run;
    };
    if (kind === ROUTER_BYTES.sharedRun) {
      shares.receive(bytes, start, end, decode);
    } else {
      decode(start);
      router.source = thread;
      router.deliverLocal(run);
      router.source = system.thread;
      if (kind === ROUTER_BYTES.awaitedRun) remoteWrites?.delivered(thread, router.fanOuts?.writes ?? []);
    }
    const pressure = gauge.take();
    if (pressure === null) return;
    if (holds[thread]!++ === 0) system.holdInbound(thread, true);
    pressure.wait({ relieved: () => unhold(thread) });
  };
}
