/** What is replicated: a module that opens the state machines of a node's groups. It runs on the thread of the groups and may start actors there. */
import type { ReplicaId } from '../../actors/raft/replica.ts';
import type { StateMachine } from '../../actors/raft/state-machine.ts';
import type { ActorSystem } from '../../runtime/system.ts';
import type { Config } from '../config/schema.ts';

export interface MachineOptions {
  readonly config: Config;
  /** For whatever the machines keep; it survives restarts. */
  readonly directory: string;
  readonly groups: readonly number[];
  /** Who this node is in its groups: what another one has left is not its own. */
  readonly replica: ReplicaId;
  /** A machine cannot go on: the node has to end. */
  readonly onFailed: (error: Error) => void;
}

export interface Machines {
  /** Once per group and life of the node. */
  machineOf(group: number): StateMachine;
  /** The groups take requests now. */
  started?(): void | Promise<void>;
}

export interface MachineModule {
  openMachines(system: ActorSystem, options: MachineOptions): Promise<Machines>;
}
