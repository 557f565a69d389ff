/** The exclusive subscriptions that sessions of this reactor have. Plain data of its thread. Bounded by the subscriptions that a client may have. */
import { EXCLUSIVE_ASK_MS } from '../../base/limits.ts';
import type { ActorContext } from '../../runtime/actor.ts';
import { placeKey } from '../../runtime/placement.ts';
import { type ActorRef, wellKnownRef } from '../../runtime/ref.ts';
import type { ActorSystem } from '../../runtime/system.ts';
import type { Sink } from '../router/sink.ts';
import { WELL_KNOWN } from '../well-known.ts';
import type { ClaimExclusive, ExclusiveAnswer, ExclusiveClaim, ExclusiveMessage } from './messages.ts';

interface Held extends ExclusiveClaim {
  readonly sink: Sink;
}

export class ExclusiveClaims {
  readonly #system: ActorSystem;
  /** A filter is one client's, so it is here once. */
  readonly #held = new Map<string, Held>();

  constructor(system: ActorSystem) {
    this.#system = system;
    system.onThreadChange((thread, state) => {
      if (state !== 'up') return;
      for (const { filter, clientId, session } of this.#held.values()) {
        if (this.#isAt(filter, thread)) system.tell(this.#home(filter), { type: 'claim', filter, clientId, session });
      }
    });
  }

  has(sink: Sink, filter: string): boolean {
    return this.#held.get(filter)?.sink === sink;
  }

  /** Asks for `filter` on behalf of a session, which calls this in its own turn; undefined: nobody has answered. */
  claim<M>(
    ctx: ActorContext<M>,
    sink: Sink,
    clientId: string,
    filter: string,
    then: (answer: ExclusiveAnswer | undefined) => void,
  ): void {
    const session = ctx.self as ActorRef<never>;
    const request: ClaimExclusive = { type: 'claim', filter, clientId, session };
    ctx.ask<ExclusiveMessage, ExclusiveAnswer>(this.#home(filter), request, EXCLUSIVE_ASK_MS, (answer) => {
      if (answer === 'granted') this.#held.set(filter, { filter, clientId, session, sink });
      then(answer);
    });
  }

  release(sink: Sink, filter: string): void {
    const held = this.#held.get(filter);
    if (held?.sink !== sink) return;
    this.#held.delete(filter);
    this.#system.tell(this.#home(filter), { type: 'release', filter, session: held.session });
  }

  releaseAll(sink: Sink): void {
    for (const filter of this.filtersOf(sink)) this.release(sink, filter);
  }

  /** Its heir, on another reactor, goes on with what it has, and says so itself: released before that, it could be somebody else's in between. */
  leave(sink: Sink): void {
    for (const filter of this.filtersOf(sink)) this.#held.delete(filter);
  }

  /** Another session of the same client goes on with what `from` has. */
  move(from: Sink, to: Sink, clientId: string, session: ActorRef<never>): void {
    this.adopt(to, clientId, session, this.filtersOf(from));
  }

  /** The session goes on with what another one of its client has had, on whichever reactor. */
  adopt(sink: Sink, clientId: string, session: ActorRef<never>, filters: readonly string[]): void {
    for (const filter of filters) {
      this.#held.set(filter, { filter, clientId, session, sink });
      this.#system.tell(this.#home(filter), { type: 'claim', filter, clientId, session });
    }
  }

  filtersOf(sink: Sink): string[] {
    if (this.#held.size === 0) return [];
    return [...this.#held.values()].filter((each) => each.sink === sink).map(({ filter }) => filter);
  }

  #isAt(filter: string, thread: number): boolean {
    return placeKey(filter, this.#system.reactors) === thread;
  }

  #home(filter: string): ActorRef<ExclusiveMessage> {
    const { node, reactors } = this.#system;
    return wellKnownRef<ExclusiveMessage>(node, placeKey(filter, reactors), WELL_KNOWN.exclusive);
  }
}
