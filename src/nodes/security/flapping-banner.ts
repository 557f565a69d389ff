/** The actor on main that hears from the reactors which clients connect over and over, and has them banned. */
import type { FlappingMessage } from '../../actors/access/messages.ts';
import type { Actor } from '../../runtime/actor.ts';

export class FlappingBanner implements Actor<FlappingMessage> {
  readonly #ban: (clientId: string) => void;

  constructor(ban: (clientId: string) => void) {
    this.#ban = ban;
  }

  receive({ type, clientId }: FlappingMessage): void {
    if (type === 'flapping' && typeof clientId === 'string') this.#ban(clientId);
  }
}
