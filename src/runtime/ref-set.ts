/**
 * A set of refs that costs nothing while empty and one number while it holds one ref, which is what most actors have
 * (a connection watched by its registry). From the second ref on it is a Set.
 */
import type { ActorRef } from './ref.ts';

export type RefSet = null | ActorRef | Set<ActorRef>;

export function addRef(set: RefSet, ref: ActorRef): RefSet {
  if (set === null || set === ref) return ref;
  if (typeof set === 'number') return new Set([set, ref]);
  set.add(ref);
  return set;
}

export function removeRef(set: RefSet, ref: ActorRef): RefSet {
  if (set === ref) return null;
  if (set === null || typeof set === 'number') return set;
  set.delete(ref);
  return set.size === 0 ? null : set;
}

export function hasRef(set: RefSet, ref: ActorRef): boolean {
  return set === ref || (set instanceof Set && set.has(ref));
}

/** A snapshot in order of insertion: the set may change while it is walked. */
export function refsOf(set: RefSet): readonly ActorRef[] {
  if (set === null) return [];
  return typeof set === 'number' ? [set] : [...set];
}
