/** The clients actor of a reactor: finds the sessions that own their client ids here and passes on what an operator wants of them; on the first reactor also for all of the node. */
import { ADMIN_ASK_MS } from '../../base/limits.ts';
import type { Actor, ActorContext, ReplyTo } from '../../runtime/actor.ts';
import type { ActorRef } from '../../runtime/ref.ts';
import type { ActorSystem } from '../../runtime/system.ts';
import type { Claims } from '../registry/claims.ts';
import type { SessionMessage } from '../session/messages.ts';
import { WELL_KNOWN } from '../well-known.ts';
import type { ClientList, ClientsMessage, ClientView, PageRequest } from './messages.ts';
import { actInNode, pageOfNode } from './node-clients.ts';
import { smallest } from './smallest.ts';

type Context = ActorContext<ClientsMessage>;

export class ClientsActor implements Actor<ClientsMessage> {
  readonly #system: ActorSystem;
  readonly #sessions: Claims;

  constructor(system: ActorSystem, sessions: Claims) {
    this.#system = system;
    this.#sessions = sessions;
  }

  receive(message: ClientsMessage, ctx: Context): void {
    const to = ctx.replyTo();
    if (to === undefined) return;
    switch (message.type) {
      case 'page':
        return this.#page(message, to, ctx);
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
      case 'ClientsPage':
        return pageOfNode(this.#system, ctx, message, (answer) => ctx.respond(to, answer));
      case 'ClientAct':
        return actInNode(this.#system, ctx, message, (answer) => ctx.respond(to, answer));
    }
  }

  inspect(): unknown {
    return { clients: this.#sessions.size };
  }

  #find(clientId: string): ActorRef<SessionMessage> | undefined {
    return this.#sessions.last(clientId)?.session;
  }

  #page({ after, like, limit }: PageRequest, to: ReplyTo, ctx: Context): void {
    const clients: ClientView[] = [];
    const total = this.#sessions.size;
    const found = smallest(this.#sessions.clientIds(), after, like, limit).flatMap((clientId) => this.#find(clientId) ?? []);
    let waiting = found.length;
    if (waiting === 0) return ctx.respond(to, { clients, total } satisfies ClientList);
    for (const session of found) {
      ctx.ask<SessionMessage, ClientView>(session, { type: 'describe', subscriptions: false }, ADMIN_ASK_MS / 2, (view) => {
        if (view !== undefined) clients.push(view);
        if (--waiting === 0) ctx.respond(to, { clients, total } satisfies ClientList);
      });
    }
  }

  #pass(clientId: string, message: SessionMessage, to: ReplyTo, ctx: Context): void {
    const session = this.#find(clientId);
    if (session === undefined) return ctx.respond(to, null);
    ctx.ask<SessionMessage, unknown>(session, message, ADMIN_ASK_MS / 2, (answer) => ctx.respond(to, answer ?? null));
  }
}

export function spawnClients(system: ActorSystem, sessions: Claims): ActorRef<ClientsMessage> {
  const options = { name: 'clients', wellKnown: WELL_KNOWN.clients };
  return system.spawn<ClientsMessage>(() => new ClientsActor(system, sessions), options);
}
