/** The shell of the interest machine, well known on each reactor. The machine belongs to the router and outlives a restart of this actor. */
import { INTEREST_RETRY_MS } from '../../base/limits.ts';
import type { Actor, ActorContext } from '../../runtime/actor.ts';
import { nodeOf, wellKnownRef } from '../../runtime/ref.ts';
import { WELL_KNOWN } from '../well-known.ts';
import type { InterestActorMessage } from './messages.ts';
import { ROUTER_PROBE } from './probe.ts';
import type { Router } from './router.ts';

const RETRY_TIMER = 1;

export class InterestActor implements Actor<InterestActorMessage> {
  readonly #router: Router;
  readonly #slots: Float64Array;
  #isTimerSet = false;

  constructor(router: Router, slots: Float64Array) {
    this.#router = router;
    this.#slots = slots;
  }

  started(ctx: ActorContext<InterestActorMessage>): void {
    // Many changes of one turn wake once, and the note arrives after them: so they leave as one message per reactor.
    this.#router.onWake(() => ctx.tell(ctx.self, { type: 'flush' }));
    this.#router.interest.start();
    this.#router.interest.flush();
    this.#afterwards(ctx);
  }

  receive(message: InterestActorMessage, ctx: ActorContext<InterestActorMessage>): void {
    const interest = this.#router.interest;
    if (message.type === 'flush') interest.flush();
    else if (message.type !== 'thread') interest.receive(message);
    else if (message.state === 'up') interest.peerUp(message.thread);
    else interest.peerDown(message.thread);
    this.#afterwards(ctx);
  }

  onTimer(_key: number, ctx: ActorContext<InterestActorMessage>): void {
    this.#isTimerSet = false;
    this.#router.interest.tick();
    this.#afterwards(ctx);
  }

  stopping(): void {
    this.#router.onWake(() => {});
  }

  inspect(): unknown {
    return this.#router.interest.inspect();
  }

  #afterwards(ctx: ActorContext<InterestActorMessage>): void {
    const interest = this.#router.interest;
    const node = nodeOf(ctx.self);
    // A refused message is like a lost one: the machine sends it again when nobody answers.
    for (const { to, message } of interest.outbox) {
      ctx.tell(wellKnownRef<InterestActorMessage>(node, to, WELL_KNOWN.interest), message);
    }
    this.#slots[ROUTER_PROBE.slot.interestMessagesSent]! += interest.outbox.length;
    interest.outbox.length = 0;
    this.#router.report();
    if (this.#isTimerSet || !interest.busy) return;
    this.#isTimerSet = true;
    ctx.startTimer(INTEREST_RETRY_MS, RETRY_TIMER);
  }
}
