/**
 * Which group a key belongs to. Keys fall into a fixed number of slots, and slots to groups; both are the same for ever and on every machine, so only the numbers of
 * groups have to agree. Groups are of three kinds:
 *
 *   metadata  nodes, topics, users, schemas and what else there is little of and everybody needs
 *   offset    what consumers have read
 *   data      sessions, retained messages, wills: as many as there are clients
 */
import { assert } from '../../base/assert.ts';
import { mix32 } from '../../base/prng.ts';
import type { MetaKey } from './state/record.ts';

export type GroupKind = 'metadata' | 'offset' | 'data';

export const GROUP_KINDS: readonly GroupKind[] = ['metadata', 'offset', 'data'];

export interface GroupCounts {
  readonly metadata: number;
  readonly offset: number;
  readonly data: number;
}

export const SLOTS = 4096;
/** Groups of one kind; their Raft ids lie next to each other, from a multiple of this. */
export const GROUPS_OF_KIND_MAX = 1024;

export function slotOf(key: MetaKey): number {
  // FNV-1a over the bytes, mixed: neighbours in name are no neighbours here.
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  return mix32(hash) % SLOTS;
}

/** Its Raft group. */
export function groupId(kind: GroupKind, ordinal: number): number {
  assert(ordinal >= 0 && ordinal < GROUPS_OF_KIND_MAX, 'ordinal of a group out of range');
  return (GROUP_KINDS.indexOf(kind) + 1) * GROUPS_OF_KIND_MAX + ordinal;
}

export function groupOfKey(kind: GroupKind, key: MetaKey, counts: GroupCounts): number {
  return groupId(kind, groupOfSlot(slotOf(key), counts[kind]));
}

/** Runs of slots, as equal as they can be. */
function groupOfSlot(slot: number, groups: number): number {
  return Math.floor((slot * groups) / SLOTS);
}

/** All groups that there are. */
export function groupsOf(counts: GroupCounts): number[] {
  return GROUP_KINDS.flatMap((kind) => Array.from({ length: counts[kind] }, (_, ordinal) => groupId(kind, ordinal)));
}

/** `metadata/0`, for people. */
export function groupName(group: number): string {
  const kind = GROUP_KINDS[Math.floor(group / GROUPS_OF_KIND_MAX) - 1];
  return kind === undefined ? String(group) : `${kind}/${group % GROUPS_OF_KIND_MAX}`;
}
