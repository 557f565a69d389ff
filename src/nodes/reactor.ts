/**
 * What a reactor thread does after it is born: starts the wire to other nodes, the broker's actors, makes the persistent sessions again; then, when all
 * reactors have, a listener for each listening socket.
 */
import { randomBytes } from 'node:crypto';
import { AUTHORIZER_SLOT, type AuthorizerMessage } from '../actors/access/messages.ts';
import type { AccessPolicy } from '../actors/access/policy.ts';
import type { EnhancedAuthenticator } from '../actors/authenticator/enhanced.ts';
import { AUTHENTICATOR_SLOT, type AuthenticateRequest } from '../actors/authenticator/messages.ts';
import { ScramSha256 } from '../actors/authenticator/scram-sha-256.ts';
import { ListenerActor, sessionSupervision } from '../actors/listener/actor.ts';
import type { SessionLimits } from '../actors/session/limits.ts';
import type { Offer } from '../actors/session/offer.ts';
import type { SessionServices } from '../actors/session/services.ts';
import type { ShareStrategy } from '../actors/share/strategy.ts';
import { wellKnownRef } from '../runtime/ref.ts';
import type { ActorSystem } from '../runtime/system.ts';
import type { Serve } from '../runtime/worker-entry.ts';
import { Reason } from '../wire/mqtt/reason-codes.ts';
import { scramCredentialOf } from './auth/scram-file.ts';
import { restoreSessions, type Security, startBroker } from './broker.ts';
import type { Config } from './config/schema.ts';
import { createLog, errorFields, type Log } from './log.ts';
import type { ReactorBoot } from './reactor-boot.ts';
import type { ListenerBoot } from './sockets/listener-boot.ts';
import { startNodeWire } from './wire-boot.ts';

/** The keep-alive cap that caps nothing. */
const KEEP_ALIVE_UNCAPPED_S = 65_535;

export async function boot(
  system: ActorSystem,
  { config, listeners, declarations, scram, wire, security }: ReactorBoot,
): Promise<Serve> {
  const log = createLog({ level: config.log.level, node: system.node, worker: system.thread });
  // First, so that it stops last: what the others still have to say must leave.
  if (wire !== undefined) await startNodeWire(system, config, wire, log);
  const { authenticates, authorizes, access } = security;
  const limits = sessionLimits(config, system.reactors);
  const reactorSecurity: Security = {
    authenticator: authenticates ? wellKnownRef<AuthenticateRequest>(system.node, 0, AUTHENTICATOR_SLOT) : undefined,
    authorizer: authorizes ? wellKnownRef<AuthorizerMessage>(system.node, 0, AUTHORIZER_SLOT) : undefined,
    enhanced: (policy) => enhancedMethods(scram, policy),
    access,
  };
  const services = startBroker(system, limits, reactorSecurity, declarations);
  const supervision = sessionSupervision(system.slots, (error) => log.error(errorFields(error), 'session failed'));
  await new Promise<void>((resolve, reject) =>
    restoreSessions(services, supervision, (error) => (error === undefined ? resolve() : reject(error))),
  );
  return async () => {
    await Promise.all(listeners.map((listener) => startListener(services, config, listener, log)));
  };
}

/** SCRAM knows the users of its file and the built-in ones. */
function enhancedMethods(scram: ReactorBoot['scram'], policy: AccessPolicy): EnhancedAuthenticator[] {
  if (scram === null) return [];
  return [
    new ScramSha256({
      lookup: (user, then) => then(scramCredentialOf(scram.users, user) ?? policy.scramCredentialOf(user)),
      nonce: () => randomBytes(18).toString('base64'),
      secret: scram.secret,
    }),
  ];
}

export function sessionLimits({ mqtt }: Config, reactors: number): SessionLimits {
  return {
    packetBytesMax: mqtt.max_packet_bytes,
    connectTimeoutMs: mqtt.connect_timeout_ms,
    inFlightMax: mqtt.inflight_max,
    keepAliveSecondsMax: mqtt.keep_alive_max_s === KEEP_ALIVE_UNCAPPED_S ? 0 : mqtt.keep_alive_max_s,
    sessionExpirySecondsMax: mqtt.session_expiry_max_s,
    subscriptionsMax: mqtt.subscriptions_max,
    queueMessagesMax: mqtt.queue.messages_max,
    queueBytesMax: mqtt.queue.bytes_max,
    queueOverflow: mqtt.queue.overflow,
    outputBytesMax: mqtt.output.bytes_max,
    sharing: {
      strategy: mqtt.shared.strategy,
      groups: new Map(mqtt.shared.groups.map(groupStrategy)),
    },
    offer: offerOf(mqtt, reactors),
    rate: {
      clientMessages: mqtt.rate.client_messages,
      clientBytes: mqtt.rate.client_bytes,
      listenerMessages: mqtt.rate.listener_messages,
      listenerBytes: mqtt.rate.listener_bytes,
      listenerConnects: mqtt.rate.listener_connects,
    },
  };
}

function offerOf(mqtt: Config['mqtt'], reactors: number): Offer {
  const { redirect, retained } = mqtt;
  return {
    qosMax: mqtt.qos_max as Offer['qosMax'],
    retain: mqtt.retained.available,
    wildcards: mqtt.wildcards_available,
    shared: mqtt.shared.available,
    subscriptionIds: mqtt.subscription_ids_available,
    emptyClientIds: mqtt.client_id.empty,
    clientIdBytesMax: mqtt.client_id.bytes_max,
    topicLevelsMax: mqtt.topic_levels_max,
    overlap: mqtt.overlap,
    payloadFormatCheck: mqtt.payload_format_check,
    topicAliasOutMax: mqtt.topic_aliases_out_max,
    responseInformation: mqtt.response_information,
    redirect:
      redirect.to === ''
        ? null
        : { reason: redirect.permanent ? Reason.SERVER_MOVED : Reason.USE_ANOTHER_SERVER, reference: redirect.to },
    // Topics are spread over the reactors by hash.
    retainedMessagesMax: Math.ceil(retained.messages_max / reactors),
    retainedBytesMax: Math.ceil(retained.bytes_max / reactors),
  };
}

/** `name=strategy`; the schema has checked it. */
function groupStrategy(entry: string): [string, ShareStrategy] {
  const equals = entry.lastIndexOf('=');
  return [entry.slice(0, equals), entry.slice(equals + 1) as ShareStrategy];
}

function startListener(services: SessionServices, config: Config, { host, port, fd }: ListenerBoot, log: Log): Promise<void> {
  const { system } = services;
  return new Promise((resolve, reject) => {
    const listener = (): ListenerActor =>
      new ListenerActor(services, {
        listen: fd === undefined ? { host, port, reusePort: true } : { fd },
        connectionsMax: Math.ceil(config.mqtt.connections_max / system.reactors),
        onListening: (error) => (error === undefined ? resolve() : reject(error)),
      });
    system.spawn<never>(listener, {
      name: 'listener',
      supervision: sessionSupervision(system.slots, (error) => log.error(errorFields(error), 'session failed')),
    });
  });
}
