/** The delayed actor of a reactor: gives its store the turns in which messages are due, and answers main. */
import type { Actor, ActorContext, TimerHandle } from '../../runtime/actor.ts';
import type { ActorRef } from '../../runtime/ref.ts';
import type { ActorSystem } from '../../runtime/system.ts';
import { WELL_KNOWN } from '../well-known.ts';
import type { DelayedRequest } from './messages.ts';
import type { DelayedStore } from './store.ts';

const DUE = 1;
const SOONER = 1;
/** The wall clock may be set while something waits: it is looked at this often, milliseconds. */
const LOOK_MS_MAX = 10_000;

export class DelayedActor implements Actor<DelayedRequest> {
  readonly #store: DelayedStore;
  #timer: TimerHandle | null = null;

  constructor(store: DelayedStore) {
    this.#store = store;
  }

  started(ctx: ActorContext<DelayedRequest>): void {
    this.#store.onSooner = () => ctx.io(SOONER, undefined);
    this.#advance(ctx);
  }

  receive(message: DelayedRequest, ctx: ActorContext<DelayedRequest>): void {
    const to = ctx.replyTo();
    if (to === undefined) return;
    if (message.type === 'list') ctx.respond(to, this.#store.list(message.after, message.limit));
    else ctx.respond(to, this.#store.delete(message.id));
  }

  onIo(_event: number, _argument: unknown, ctx: ActorContext<DelayedRequest>): void {
    this.#advance(ctx);
  }

  onTimer(_key: number, ctx: ActorContext<DelayedRequest>): void {
    this.#timer = null;
    this.#advance(ctx);
  }

  inspect(): unknown {
    return this.#store.inspect();
  }

  #advance(ctx: ActorContext<DelayedRequest>): void {
    if (this.#timer !== null) ctx.cancelTimer(this.#timer);
    const waitMs = this.#store.advance();
    this.#timer = waitMs === undefined ? null : ctx.startTimer(Math.min(waitMs, LOOK_MS_MAX), DUE);
  }
}

export function spawnDelayed(system: ActorSystem, store: DelayedStore): ActorRef<DelayedRequest> {
  return system.spawn<DelayedRequest>(() => new DelayedActor(store), { name: 'delayed', wellKnown: WELL_KNOWN.delayed });
}
