/**
 * Runs that other reactors publish, delivered to the sessions of this one. When a session cannot take more, the ring from the publisher's reactor
 * is left to fill up, so that the publisher there meets pressure in its turn.
 */
import type { ActorSystem } from '../../runtime/system.ts';
import type { OnRemoteRun } from './actor.ts';
import type { PressureGauge } from './pressure.ts';
import type { Router } from './router.ts';
import { decodeRun, emptyRun } from './run-codec.ts';

export function remoteRuns(system: ActorSystem, router: Router, gauge: PressureGauge): OnRemoteRun {
  const run = emptyRun(router.topics.internName('-')!);
  const holds = new Uint32Array(system.reactors + 1);
  const unhold = (thread: number): void => {
    if (--holds[thread]! === 0) system.holdInbound(thread, false);
  };
  return (_kind, bytes, start, end) => {
    const thread = decodeRun(bytes, start, end, router.topics, run);
    router.source = thread;
    router.deliverLocal(run);
    router.source = system.thread;
    const pressure = gauge.take();
    if (pressure === null) return;
    if (holds[thread]!++ === 0) system.holdInbound(thread, true);
    pressure.wait({ relieved: () => unhold(thread) });
  };
}
