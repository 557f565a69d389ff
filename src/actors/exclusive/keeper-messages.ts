/**
 * The keeper: one actor on the reactor that speaks with the other nodes, which has exclusive subscriptions of this node known to all. In the group `metadata/0`:
 *
 *   exclusive/FILTER     who has it: `Holding`, in force as long as that node's keeper is registered as the one that it names
 *   exclusive-node/ID    the registration of a node's keeper, under a lease that it renews
 */
import { type ActorRef, wellKnownRef } from '../../runtime/ref.ts';
import { WELL_KNOWN } from '../well-known.ts';

export const EXCLUSIVE_PREFIX = 'exclusive/';
export const KEEPER_PREFIX = 'exclusive-node/';

/** The value, as JSON. */
export interface Holding {
  readonly node: number;
  /** Of the registration: another life of the node is another one. */
  readonly replica: string;
  readonly clientId: string;
}

export type KeeperMessage =
  /** Asked by who wants it; told by who has it already, who is told `lost` if it cannot have it. */
  | { readonly type: 'keep'; readonly filter: string; readonly clientId: string }
  | { readonly type: 'drop'; readonly filter: string };

/** `unknown`: the metadata does not answer. */
export type KeeperAnswer = 'granted' | 'taken' | 'unknown';

/** The reactor that speaks with the other nodes. */
export const KEEPER_THREAD = 1;

export function keeperRef(node: number): ActorRef<KeeperMessage> {
  return wellKnownRef<KeeperMessage>(node, KEEPER_THREAD, WELL_KNOWN.exclusiveKeeper);
}
