/**
 * Who has claimed which client id, and after whom. Pure.
 *
 * The owner is who claimed last. Those before it stay known until they are done: if the owner ends before it has taken over, the one before it has the id
 * again. Usually there is one.
 */
import type { ActorRef } from '../../runtime/ref.ts';
import type { SessionMessage } from '../session/messages.ts';

type Session = ActorRef<SessionMessage>;

export interface Claimant {
  readonly session: Session;
  /** Number of the claim: later claims have higher ones, over all incarnations of a registry. */
  readonly claim: number;
  readonly before: Claimant | null;
}

interface Link extends Claimant {
  before: Link | null;
}

export class Claims {
  readonly #last = new Map<string, Link>();

  /** Client ids. */
  get size(): number {
    return this.#last.size;
  }

  clientIds(): IterableIterator<string> {
    return this.#last.keys();
  }

  has(clientId: string): boolean {
    return this.#last.has(clientId);
  }

  last(clientId: string): Claimant | undefined {
    return this.#last.get(clientId);
  }

  find(clientId: string, session: Session): Claimant | undefined {
    for (let at = this.#last.get(clientId) ?? null; at !== null; at = at.before) if (at.session === session) return at;
    return undefined;
  }

  /** Puts the claim in its place among those for the client id. A session has one. */
  enter(clientId: string, session: Session, claim: number): void {
    this.remove(clientId, (claimant) => claimant.session === session);
    let after: Link | null = null;
    let at = this.#last.get(clientId) ?? null;
    for (; at !== null && at.claim >= claim; at = at.before) after = at;
    const link: Link = { session, claim, before: at };
    if (after === null) this.#last.set(clientId, link);
    else after.before = link;
  }

  remove(clientId: string, isGone: (claimant: Claimant) => boolean): void {
    let after: Link | null = null;
    for (let at = this.#last.get(clientId) ?? null; at !== null; at = at.before) {
      if (!isGone(at)) after = at;
      else if (after !== null) after.before = at.before;
      else if (at.before !== null) this.#last.set(clientId, at.before);
      else this.#last.delete(clientId);
    }
  }

  /** Every claim with its client id. */
  *[Symbol.iterator](): Generator<readonly [clientId: string, claimant: Claimant]> {
    for (const [clientId, last] of this.#last) {
      for (let at: Claimant | null = last; at !== null; at = at.before) yield [clientId, at];
    }
  }
}
