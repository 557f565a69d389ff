/**
 * Who takes part in a group: a node in one of its incarnations. The incarnation is drawn once, when a node's data folder is made, so a node that lost its disk comes
 * back as a stranger: it is not the replica that voted and acknowledged before, and nobody counts it until it has been added anew.
 *
 *    41     32 31            0
 *   +---------+---------------+
 *   | node: 10| incarnation:32|
 *   +---------+---------------+
 */
import { assert } from '../../base/assert.ts';
import { NODE_MAX } from '../../runtime/ref.ts';

export type ReplicaId = number;

/** No replica: nobody was voted for, no leader is known. */
export const NO_REPLICA: ReplicaId = 0;

const INCARNATION_SPAN = 2 ** 32;

export function replicaId(node: number, incarnation: number): ReplicaId {
  assert(Number.isInteger(node) && node > 0 && node <= NODE_MAX, 'node out of range');
  assert(Number.isInteger(incarnation) && incarnation >= 0 && incarnation < INCARNATION_SPAN, 'incarnation out of range');
  return node * INCARNATION_SPAN + incarnation;
}

export function nodeOfReplica(id: ReplicaId): number {
  return Math.floor(id / INCARNATION_SPAN);
}

export function incarnationOf(id: ReplicaId): number {
  return id % INCARNATION_SPAN;
}

/** `node.incarnation`, for logs and `inspect()`. */
export function formatReplica(id: ReplicaId): string {
  return id === NO_REPLICA ? '-' : `${nodeOfReplica(id)}.${incarnationOf(id)}`;
}
