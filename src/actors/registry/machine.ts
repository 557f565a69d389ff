/** Who owns which client id. Pure; one per reactor, for the ids that hash to it. If an owner dies before it has taken over, the one before it is found by the next claim. */
import { type ActorRef, NOBODY, threadOf } from '../../runtime/ref.ts';
import type { SessionMessage } from '../session/messages.ts';
import { type Claimant, Claims } from './claims.ts';

type Session = ActorRef<SessionMessage>;

const CLAIMS_PER_INCARNATION = 2 ** 32;

export class RegistryMachine {
  readonly #claims = new Claims();
  readonly #firstClaim: number;
  #nextClaim: number;

  constructor(incarnation: number = 0) {
    this.#firstClaim = incarnation * CLAIMS_PER_INCARNATION + 1;
    this.#nextClaim = this.#firstClaim;
  }

  get size(): number {
    return this.#claims.size;
  }

  ownerOf(clientId: string): Session {
    return sessionOf(this.#claims.last(clientId));
  }

  /** Makes `session` the owner and returns the one before it. Claims are served in order, so takeovers form a chain without forks. One who has not heard the answer asks again, and hears the same. */
  claim(clientId: string, session: Session): { readonly previous: Session; readonly claim: number } {
    const known = this.#claims.find(clientId, session);
    if (known !== undefined) return { previous: sessionOf(known.before), claim: known.claim };
    const previous = this.ownerOf(clientId);
    const claim = this.#nextClaim++;
    this.#claims.enter(clientId, session, claim);
    return { previous, claim };
  }

  /** Who is there before `session`; `gone` is not any more. */
  skip(clientId: string, session: Session, gone: Session): { readonly previous: Session; readonly claim: number } {
    this.release(clientId, gone);
    const at = this.#claims.find(clientId, session);
    return { previous: sessionOf(at?.before), claim: at?.claim ?? 0 };
  }

  release(clientId: string, session: Session): void {
    this.#claims.remove(clientId, (claimant) => claimant.session === session);
  }

  /**
   * A session that lives makes itself known to a registry that came back, or may have, with the number of its claim. False: somebody has claimed the id here in the meantime
   * and does not know of it, so the announcer has to give way.
   */
  announce(clientId: string, session: Session, claim: number): boolean {
    if (this.#claims.find(clientId, session) !== undefined) return true;
    // Who claimed here did so after everybody who announces anything.
    const last = this.#claims.last(clientId);
    if (last !== undefined && last.claim >= claim && last.claim >= this.#firstClaim) return false;
    this.#claims.enter(clientId, session, claim);
    return true;
  }

  /** A reactor has died, and its sessions with it. Returns the ids that are free again. */
  forgetThread(thread: number): string[] {
    const free: string[] = [];
    for (const clientId of this.#claims.clientIds()) {
      this.#claims.remove(clientId, ({ session }) => threadOf(session) === thread);
      if (!this.#claims.has(clientId)) free.push(clientId);
    }
    return free;
  }
}

function sessionOf(claimant: Claimant | null | undefined): Session {
  return claimant?.session ?? (NOBODY as Session);
}
