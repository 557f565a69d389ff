/** Who owns which client id. Pure; one per reactor, for the ids that hash to it. */
import { type ActorRef, NOBODY, threadOf } from '../../runtime/ref.ts';
import type { SessionMessage } from '../session/messages.ts';

type Owner = ActorRef<SessionMessage>;

export class RegistryMachine {
  readonly #owners = new Map<string, Owner>();

  get size(): number {
    return this.#owners.size;
  }

  ownerOf(clientId: string): Owner {
    return this.#owners.get(clientId) ?? (NOBODY as Owner);
  }

  /** Makes `session` the owner and returns the one before it. Claims are served in order, so takeovers form a chain without forks. */
  claim(clientId: string, session: Owner): Owner {
    const previous = this.ownerOf(clientId);
    this.#owners.set(clientId, session);
    return previous;
  }

  release(clientId: string, session: Owner): void {
    if (this.#owners.get(clientId) === session) this.#owners.delete(clientId);
  }

  /** False: somebody else has claimed the id since this registry came back, and the announcer has to give way. */
  announce(clientId: string, session: Owner): boolean {
    const owner = this.#owners.get(clientId);
    if (owner !== undefined) return owner === session;
    this.#owners.set(clientId, session);
    return true;
  }

  /** A reactor has died, and its sessions with it. Returns how many ids are free again. */
  forgetThread(thread: number): number {
    const before = this.#owners.size;
    for (const [clientId, session] of this.#owners) {
      if (threadOf(session) === thread) this.#owners.delete(clientId);
    }
    return before - this.#owners.size;
  }
}
