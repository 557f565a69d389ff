/** The sessions of bridges on one reactor: for each connection that a bridge makes from its own thread. They are the operator's: rules and rates are for clients. */
import type { MessagePort } from 'node:worker_threads';
import { AccessPolicy } from '../../actors/access/policy.ts';
import type { ClientDetails } from '../../actors/clients/messages.ts';
import { sessionSupervision } from '../../actors/listener/actor.ts';
import type { SessionMessage } from '../../actors/session/messages.ts';
import { SessionSeed } from '../../actors/session/seed.ts';
import type { SessionServices } from '../../actors/session/services.ts';
import { ADMIN_ASK_MS } from '../../base/limits.ts';
import type { Actor, ActorContext } from '../../runtime/actor.ts';
import { onGuest } from '../../runtime/guests.ts';
import { OPEN_ACCESS } from '../broker.ts';
import type { SubscriptionsAnswer } from './local-client.ts';
import { BRIDGE_GUEST } from './messages.ts';
import { PortTransport } from './port-transport.ts';

const IO_GUEST = 1;
const IO_QUERY = 2;

/** The actor above the sessions. */
class BridgeSessionsActor implements Actor<never> {
  readonly #services: SessionServices;

  constructor(services: SessionServices) {
    this.#services = services;
  }

  started(ctx: ActorContext<never>): void {
    onGuest(BRIDGE_GUEST, (_name: string, port) => ctx.io(IO_GUEST, port));
  }

  receive(): void {}

  onIo(event: number, argument: unknown, ctx: ActorContext<never>): void {
    if (event === IO_GUEST) this.#admit(argument as MessagePort, ctx);
    else (argument as () => void)();
  }

  #admit(port: MessagePort, ctx: ActorContext<never>): void {
    const query = (): void => {
      ctx.ask<SessionMessage, ClientDetails>(session, { type: 'describe', subscriptions: true }, ADMIN_ASK_MS, (details) => {
        const subscriptions = (details?.subscriptions ?? []).map(({ filter }) => filter);
        port.postMessage({ subscriptions } satisfies SubscriptionsAnswer);
      });
    };
    const transport = new PortTransport(port, () => ctx.io(IO_QUERY, query));
    const seed = new SessionSeed(this.#services, () => transport);
    const session = ctx.spawn<SessionMessage>(() => seed.make(), { name: 'session' });
  }
}

export function serveBridges(services: SessionServices, onSessionError: (error: unknown) => void): void {
  const { system } = services;
  const own: SessionServices = {
    ...services,
    listener: { name: 'bridge', authChain: '', mountpoint: '' },
    authenticator: undefined,
    authorizer: undefined,
    enhanced: new Map(),
    rates: null,
    access: new AccessPolicy(OPEN_ACCESS.options),
    isOwn: true,
  };
  const supervision = sessionSupervision(system.slots, onSessionError);
  system.spawn<never>(() => new BridgeSessionsActor(own), { name: 'bridges', supervision });
}
