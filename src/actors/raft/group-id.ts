/**
 * The numbers of a cluster's groups. A group is named by what it holds and its place among its like, `data/3`; the number is what messages and logs carry.
 */
import { assert } from '../../base/assert.ts';

export const GROUP_KINDS = ['metadata', 'offset', 'data'] as const;
export type GroupKind = (typeof GROUP_KINDS)[number];

const SPAN = 1024;

export function groupId(kind: GroupKind, place: number): number {
  assert(Number.isInteger(place) && place >= 0 && place < SPAN, 'place of a group out of range');
  return (GROUP_KINDS.indexOf(kind) + 1) * SPAN + place;
}

/** `kind/place`; the bare number of a group that is none of these. */
export function groupName(id: number): string {
  const kind = GROUP_KINDS[Math.floor(id / SPAN) - 1];
  return kind === undefined ? String(id) : `${kind}/${id % SPAN}`;
}

/** Undefined: not the name of a group. */
export function parseGroupName(name: string): number | undefined {
  const [, kind, place] = /^([a-z]+)\/(\d{1,4})$/.exec(name) ?? [];
  if (!GROUP_KINDS.includes(kind as GroupKind) || Number(place) >= SPAN) return undefined;
  return groupId(kind as GroupKind, Number(place));
}

/** All groups of a cluster with so many of each kind. */
export function groupIds(counts: Readonly<Record<GroupKind, number>>): number[] {
  return GROUP_KINDS.flatMap((kind) => Array.from({ length: counts[kind] }, (_, place) => groupId(kind, place)));
}
