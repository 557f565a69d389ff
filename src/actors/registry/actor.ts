/**
 * The registry of client ids on one reactor. A client id is placed on a reactor by its hash, so claims of one id are served in one order wherever its
 * connections are. It holds no session: the claimer fetches that from the previous owner itself.
 */
import type { Actor, ActorContext } from '../../runtime/actor.ts';
import { NOBODY } from '../../runtime/ref.ts';
import type { ActorSystem } from '../../runtime/system.ts';
import { RegistryMachine } from './machine.ts';
import type { Granted, RegistryMessage } from './messages.ts';
import { REGISTRY_PROBE } from './probe.ts';

const { slot } = REGISTRY_PROBE;

export class RegistryActor implements Actor<RegistryMessage> {
  readonly #machine = new RegistryMachine();
  readonly #system: ActorSystem;

  constructor(system: ActorSystem) {
    this.#system = system;
    system.onThreadChange((thread, state) => {
      if (state === 'down') this.#machine.forgetThread(thread);
      this.#count();
    });
  }

  receive(message: RegistryMessage, ctx: ActorContext<RegistryMessage>): void {
    switch (message.type) {
      case 'claim': {
        const previous = this.#machine.claim(message.clientId, message.session);
        this.#system.slots[slot.claims]! += 1;
        if (previous !== NOBODY) this.#system.slots[slot.takeovers]! += 1;
        const to = ctx.replyTo();
        if (to !== undefined) ctx.respond(to, { previous } satisfies Granted);
        break;
      }
      case 'release':
        this.#machine.release(message.clientId, message.session);
        break;
      case 'announce':
        if (!this.#machine.announce(message.clientId, message.session)) {
          ctx.tell(message.session, { type: 'superseded' });
        }
        break;
    }
    this.#count();
  }

  inspect(): unknown {
    return { clientIds: this.#machine.size };
  }

  #count(): void {
    this.#system.slots[slot.clients] = this.#machine.size;
  }
}
