/** The groups that a store has rows of, as they were when they were last written: whole and as of some entry, or not at all. */
import { cloneBytes, ownBytes } from '../../../base/bytes.ts';
import { META_HOT_BYTES_MAX } from '../../../base/limits.ts';
import type { KvEntry, LocalKv } from '../../../storage/kv/local-kv.ts';
import { SessionTable } from '../../raft/sessions/session-table.ts';
import { MetaMachine } from '../machine.ts';
import type { MetaBounds } from '../state/bounds.ts';
import { ALL_GROUPS, decodeRow, groupRange, type Head, type Row } from './rows.ts';

export interface LoadOptions {
  /** This node's replica id: rows of another one are void, for it has lost the log that they go with. */
  readonly owner: number;
  readonly bounds: MetaBounds;
  readonly sessionsMax: number;
  readonly sessionTtlMs: number;
  /** Of one group, bytes: values beyond stay where they are. Default META_HOT_BYTES_MAX. */
  readonly hotBytesMax?: number;
}

export interface LoadedGroup {
  readonly machine: MetaMachine;
  readonly sessions: SessionTable;
  readonly head: Head;
}

export async function loadGroups(kv: LocalKv, options: LoadOptions): Promise<Map<number, LoadedGroup>> {
  const loaded = new Map<number, LoadedGroup>();
  const void_ = new Set<number>();
  let loading: GroupLoader | undefined;
  let last: Uint8Array | undefined;
  for (;;) {
    const page: KvEntry[] = await kv.scan(last === undefined ? ALL_GROUPS : { gt: last, lt: ALL_GROUPS.lt });
    for (const { key, value } of page) {
      const row = decodeRow(key, value);
      if (loading?.group !== row.group) {
        loading?.end(loaded);
        loading = new GroupLoader(row.group, options);
      }
      if (!loading.add(row)) void_.add(row.group);
    }
    last = page.at(-1)?.key;
    if (last === undefined) break;
  }
  loading?.end(loaded);
  const ops = [...void_].map((group) => ({ type: 'deleteRange', ...groupRange(group) }) as const);
  if (ops.length > 0) await kv.batch(ops, { sync: false });
  return loaded;
}

/** Rows come in their order: the head, leases, sessions, keys. */
class GroupLoader {
  readonly group: number;
  readonly #options: LoadOptions;
  readonly #machine: MetaMachine;
  readonly #sessions: SessionTable;
  readonly #uses: { readonly order: number; readonly piece: Uint8Array }[] = [];
  #head: Head | undefined;

  constructor(group: number, options: LoadOptions) {
    this.group = group;
    this.#options = options;
    this.#machine = new MetaMachine(options.bounds);
    this.#sessions = new SessionTable(options.sessionsMax, options.sessionTtlMs);
  }

  /** False: the group's rows are void. */
  add(row: Row): boolean {
    if (row.type === 'head' && row.head.owner === this.#options.owner)
      this.#begin({ ...row.head, sessions: cloneBytes(row.head.sessions, 0, row.head.sessions.length) });
    if (this.#head === undefined) return false;
    if (row.type === 'lease') this.#machine.leases.restore(row.lease);
    else if (row.type === 'session') this.#uses.push(row);
    else if (row.type === 'record') this.#take(row);
    return true;
  }

  end(into: Map<number, LoadedGroup>): void {
    if (this.#head === undefined) return;
    for (const { piece } of this.#uses.sort((a, b) => a.order - b.order)) this.#sessions.restore(piece);
    into.set(this.group, { machine: this.#machine, sessions: this.#sessions, head: this.#head });
  }

  #begin(head: Head): void {
    this.#head = head;
    this.#machine.beginRestore();
    this.#machine.revision = head.revision;
    this.#machine.history.reset(head.revision);
    this.#machine.leases.clear(head.nextGrant);
    this.#sessions.beginRestore(head.sessions);
  }

  #take({ record }: Extract<Row, { type: 'record' }>): void {
    const { keyspace, leases } = this.#machine;
    const isRoom = keyspace.hotBytes + record.valueBytes <= (this.#options.hotBytesMax ?? META_HOT_BYTES_MAX) * 0.9;
    keyspace.set({ ...record, value: isRoom ? ownBytes(record.value!, 0, record.value!.length) : undefined }, undefined);
    if (record.lease !== 0) leases.attach(record.lease, record.key);
  }
}
