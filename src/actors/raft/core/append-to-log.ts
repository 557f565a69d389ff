import type { Entry, EntryKind } from '../entry.ts';
import { bytesOf } from '../entry.ts';
import type { RaftState } from './state.ts';
import { voidWrites } from './writes.ts';

/** The leader's own: one entry per item. */
export function appendToLog(state: RaftState, kind: EntryKind, items: readonly Uint8Array[]): void {
  const first = state.log.lastIndex + 1;
  const entries: Entry[] = [];
  for (let i = 0; i < items.length; i++) entries.push({ term: state.term, index: first + i, kind, data: items[i]! });
  extendLog(state, entries);
}

/** Appends in memory, and to what the next write holds. */
export function extendLog(state: RaftState, entries: readonly Entry[]): void {
  state.log.append(entries);
  for (let i = 0; i < entries.length; i++) state.unwritten.push(entries[i]!);
  state.unappliedBytes += bytesOf(entries);
}

/** Drops what contradicts the leader. */
export function truncateLog(state: RaftState, from: number): void {
  state.unappliedBytes -= state.log.bytes(from, state.log.lastIndex);
  state.log.truncate(from);
  voidWrites(state, from);
  while (state.unwritten.length > 0 && state.unwritten[state.unwritten.length - 1]!.index >= from) state.unwritten.pop();
  state.truncateFrom = state.truncateFrom === 0 ? from : Math.min(state.truncateFrom, from);
}
