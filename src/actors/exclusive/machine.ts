/** Who has the exclusive subscriptions of the filters that belong to one reactor. Pure. */
import type { ActorRef } from '../../runtime/ref.ts';
import type { ExclusiveClaim } from './messages.ts';

export class ExclusiveMachine {
  readonly #max: number;
  readonly #holders = new Map<string, ExclusiveClaim>();

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#holders.size;
  }

  /** The client that has it may have it again, by another session: that is one that has taken over. */
  claim(claim: ExclusiveClaim): 'granted' | 'taken' | 'full' {
    const holder = this.#holders.get(claim.filter);
    if (holder !== undefined && holder.clientId !== claim.clientId) return 'taken';
    if (holder === undefined && this.#holders.size >= this.#max) return 'full';
    this.#holders.set(claim.filter, claim);
    return 'granted';
  }

  /** A session that has been succeeded releases nothing. */
  release(filter: string, session: ActorRef<never>): boolean {
    return this.#holders.get(filter)?.session === session && this.#holders.delete(filter);
  }

  /** The sessions of a thread are gone with it. Returns what they had. */
  forget(isGone: (session: ActorRef<never>) => boolean): string[] {
    const gone = [...this.#holders].filter(([, { session }]) => isGone(session)).map(([filter]) => filter);
    for (const filter of gone) this.#holders.delete(filter);
    return gone;
  }

  holderOf(filter: string): ExclusiveClaim | undefined {
    return this.#holders.get(filter);
  }

  holders(): Iterable<ExclusiveClaim> {
    return this.#holders.values();
  }
}
