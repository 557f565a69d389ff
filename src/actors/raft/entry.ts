/** One entry of a group's log. Its data is opaque to Raft; an entry is made once and shared by the log, the messages and the state machine. */
export const DATA = 0;
/** Data is a membership change (membership-codec.ts). */
export const MEMBERSHIP = 1;
/** What a new leader appends, so that it can commit something of its own term. */
export const NO_OP = 2;

export type EntryKind = typeof DATA | typeof MEMBERSHIP | typeof NO_OP;

export interface Entry {
  readonly term: number;
  readonly index: number;
  readonly kind: EntryKind;
  readonly data: Uint8Array;
}

/** What an entry costs beside its data, in every budget that counts bytes: empty entries are bounded as well. */
export const ENTRY_OVERHEAD_BYTES = 24;

export const NO_BYTES: Uint8Array = new Uint8Array(0);

export function entryBytes(entry: Entry): number {
  return entry.data.length + ENTRY_OVERHEAD_BYTES;
}

export function bytesOf(entries: readonly Entry[]): number {
  let bytes = 0;
  for (let i = 0; i < entries.length; i++) bytes += entryBytes(entries[i]!);
  return bytes;
}
