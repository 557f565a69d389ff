/** A session as operators see it. */
import type { ClientDetails, ClientView } from '../clients/messages.ts';
import type { Session } from './session.ts';

export function describe(session: Session, withSubscriptions: boolean): ClientView | ClientDetails {
  const { machine } = session;
  const { router, shares, listener, system } = session.services;
  const client = session.client;
  const view: ClientView = {
    clientId: session.clientId,
    username: session.standing?.identity.username ?? '',
    address: client?.transport.remoteAddress ?? '',
    listener: listener.name,
    node: system.node,
    thread: system.thread,
    state: session.state,
    protocol: session.lastLevel,
    keepAliveSeconds: (client?.keepAliveMs ?? 0) / 1500,
    sessionExpirySeconds: session.expirySeconds,
    connectedAt: client?.connectedAt ?? 0,
    offlineSince: session.offlineSince,
    subscriptionCount: router.subscriptionCount(session) + shares.count(session),
    inFlight: machine.inFlight,
    queued: machine.queued,
    queuedBytes: machine.queuedBytes,
    inbox: session.inbox?.machine.waiting ?? 0,
    awaitingRelease: machine.inboundPending,
  };
  return withSubscriptions ? { ...view, subscriptions: session.subscriptions() } : view;
}

/** For `sluice inspect`. */
export function inspect(session: Session): unknown {
  const { machine } = session;
  return {
    clientId: session.clientId,
    state: session.state,
    address: session.client?.transport.remoteAddress,
    listener: session.services.listener.name,
    subscriptions: session.subscriptionCount,
    ...session.replaying?.inspect(),
    inFlight: machine.inFlight,
    queued: machine.queued,
    queuedBytes: machine.queuedBytes,
  };
}
