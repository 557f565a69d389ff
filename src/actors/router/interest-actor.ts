/** The shell of an interest machine, well known on each reactor. The machine belongs to the router (or to the share table) and outlives a restart of this actor. */
import { INTEREST_RETRY_MS } from '../../base/limits.ts';
import type { Actor, ActorContext } from '../../runtime/actor.ts';
import { nodeOf, wellKnownRef } from '../../runtime/ref.ts';
import type { InterestMachine } from './interest-machine.ts';
import type { InterestActorMessage } from './messages.ts';
import { ROUTER_PROBE } from './probe.ts';

const RETRY_TIMER = 1;

/** Whose interest it is. */
export interface InterestOwner {
  readonly interest: InterestMachine;
  /** Called when the machine has something to send. */
  onWake(wake: () => void): void;
  /** Brings gauges up to date. */
  report(): void;
}

export class InterestActor implements Actor<InterestActorMessage> {
  readonly #owner: InterestOwner;
  readonly #wellKnown: number;
  readonly #slots: Float64Array;
  #isTimerSet = false;

  /** @param wellKnown its place, where its peers on the other reactors are too. */
  constructor(owner: InterestOwner, wellKnown: number, slots: Float64Array) {
    this.#owner = owner;
    this.#wellKnown = wellKnown;
    this.#slots = slots;
  }

  started(ctx: ActorContext<InterestActorMessage>): void {
    // Many changes of one turn wake once, and the note arrives after them: so they leave as one message per reactor.
    this.#owner.onWake(() => ctx.tell(ctx.self, { type: 'flush' }));
    this.#owner.interest.start();
    this.#owner.interest.flush();
    this.#afterwards(ctx);
  }

  receive(message: InterestActorMessage, ctx: ActorContext<InterestActorMessage>): void {
    const interest = this.#owner.interest;
    if (message.type === 'flush') interest.flush();
    else if (message.type !== 'thread') interest.receive(message);
    else if (message.state === 'up') interest.peerUp(message.thread);
    else interest.peerDown(message.thread);
    this.#afterwards(ctx);
  }

  onTimer(_key: number, ctx: ActorContext<InterestActorMessage>): void {
    this.#isTimerSet = false;
    this.#owner.interest.tick();
    this.#afterwards(ctx);
  }

  stopping(): void {
    this.#owner.onWake(() => {});
  }

  inspect(): unknown {
    return this.#owner.interest.inspect();
  }

  #afterwards(ctx: ActorContext<InterestActorMessage>): void {
    const interest = this.#owner.interest;
    const node = nodeOf(ctx.self);
    // A refused message is like a lost one: the machine sends it again when nobody answers.
    for (const { to, message } of interest.outbox) {
      ctx.tell(wellKnownRef<InterestActorMessage>(node, to, this.#wellKnown), message);
    }
    this.#slots[ROUTER_PROBE.slot.interestMessagesSent]! += interest.outbox.length;
    interest.outbox.length = 0;
    this.#owner.report();
    if (this.#isTimerSet || !interest.busy) return;
    this.#isTimerSet = true;
    ctx.startTimer(INTEREST_RETRY_MS, RETRY_TIMER);
  }
}
