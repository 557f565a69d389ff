/** What has the exclusive subscriptions of a node known to the others that are one broker with it; on the reactor that speaks with them. */
import { RegistrarActor } from '../actors/controller/registrar.ts';
import { ExclusiveKeeper } from '../actors/exclusive/keeper.ts';
import { KEEPER_PREFIX, type KeeperMessage } from '../actors/exclusive/keeper-messages.ts';
import { MetaClient, MetaClientActor } from '../actors/meta/client/client.ts';
import { metaDoorRef, ownMetaRef } from '../actors/meta/messages.ts';
import { WELL_KNOWN } from '../actors/well-known.ts';
import type { ActorSystem } from '../runtime/system.ts';
import type { SharedMetadata } from './shared-retained.ts';
import { VERSION } from './version.ts';

/** `incarnation`: of the node. */
export function startExclusiveKeeper(system: ActorSystem, { nodes }: SharedMetadata, incarnation: number): void {
  const { node } = system;
  const services = nodes.map((each) => (each === node ? ownMetaRef(system) : metaDoorRef(each)));
  const client = new MetaClient({ candidates: () => services });
  system.spawn(() => new MetaClientActor(client), { name: 'exclusive-client' });
  const keeper = new ExclusiveKeeper(system, client);
  system.spawn<KeeperMessage>(() => keeper, { name: 'exclusive-keeper', wellKnown: WELL_KNOWN.exclusiveKeeper });
  const registration = { node, replica: String(incarnation), roles: [], version: VERSION };
  system.spawn(() => new RegistrarActor(client, registration, KEEPER_PREFIX), { name: 'exclusive-registrar' });
}
