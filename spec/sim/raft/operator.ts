/** Whoever runs the simulated cluster: moves each group, step by step and with patience, to the members that are wanted. */

import { isJoint } from '../../../src/actors/raft/membership.ts';
import type { MembershipChange } from '../../../src/actors/raft/membership-change.ts';
import { nodeOfReplica, type ReplicaId } from '../../../src/actors/raft/replica.ts';
import type { Oracle } from './oracle.ts';
import type { SimNode } from './sim-node.ts';

export interface OperatorWorld {
  readonly nodes: readonly SimNode[];
  readonly oracle: Oracle;
  enter(node: SimNode, then: () => void): void;
  tell(who: string, what: string): void;
}

export class Operator {
  readonly #world: OperatorWorld;
  /** By group. */
  readonly #wanted = new Map<number, readonly number[]>();

  constructor(world: OperatorWorld) {
    this.#world = world;
  }

  want(group: number, nodes: readonly number[]): void {
    this.#wanted.set(group, nodes);
  }

  wanted(group: number): readonly number[] {
    return this.#wanted.get(group)!;
  }

  isDone(group: number): boolean {
    const { voters, learners } = this.#world.oracle.membership(group);
    const wanted = this.#replicas(group);
    return voters.join() === wanted.join() && learners.length === 0 && !isJoint(this.#world.oracle.membership(group));
  }

  /** One step for each group that is not as it should be, at whoever leads. */
  work(): void {
    // Nobody takes away voters while another one is lost and has not been replaced.
    if (this.#world.nodes.some(({ isDamaged }) => isDamaged)) return;
    for (const group of this.#wanted.keys()) {
      if (this.isDone(group)) continue;
      const leader = this.#world.nodes.find((node) => node.group(group)?.isLeader === true);
      if (leader === undefined) continue;
      const change = this.#change(group, leader);
      if (change.length === 0) continue;
      this.#world.tell('operator', `group ${group}: ${change.map(({ op, id }) => `${op} ${nodeOfReplica(id)}`).join(', ')}`);
      this.#world.enter(leader, () => leader.group(group)!.changeMembership(change, () => {}));
    }
  }

  /** Learners first; when all are there, whatever is left in one change. */
  #change(group: number, leader: SimNode): MembershipChange {
    const { voters, learners, outgoing } = leader.group(group)!.state.membership;
    if (outgoing.length > 0) return [];
    const wanted = this.#replicas(group);
    const strangers = learners.filter((id) => !wanted.includes(id));
    if (strangers.length > 0) return strangers.map((id) => ({ op: 'remove', id }));
    const missing = wanted.filter((id) => !voters.includes(id) && !learners.includes(id));
    if (missing.length > 0) return missing.map((id) => ({ op: 'addLearner', id }));
    const promoted = wanted.filter((id) => learners.includes(id));
    const removed = voters.filter((id) => !wanted.includes(id));
    return [...promoted.map((id) => ({ op: 'addVoter', id }) as const), ...removed.map((id) => ({ op: 'remove', id }) as const)];
  }

  #replicas(group: number): ReplicaId[] {
    return this.#world.nodes
      .filter(({ id }) => this.wanted(group).includes(id))
      .map(({ replica }) => replica)
      .sort((a, b) => a - b);
  }
}
