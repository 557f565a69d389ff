/** Retained messages of a node that shares them with the other nodes that are one broker with it: what a reactor starts for that, and how main knows that they are there. */
import { setTimeout as pause } from 'node:timers/promises';
import { MetaClient, MetaClientActor } from '../actors/meta/client/client.ts';
import type { GroupCounts } from '../actors/meta/groups.ts';
import { metaDoorRef, ownMetaRef } from '../actors/meta/messages.ts';
import type { MakeShared } from '../actors/retained/actor.ts';
import { offerRetained } from '../actors/retained/shared/offer.ts';
import { SharedRetainer } from '../actors/retained/shared/shared-retainer.ts';
import { SharedStore } from '../actors/retained/shared/shared-store.ts';
import type { PressureGauge } from '../actors/router/pressure.ts';
import type { Publisher } from '../actors/router/publisher.ts';
import type { StoreClient } from '../actors/store/client.ts';
import { WELL_KNOWN } from '../actors/well-known.ts';
import { META_DEADLINE_MS, META_TABLE_RETRY_MS } from '../base/limits.ts';
import { placeKey } from '../runtime/placement.ts';
import { wellKnownRef } from '../runtime/ref.ts';
import type { ActorSystem } from '../runtime/system.ts';
import { DOOR_THREAD } from '../wire/wire.ts';

/** The metadata that several nodes share. Plain data. */
export interface SharedMetadata {
  /** Nodes that hold it, the nearest first. */
  readonly nodes: readonly number[];
  readonly counts: GroupCounts;
}

export function shareRetained(
  system: ActorSystem,
  publisher: Publisher,
  gauge: PressureGauge,
  store: StoreClient,
  { nodes, counts }: SharedMetadata,
): MakeShared {
  const { node, thread, reactors, slots } = system;
  const services = nodes.map((each) => (each === node ? ownMetaRef(system) : metaDoorRef(each)));
  const client = new MetaClient({ candidates: () => services });
  const wallClock = (): number => system.wallClock();
  const onStarted = (): void => {
    if (thread === DOOR_THREAD) offerRetained({ store, client, counts, wallClock });
  };
  system.spawn(() => new MetaClientActor(client, onStarted), { name: 'meta-client' });
  const retainer = new SharedRetainer({
    thread,
    reactors,
    slots,
    gauge,
    client,
    counts,
    now: () => system.now(),
    send: (...record) => publisher.sendRetained(...record),
    tell: (...record) => publisher.tellRetained(...record),
  });
  publisher.shareRetained(retainer);
  system.atTurnEnd(() => retainer.endTurn());
  return (machine) =>
    new SharedStore({
      node,
      machine,
      client,
      counts,
      slots,
      wallClock,
      isHome: (name) => placeKey(name, reactors) === thread,
      onTick: () => retainer.tick(),
    });
}

/** Resolves when all reactors have what the cluster has retained. */
export async function untilRetained(system: ActorSystem, signal: AbortSignal): Promise<void> {
  for (let thread = 1; thread <= system.reactors; thread++) {
    const retained = wellKnownRef<never>(system.node, thread, WELL_KNOWN.retained);
    while (!signal.aborted) {
      try {
        await system.ask<true>(retained, { type: 'whenLoaded' }, META_DEADLINE_MS);
        break;
      } catch {
        // Not yet, or the reactor has died and is on its way back.
        await pause(META_TABLE_RETRY_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  }
}
