/** The clients actor of a reactor: finds the sessions that own their client ids here and passes on what an operator wants of them. */
import { ADMIN_ASK_MS } from '../../base/limits.ts';
import type { Actor, ActorContext, ReplyTo } from '../../runtime/actor.ts';
import type { ActorRef } from '../../runtime/ref.ts';
import type { ActorSystem } from '../../runtime/system.ts';
import type { SessionMessage } from '../session/messages.ts';
import type { OwningSession } from '../session/services.ts';
import { WELL_KNOWN } from '../well-known.ts';
import type { ClientIds, ClientList, ClientsMessage, ClientView } from './messages.ts';
import { smallest } from './smallest.ts';

export class ClientsActor implements Actor<ClientsMessage> {
  readonly #sessions: ReadonlyMap<string, OwningSession>;

  constructor(sessions: ReadonlyMap<string, OwningSession>) {
    this.#sessions = sessions;
  }

  receive(message: ClientsMessage, ctx: ActorContext<ClientsMessage>): void {
    const to = ctx.replyTo();
    if (to === undefined) return;
    switch (message.type) {
      case 'ids': {
        const clientIds = smallest(this.#sessions.keys(), message.after, message.like, message.limit);
        return ctx.respond(to, { clientIds, total: this.#sessions.size } satisfies ClientIds);
      }
      case 'describe':
        return this.#describe(message.clientIds, to, ctx);
      case 'show':
        return this.#pass(message.clientId, { type: 'describe', subscriptions: true }, to, ctx);
      case 'kick': {
        const session = this.#find(message.clientId);
        if (session !== undefined) ctx.tell(session, { type: 'kick', discard: message.discard });
        return ctx.respond(to, session !== undefined);
      }
      case 'subscribe':
        return this.#pass(message.clientId, { type: 'subscribe', entries: message.entries }, to, ctx);
      case 'unsubscribe':
        return this.#pass(message.clientId, { type: 'unsubscribe', filters: message.filters }, to, ctx);
    }
  }

  inspect(): unknown {
    return { clients: this.#sessions.size };
  }

  #find(clientId: string): ActorRef<SessionMessage> | undefined {
    return this.#sessions.get(clientId)?.session;
  }

  #describe(clientIds: readonly string[], to: ReplyTo, ctx: ActorContext<ClientsMessage>): void {
    const found = clientIds.flatMap((clientId) => this.#find(clientId) ?? []);
    const clients: ClientView[] = [];
    let waiting = found.length;
    if (waiting === 0) return ctx.respond(to, { clients } satisfies ClientList);
    for (const session of found) {
      ctx.ask<SessionMessage, ClientView>(session, { type: 'describe', subscriptions: false }, ADMIN_ASK_MS / 2, (view) => {
        if (view !== undefined) clients.push(view);
        if (--waiting === 0) ctx.respond(to, { clients } satisfies ClientList);
      });
    }
  }

  #pass(clientId: string, message: SessionMessage, to: ReplyTo, ctx: ActorContext<ClientsMessage>): void {
    const session = this.#find(clientId);
    if (session === undefined) return ctx.respond(to, null);
    ctx.ask<SessionMessage, unknown>(session, message, ADMIN_ASK_MS / 2, (answer) => ctx.respond(to, answer ?? null));
  }
}

export function spawnClients(system: ActorSystem, sessions: ReadonlyMap<string, OwningSession>): ActorRef<ClientsMessage> {
  return system.spawn<ClientsMessage>(() => new ClientsActor(sessions), { name: 'clients', wellKnown: WELL_KNOWN.clients });
}
