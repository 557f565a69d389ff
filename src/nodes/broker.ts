/**
 * The MQTT broker of one reactor without its sockets: the services that its sessions share, and the well-known actors beside them. Real reactors and the
 * simulator start the same one.
 */

import type { AuthenticateRequest } from '../actors/authenticator/messages.ts';
import { RegistryActor } from '../actors/registry/actor.ts';
import type { RegistryMessage } from '../actors/registry/messages.ts';
import { spawnRetained } from '../actors/retained/actor.ts';
import { spawnRouter } from '../actors/router/actor.ts';
import { PressureGauge } from '../actors/router/pressure.ts';
import { Publisher } from '../actors/router/publisher.ts';
import { remoteRuns } from '../actors/router/remote-runs.ts';
import { Router } from '../actors/router/router.ts';
import { BufferPool } from '../actors/session/buffer-pool.ts';
import { announceSessions } from '../actors/session/claim.ts';
import { InboundReader } from '../actors/session/inbound.ts';
import type { SessionLimits } from '../actors/session/limits.ts';
import { FlushList } from '../actors/session/output.ts';
import { SESSION_PROBE } from '../actors/session/probe.ts';
import { PublishWriter } from '../actors/session/publish-writer.ts';
import type { SessionServices } from '../actors/session/services.ts';
import { WELL_KNOWN } from '../actors/well-known.ts';
import type { ActorRef } from '../runtime/ref.ts';
import type { ActorSystem } from '../runtime/system.ts';

export function startBroker(
  system: ActorSystem,
  limits: SessionLimits,
  authenticator: ActorRef<AuthenticateRequest> | undefined,
): SessionServices {
  const { thread, reactors, incarnation, slots } = system;
  const seed = Math.floor(system.random() * 2 ** 32);
  const router = new Router({ thread, reactors, incarnation, slots, seed });
  const gauge = new PressureGauge();
  const publisher = new Publisher(system, router, gauge);
  const wallClock = (): number => system.wallClock();
  const flushList = new FlushList(() => system.requestTurn());
  const services: SessionServices = {
    system,
    router,
    publisher,
    limits,
    pool: new BufferPool(),
    flushList,
    gauge,
    reader: new InboundReader(publisher, router.topics, limits, slots, wallClock),
    writer: new PublishWriter(wallClock),
    sessions: new Map(),
    authenticator,
  };
  spawnRouter(system, router, remoteRuns(system, router, gauge));
  spawnRetained(system);
  system.spawn<RegistryMessage>(() => new RegistryActor(system), { name: 'registry', wellKnown: WELL_KNOWN.registry });
  system.onThreadChange((returned, state) => {
    if (state === 'up') announceSessions(services, returned);
  });
  system.atTurnEnd(() => {
    flushList.flush();
    slots[SESSION_PROBE.slot.bytesSent] = flushList.bytesSent;
  });
  return services;
}
