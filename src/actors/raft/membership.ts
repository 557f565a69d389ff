/**
 * Who votes. While a change of several voters is under way the membership is joint: what counts needs a majority of `voters` (the incoming ones) and a majority of
 * `outgoing`. Lists are sorted by id, so every replica walks them in the same order.
 */
import type { ReplicaId } from './replica.ts';

export interface Membership {
  readonly voters: readonly ReplicaId[];
  /** The voters before; empty unless joint. */
  readonly outgoing: readonly ReplicaId[];
  /** They get the log and vote when asked, but are not counted. */
  readonly learners: readonly ReplicaId[];
  /** Outgoing voters that become learners when the joint membership is left. */
  readonly learnersNext: readonly ReplicaId[];
}

export const NO_MEMBERSHIP: Membership = { voters: [], outgoing: [], learners: [], learnersNext: [] };

export function votersOnly(voters: readonly ReplicaId[]): Membership {
  return { ...NO_MEMBERSHIP, voters: sortedIds(voters) };
}

export function isJoint(membership: Membership): boolean {
  return membership.outgoing.length > 0;
}

export function isVoter(membership: Membership, id: ReplicaId): boolean {
  return membership.voters.includes(id) || membership.outgoing.includes(id);
}

export function isMember(membership: Membership, id: ReplicaId): boolean {
  return isVoter(membership, id) || membership.learners.includes(id);
}

/** Everybody, once, by id. */
export function members({ voters, outgoing, learners }: Membership): ReplicaId[] {
  return sortedIds([...voters, ...outgoing, ...learners]);
}

/** Nobody else is needed for a decision. */
export function isAlone(membership: Membership, id: ReplicaId): boolean {
  return membership.voters.length === 1 && membership.voters[0] === id && !isJoint(membership);
}

export function sortedIds(ids: readonly ReplicaId[]): ReplicaId[] {
  return [...new Set(ids)].sort((a, b) => a - b);
}
