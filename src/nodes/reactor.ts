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
import { spawnClusterDoor } from '../actors/cluster/door.ts';
import type { HomesActor } from '../actors/homes/actor.ts';
import type { HomesOptions } from '../actors/homes/core.ts';
import { MetaDirectory, WILL_PREFIX } from '../actors/homes/directory.ts';
import { lostNodes } from '../actors/homes/lost-nodes.ts';
import { type Homes, startHomesActor } from '../actors/homes/start.ts';
import { sessionSupervision } from '../actors/listener/actor.ts';
import { ListenerCounters } from '../actors/listener/counters.ts';
import { LISTENERS_SUPERVISION, ListenersActor } from '../actors/listener/listeners.ts';
import type { ListenerReply, ListenersMessage } from '../actors/listener/messages.ts';
import type { ListenerStart } from '../actors/listener/settings.ts';
import { MetaClient, MetaClientActor } from '../actors/meta/client/client.ts';
import { spawnMetaDoor } from '../actors/meta/door.ts';
import { metaDoorRef, ownMetaRef } from '../actors/meta/messages.ts';
import { loadChecks } from '../actors/payload/checks.ts';
import { type RelayActor, spawnRelay } from '../actors/relay/actor.ts';
import type { SessionServices } from '../actors/session/services.ts';
import { WELL_KNOWN } from '../actors/well-known.ts';
import { HOMES_ASK_MS } from '../base/limits.ts';
import { type ActorRef, wellKnownRef } from '../runtime/ref.ts';
import type { ActorSystem } from '../runtime/system.ts';
import type { Serve } from '../runtime/worker-entry.ts';
import { DOOR_THREAD } from '../wire/wire.ts';
import { scramCredentialOf } from './auth/scram-file.ts';
import { serveBridges } from './bridge/bridge-sessions.ts';
import { releaseEmptying, restoreSessions, type Security, startBroker } from './broker.ts';
import type { Config } from './config/schema.ts';
import { startExclusiveKeeper } from './exclusive-boot.ts';
import { createLog, errorFields } from './log.ts';
import type { ReactorBoot } from './reactor-boot.ts';
import { sessionLimits } from './session-limits.ts';
import { startNodeWire, type WireBoot } from './wire-boot.ts';

/** For a listener to listen, milliseconds. */
const LISTEN_MS_MAX = 5000;
/** Of a reactor, that are told apart. */
const LIVES = 1024;

export async function boot(system: ActorSystem, settings: ReactorBoot): Promise<Serve> {
  const {
    config,
    listeners,
    counters: memory,
    declarations,
    scram,
    wire,
    security,
    intake,
    insight,
    nodeName,
    plugin,
  } = settings;
  const log = createLog({ level: config.log.level, node: system.node, worker: system.thread });
  // First, so that it stops last: what the others still have to say must leave.
  if (wire !== undefined) await startNodeWire(system, config, wire, log);
  if (wire !== undefined && system.thread === DOOR_THREAD) {
    spawnClusterDoor(system);
    spawnMetaDoor(system);
  }
  const { authenticates, authorizes, access } = security;
  const limits = sessionLimits(config, system.reactors);
  const reactorSecurity: Security = {
    authenticator: authenticates ? wellKnownRef<AuthenticateRequest>(system.node, 0, AUTHENTICATOR_SLOT) : undefined,
    ...(authenticates ? { loginKey: randomBytes(32) } : {}),
    authorizer: authorizes ? wellKnownRef<AuthorizerMessage>(system.node, 0, AUTHORIZER_SLOT) : undefined,
    enhanced: (policy) => enhancedMethods(scram, policy),
    access,
  };
  const services = startBroker(system, limits, reactorSecurity, declarations, {
    intake,
    insight,
    events: config.mqtt.events,
    checks: await loadChecks(intake.schemas, system.slots),
    nodeName,
    plugin,
    hasNodes: wire !== undefined && wire.nodes.length > 1,
    metadata: settings.metadata,
  });
  if (wire !== undefined && settings.metadata !== undefined && system.thread === DOOR_THREAD) {
    startExclusiveKeeper(system, settings.metadata, wire.incarnation);
  }
  services.intake.delayed.hold();
  services.emptying?.hold();
  services.insight.onLogLevel = (level) => {
    log.level = level;
  };
  const onSessionError = (error: unknown): void => log.error(errorFields(error), 'session failed');
  serveBridges(services, onSessionError);
  const supervision = sessionSupervision(system.slots, onSessionError);
  await new Promise<void>((resolve, reject) =>
    restoreSessions(services, supervision, (error) => (error === undefined ? resolve() : reject(error))),
  );
  const counters = new ListenerCounters(memory, system.reactors);
  counters.forget(system.thread);
  const tools = {
    services,
    counters,
    onSessionError,
    onFailedOpening: (listener: string, address: string, why: string): void =>
      log.debug({ listener, address, why }, 'a connection came to nothing'),
  };
  const actor = system.spawn<ListenersMessage>(() => new ListenersActor(tools), {
    name: 'listeners',
    wellKnown: WELL_KNOWN.listener,
    supervision: LISTENERS_SUPERVISION,
  });
  const homes = wire !== undefined && system.thread === DOOR_THREAD ? startHomes(services, wire, config) : undefined;
  const relay = wire !== undefined && system.thread === DOOR_THREAD ? startRelay(services, wire, homes?.actor) : undefined;
  // Before anybody can publish here: what others are to have is not missed.
  if (relay !== undefined) await new Promise<void>((resolve) => relay.whenOpen(resolve));
  return async () => {
    services.intake.delayed.release();
    releaseEmptying(services);
    // What comes from other nodes is for sessions that are made again, too, and not for those that have left.
    if (homes === undefined) relay?.begin();
    else
      homes.begin(() => {
        if (relay === undefined) return;
        homes.actor.relay = relay;
        relay.begin();
      });
    await Promise.all(listeners.map((start) => listen(system, actor, start)));
  };
}

