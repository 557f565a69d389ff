/** Where members of a cluster first speak to a node: on the thread that every node accepts on. What comes is handed on to the thread of the groups, which numbers differ from node to node. */
import type { Actor, ActorContext } from '../../runtime/actor.ts';
import type { ActorSystem } from '../../runtime/system.ts';
import { WELL_KNOWN } from '../well-known.ts';
import { type ClusterRequest, ownClusterRef } from './messages.ts';

class ClusterDoor implements Actor<ClusterRequest> {
  readonly #system: ActorSystem;

  constructor(system: ActorSystem) {
    this.#system = system;
  }

  receive(message: ClusterRequest, ctx: ActorContext<ClusterRequest>): void {
    if (message.type === 'MemberState') ctx.tell(ownClusterRef(this.#system), message);
  }
}

export function spawnClusterDoor(system: ActorSystem): void {
  system.spawn<ClusterRequest>(() => new ClusterDoor(system), { name: 'cluster-door', wellKnown: WELL_KNOWN.clusterDoor });
}
