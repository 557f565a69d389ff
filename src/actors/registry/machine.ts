/**
 * Who owns which client id. Pure; one per reactor, for the ids that hash to it.
 *
 * The owner is who claimed last. Those before it stay known until they are done: if the owner dies before it has taken over, the one before it has the id
 * again and is found by the next claim. Usually there is one.
 */
import { type ActorRef, NOBODY, threadOf } from '../../runtime/ref.ts';
import type { SessionMessage } from '../session/messages.ts';

type Session = ActorRef<SessionMessage>;

interface Claimant {
  readonly session: Session;
  /** Number of the claim: later claims have higher ones, over all incarnations of a registry. */
  readonly claim: number;
  before: Claimant | null;
}

const CLAIMS_PER_INCARNATION = 2 ** 32;

export class RegistryMachine {
  readonly #last = new Map<string, Claimant>();
  readonly #firstClaim: number;
  #nextClaim: number;

  constructor(incarnation: number = 0) {
    this.#firstClaim = incarnation * CLAIMS_PER_INCARNATION + 1;
    this.#nextClaim = this.#firstClaim;
  }

  get size(): number {
    return this.#last.size;
  }

  ownerOf(clientId: string): Session {
    return this.#last.get(clientId)?.session ?? (NOBODY as Session);
  }

  /** Makes `session` the owner and returns the one before it. Claims are served in order, so takeovers form a chain without forks. One who has not heard the answer asks again, and hears the same. */
  claim(clientId: string, session: Session): { readonly previous: Session; readonly claim: number } {
    const known = this.#find(clientId, session);
    if (known !== null) return { previous: known.before?.session ?? (NOBODY as Session), claim: known.claim };
    const before = this.#last.get(clientId) ?? null;
    const claim = this.#nextClaim++;
    this.#last.set(clientId, { session, claim, before });
    return { previous: before?.session ?? (NOBODY as Session), claim };
  }

  /** Who is there before `session`; `gone` is not any more. */
  skip(clientId: string, session: Session, gone: Session): { readonly previous: Session; readonly claim: number } {
    this.release(clientId, gone);
    const at = this.#find(clientId, session);
    return { previous: at?.before?.session ?? (NOBODY as Session), claim: at?.claim ?? 0 };
  }

  release(clientId: string, session: Session): void {
    this.#remove(clientId, (claimant) => claimant.session === session);
  }

  /**
   * A session that lives makes itself known to a registry that came back, or may have, with the number of its claim. False: somebody has claimed the id here in the meantime
   * and does not know of it, so the announcer has to give way.
   */
  announce(clientId: string, session: Session, claim: number): boolean {
    if (this.#find(clientId, session) !== null) return true;
    let after: Claimant | null = null;
    let at = this.#last.get(clientId) ?? null;
    for (; at !== null && at.claim >= claim; at = at.before) {
      if (at.claim >= this.#firstClaim) return false;
      after = at;
    }
    const claimant = { session, claim, before: at };
    if (after === null) this.#last.set(clientId, claimant);
    else after.before = claimant;
    return true;
  }

  /** A reactor has died, and its sessions with it. Returns the ids that are free again. */
  forgetThread(thread: number): string[] {
    const free: string[] = [];
    for (const clientId of this.#last.keys()) {
      this.#remove(clientId, ({ session }) => threadOf(session) === thread);
      if (!this.#last.has(clientId)) free.push(clientId);
    }
    return free;
  }

  #find(clientId: string, session: Session): Claimant | null {
    let at = this.#last.get(clientId) ?? null;
    while (at !== null && at.session !== session) at = at.before;
    return at;
  }

  #remove(clientId: string, isGone: (claimant: Claimant) => boolean): void {
    let after: Claimant | null = null;
    for (let at = this.#last.get(clientId) ?? null; at !== null; at = at.before) {
      if (!isGone(at)) after = at;
      else if (after !== null) after.before = at.before;
      else if (at.before !== null) this.#last.set(clientId, at.before);
      else this.#last.delete(clientId);
    }
  }
}
