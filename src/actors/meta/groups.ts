/**
 * Which group a key belongs to. Keys fall into a fixed number of slots, and slots to groups; both are the same for ever and on every machine, so only the numbers of
 * groups have to agree. Groups are of three kinds:
 *
 *   metadata  nodes, topics, users, schemas and what else there is little of and everybody needs
 *   offset    what consumers have read
 *   data      sessions, retained messages, wills: as many as there are clients
 */
import { mix32 } from '../../base/prng.ts';
import { type GroupKind, groupId } from '../raft/group-id.ts';
import type { MetaKey } from './state/record.ts';

export type GroupCounts = Readonly<Record<GroupKind, number>>;

export const SLOTS = 4096;

export function slotOf(key: MetaKey): number {
  // FNV-1a over the bytes, mixed: neighbours in name are no neighbours here.
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  return mix32(hash) % SLOTS;
}

export function groupOfKey(kind: GroupKind, key: MetaKey, counts: GroupCounts): number {
  return groupId(kind, groupOfSlot(slotOf(key), counts[kind]));
}

/** Runs of slots, as equal as they can be. */
function groupOfSlot(slot: number, groups: number): number {
  return Math.floor((slot * groups) / SLOTS);
}
