/** What simulated nodes have for the metadata: a stub (stub-metadata.ts), or the real service on each of them (raft-metadata.ts). */
import type { HomesOptions } from '../../../src/actors/homes/core.ts';
import type { SimNetwork } from '../../../src/runtime/sim/network.ts';
import type { ActorSystem } from '../../../src/runtime/system.ts';

export const NODES: readonly number[] = [1, 2, 3];

export interface SimMetadata {
  readonly isReal: boolean;
  /** Threads that it has on each node, behind the store. */
  readonly threads: number;
  /** Of the nodes; there when the first event happens. */
  network: SimNetwork;
  /** It is late, silent, or does what it was asked long afterwards. */
  isFickle: boolean;
  /** Nodes that do not reach it. */
  readonly away: Set<number>;
  /** All nodes have been made for the first time. */
  begin(): void;
  /** The first of its threads is there. */
  boot(system: ActorSystem): void;
  /** For the homes actor of a node, on that one's thread. */
  serve(system: ActorSystem): Pick<HomesOptions, 'directory' | 'wills' | 'lostNodes'>;
  /** The node has died; without `restartMs` for ever. */
  killed(node: number, restartMs: number | undefined): void;
  /** Nodes that any part of it names as the home of that client's session; at rest they are one. */
  homesOf(clientId: string): number[];
  /** Promises that it has broken. */
  readonly violations: readonly string[];
}
