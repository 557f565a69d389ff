/**
 * The router's actor, well known on each reactor: takes the runs of publishes that other reactors send. Nothing else is ever sent to it, so its mailbox
 * stays empty and runs are handled where they lie in the ring, without a copy; control messages go to the interest actor beside it. The
 * router itself is called directly by the sessions of its thread.
 */
import type { Actor } from '../../runtime/actor.ts';
import { type ActorRef, threadOf } from '../../runtime/ref.ts';
import type { ActorSystem } from '../../runtime/system.ts';
import { WELL_KNOWN } from '../well-known.ts';
import { InterestActor, type InterestOwner } from './interest-actor.ts';
import type { InterestActorMessage } from './messages.ts';
import { ROUTER_PROBE } from './probe.ts';
import type { Router } from './router.ts';

/** Takes a run that another reactor sent; the bytes are valid during the call. */
export type OnRemoteRun = (kind: number, bytes: Uint8Array, start: number, end: number) => void;

export class RouterActor implements Actor<never> {
  readonly #router: Router;
  readonly #onRemoteRun: OnRemoteRun;
  readonly #slots: Float64Array;

  constructor(router: Router, slots: Float64Array, onRemoteRun: OnRemoteRun) {
    this.#router = router;
    this.#slots = slots;
    this.#onRemoteRun = onRemoteRun;
  }

  receive(): void {}

  receiveBytes(kind: number, bytes: Uint8Array, start: number, end: number): void {
    this.#slots[ROUTER_PROBE.slot.remoteRuns]!++;
    this.#onRemoteRun(kind, bytes, start, end);
  }

  inspect(): unknown {
    return this.#router.inspect();
  }
}

/** Starts the router's two actors at their well-known places and tells them of the other reactors' deaths and returns. */
export function spawnRouter(system: ActorSystem, router: Router, onRemoteRun: OnRemoteRun): ActorRef<never> {
  spawnInterest(system, router, 'interest', WELL_KNOWN.interest);
  return system.spawn<never>(() => new RouterActor(router, system.slots, onRemoteRun), {
    name: 'router',
    wellKnown: WELL_KNOWN.router,
  });
}

/** Starts the actor through which an interest machine talks to those of the other reactors. */
export function spawnInterest(system: ActorSystem, owner: InterestOwner, name: string, wellKnown: number): void {
  const interest = system.spawn<InterestActorMessage>(() => new InterestActor(owner, wellKnown, system.slots), {
    name,
    wellKnown,
  });
  system.onThreadChange((thread, state) => {
    if (thread !== threadOf(interest)) system.tell(interest, { type: 'thread', thread, state });
  });
}
