/** The exclusive actor of a reactor: gives the filters that belong to it to one client each, and takes back those of threads that have died. */
import { EXCLUSIVE_TOPICS_MAX } from '../../base/limits.ts';
import type { Actor, ActorContext } from '../../runtime/actor.ts';
import { type ActorRef, threadOf } from '../../runtime/ref.ts';
import type { ActorSystem } from '../../runtime/system.ts';
import { WELL_KNOWN } from '../well-known.ts';
import { ExclusiveMachine } from './machine.ts';
import type { ExclusiveAnswer, ExclusiveMessage } from './messages.ts';
import { EXCLUSIVE_PROBE } from './probe.ts';

const { slot } = EXCLUSIVE_PROBE;

export class ExclusiveActor implements Actor<ExclusiveMessage> {
  readonly #machine: ExclusiveMachine;
  readonly #slots: Float64Array;

  /** @param machine outlives a restart of the actor. */
  constructor(machine: ExclusiveMachine, slots: Float64Array) {
    this.#machine = machine;
    this.#slots = slots;
  }

  receive(message: ExclusiveMessage, ctx: ActorContext<ExclusiveMessage>): void {
    if (message.type === 'release') this.#machine.release(message.filter, message.session);
    else {
      const answer: ExclusiveAnswer = this.#machine.claim(message);
      if (answer !== 'granted') this.#slots[slot.refused]!++;
      const to = ctx.replyTo();
      if (to !== undefined) ctx.respond(to, answer);
    }
    this.#slots[slot.held] = this.#machine.size;
  }

  inspect(): unknown {
    return { held: this.#machine.size };
  }
}

export function spawnExclusive(system: ActorSystem): ActorRef<ExclusiveMessage> {
  const machine = new ExclusiveMachine(EXCLUSIVE_TOPICS_MAX);
  system.onThreadChange((thread, state) => {
    if (state === 'down') machine.forget((session) => threadOf(session) === thread);
  });
  return system.spawn<ExclusiveMessage>(() => new ExclusiveActor(machine, system.slots), {
    name: 'exclusive',
    wellKnown: WELL_KNOWN.exclusive,
  });
}
