/**
 * How a group begins: every founder starts with the same first entry, already committed, that makes them voters. Whoever joins later gets it from the log like any
 * other change. To found a group is a decision from outside, made once; a node that finds nothing on its disk does not make it by itself, as it may have lost what it had.
 */
import { encodeChange } from './codec/membership-codec.ts';
import { type Entry, MEMBERSHIP } from './entry.ts';
import { sortedIds } from './membership.ts';
import type { ReplicaId } from './replica.ts';
import type { HardState } from './storage.ts';

export interface Founding {
  readonly hard: HardState;
  readonly entries: readonly Entry[];
}

export function founding(voters: readonly ReplicaId[]): Founding {
  const data = encodeChange(sortedIds(voters).map((id) => ({ op: 'addVoter', id })));
  return { hard: { term: 1, vote: 0, commit: 1 }, entries: [{ term: 1, index: 1, kind: MEMBERSHIP, data }] };
}

/** What a replica starts with that waits to be added by a leader. */
export const JOINING: Founding = { hard: { term: 0, vote: 0, commit: 0 }, entries: [] };