/** Undefined: nothing lasts, or there is no other node. */
function startHomes(services: SessionServices, { nodes }: WireBoot, { meta, node }: Config): Homes | undefined {
  const { system } = services;
  if (services.homes === undefined) return undefined;
  const others = nodes.filter((each) => each !== system.node).map(metaDoorRef);
  const candidates = node.roles.includes('meta') ? [ownMetaRef(system), ...others] : others;
  const client = new MetaClient({ candidates: () => candidates });
  const directory = new MetaDirectory(client, meta.groups, HOMES_ASK_MS);
  const wills = new MetaDirectory(client, meta.groups, HOMES_ASK_MS, WILL_PREFIX);
  system.spawn(() => new MetaClientActor(client), { name: 'homes-directory' });
  const findLost: HomesOptions['lostNodes'] = (then) => lostNodes(client, system.node, then);
  return startHomesActor(services, { directory, wills, nodes, lostNodes: findLost });
}

/** Undefined: there is no other node. */
function startRelay(services: SessionServices, { nodes, incarnation }: WireBoot, homes?: HomesActor): RelayActor | undefined {
  const { system, publisher, shares, gauge, inboxes } = services;
  if (nodes.length < 2) return undefined;
  // A dead reactor's place is taken within the life of the process.
  const life = incarnation * LIVES + (system.incarnation % LIVES);
  const onFence = (name: string, node: number): void => homes?.passed(name, node);
  return spawnRelay(system, { nodes, life, publisher, shares, gauge, onFence, inboxes: inboxes ?? undefined });
}

/** SCRAM knows the users of its file and the built-in ones. */
function enhancedMethods(scram: ReactorBoot['scram'], policy: AccessPolicy): EnhancedAuthenticator[] {
  if (scram === null) return [];
  policy.scramFile = scram.users;
  return [
    new ScramSha256({
      lookup: (user, then) => then(scramCredentialOf(policy.scramFile, user) ?? policy.scramCredentialOf(user)),
      nonce: () => randomBytes(18).toString('base64'),
      secret: scram.secret,
    }),
  ];
}

async function listen(system: ActorSystem, listeners: ActorRef<ListenersMessage>, start: ListenerStart): Promise<void> {
  const message: ListenersMessage = { type: 'listen', start };
  const { ok, error } = await system.ask<ListenerReply>(listeners as ActorRef<never>, message, LISTEN_MS_MAX);
  if (!ok) throw new Error(`listener ${start.settings.name}: ${error}`);
}
