/** The listeners of a reactor by name: one well-known actor that main talks to. Each listener is a child of it. */
import type { Actor, ActorContext, Supervision } from '../../runtime/actor.ts';
import type { ActorRef } from '../../runtime/ref.ts';
import { changeBounds } from '../session/limits.ts';
import type { SessionServices } from '../session/services.ts';
import { ListenerActor, type ListenerTools, sessionSupervision } from './actor.ts';
import type { BoundsMessage, ListenerReply, ListenersMessage } from './messages.ts';
import { listenerServices } from './services.ts';
import { SharedReads } from './shared-reads.ts';

export interface ListenersTools extends Pick<ListenerTools, 'counters' | 'onFailedOpening'> {
  readonly services: SessionServices;
  readonly onSessionError: (error: unknown) => void;
}

export class ListenersActor implements Actor<ListenersMessage | BoundsMessage> {
  readonly #tools: ListenersTools;
  readonly #reads = new SharedReads();
  readonly #byName = new Map<string, ActorRef<ListenersMessage>>();

  constructor(tools: ListenersTools) {
    this.#tools = tools;
  }

  receive(message: ListenersMessage | BoundsMessage, ctx: ActorContext<ListenersMessage | BoundsMessage>): void {
    const to = ctx.replyTo();
    const reply = (answer: ListenerReply): void => {
      if (to !== undefined) ctx.respond(to, answer);
    };
    if (message.type === 'bounds') {
      changeBounds(this.#tools.services.limits, message.bounds);
      return reply({ ok: true, error: '' });
    }
    const name = message.type === 'listen' ? message.start.settings.name : message.name;
    if (message.type === 'listen' && !this.#byName.has(name)) this.#byName.set(name, this.#spawn(message, ctx));
    const listener = this.#byName.get(name);
    if (listener === undefined) return reply({ ok: false, error: `no listener ${name}` });
    ctx.ask<ListenersMessage, ListenerReply>(listener, message, LISTEN_MS_MAX, (answer, failure) =>
      reply(answer ?? { ok: false, error: failure ?? 'no answer' }),
    );
  }

  #spawn(
    { start }: Extract<ListenersMessage, { type: 'listen' }>,
    ctx: ActorContext<ListenersMessage | BoundsMessage>,
  ): ActorRef<ListenersMessage> {
    const { services, counters, onFailedOpening, onSessionError } = this.#tools;
    const { settings, row } = start;
    const tools: ListenerTools = {
      services: listenerServices(services, settings),
      settings,
      counters,
      row,
      reads: this.#reads,
      onFailedOpening,
    };
    return ctx.spawn<ListenersMessage>(() => new ListenerActor(tools), {
      name: 'listener',
      supervision: sessionSupervision(services.system.slots, onSessionError),
    });
  }
}

const LISTEN_MS_MAX = 5000;

/** A listener that fails cannot be started again where it was: its socket went with it. The thread starts anew instead. */
export const LISTENERS_SUPERVISION: Supervision = {
  strategy: 'oneForOne',
  decide: () => 'escalate',
  restartsMax: 0,
  windowMs: 1000,
  backoffMinMs: 0,
  backoffMaxMs: 0,
};
