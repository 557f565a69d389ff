/** Boot arguments of the thread of the groups. Plain data. */
import type { ReplicaId } from '../../actors/raft/replica.ts';
import type { Config } from '../config/schema.ts';
import type { WireBoot } from '../wire-boot.ts';

export interface RaftBoot {
  readonly config: Config;
  readonly replica: ReplicaId;
  /** The replica was drawn in this life: there must be nothing of groups on disk. */
  readonly isNewReplica: boolean;
  /** Undefined for a node by itself. */
  readonly wire: WireBoot | undefined;
  /** URL of a `MachineModule`. */
  readonly machines: string;
}
