/**
 * Keeps a group's state in rows: what has changed since the last batch goes into the next one, together with the entry that it is as of. One batch is under way at a
 * time, and nobody waits for it: a state that is behind catches up from the log. Values that are safely there may leave memory, when there are too many.
 *
 *   changes ──► dirty ──► batch ──► rows            a new state (a snapshot took its place): rows are wiped, the head with them,
 *                          + head (applied)          and written in parts; the head comes with the last part
 */
import { META_FLUSH_BYTES, META_REBUILD_KEYS } from '../../../base/limits.ts';
import type { KvOp } from '../../../storage/kv/local-kv.ts';
import type { SessionTable } from '../../raft/sessions/session-table.ts';
import type { MetaMachine, MetaObserver } from '../machine.ts';
import type { Step } from '../state/history.ts';
import { type MetaKey, type MetaRecord, recordBytes } from '../state/record.ts';
import type { RowStore } from './row-store.ts';
import {
  decodeRecord,
  encodeHead,
  encodeLease,
  encodeRecord,
  encodeSessionRow,
  groupRange,
  headKey,
  leaseKey,
  recordKey,
  sessionKey,
} from './rows.ts';

export interface KeeperOptions {
  readonly group: number;
  /** The replica whose state it is. */
  readonly owner: number;
  readonly store: RowStore;
  /** Values that may be in memory, bytes. */
  readonly hotBytesMax: number;
}

/** As of which entry the machine is. */
export interface Progress {
  readonly appliedIndex: number;
  readonly timeMs: number;
}

export class RowKeeper implements MetaObserver {
  readonly #options: KeeperOptions;
  readonly #machine: MetaMachine;
  readonly #sessions: SessionTable;
  readonly #progress: () => Progress;
  /** What has changed, as it is now; undefined: deleted. */
  #dirty = new Map<MetaKey, MetaRecord | undefined>();
  #dirtyLeases = new Set<number>();
  #dirtyBytes = 0;
  #isWriting = false;
  /** Rows are void, and the head is missing until all of them are written anew. */
  #isWiped = false;
  #isRebuilding = false;
  #kept: number;
  /** Where the search for values to drop goes on. */
  #hand: MetaKey = '';

  /** `kept`: the entry as of which the rows are; 0 when there are none. */
  constructor(options: KeeperOptions, machine: MetaMachine, sessions: SessionTable, progress: () => Progress, kept: number) {
    this.#options = options;
    this.#machine = machine;
    this.#sessions = sessions;
    this.#progress = progress;
    this.#kept = kept;
    sessions.touched = new Set();
    machine.observe(this);
  }

  /** Up to this entry the rows hold the state. */
  get kept(): number {
    return this.#kept;
  }

  stepped({ changes }: Step): void {
    for (const { key, after } of changes) {
      this.#dirty.set(key, after);
      this.#dirtyBytes += recordBytes(key.length, after?.valueBytes ?? 0);
    }
  }

  leased(id: number): void {
    this.#dirtyLeases.add(id);
  }

  /** Another state has taken the place of the one that the rows hold. */
  replaced(): void {
    this.#isWiped = true;
    this.#isRebuilding = true;
    this.#dirty = new Map();
    for (const record of this.#machine.keyspace.range('', '')) this.#dirty.set(record.key, record);
    this.#dirtyLeases = new Set(this.#machine.leases.all().map(({ id }) => id));
    this.#sessions.touched = new Set(this.#sessions.ids());
    this.flush();
  }

  /** After a batch of entries. */
  applied(): void {
    if (this.#dirtyBytes >= META_FLUSH_BYTES) this.flush();
  }

  /** Writes what there is, unless a batch is under way: then its end does, if there is much. */
  flush(): void {
    const { appliedIndex } = this.#progress();
    if (this.#isWriting || (appliedIndex === this.#kept && !this.#isRebuilding)) return;
    this.#isWriting = true;
    const ops = this.#takeOps();
    const isWhole = !this.#isRebuilding;
    this.#options.store.write(ops, () => {
      this.#isWriting = false;
      if (isWhole && !this.#isRebuilding) this.#kept = appliedIndex;
      this.#dropValues();
      if (this.#isRebuilding || this.#dirtyBytes >= META_FLUSH_BYTES) this.flush();
    });
  }

  /** Values of records, whose rows are as they are in the machine; `then` when those that could be had are there. */
  warm(keys: readonly MetaKey[], then: () => void): void {
    const { store, group } = this.#options;
    store.read(
      keys.map((key) => recordKey(group, key)),
      (rows) => {
        for (const [i, row] of rows.entries()) if (row !== undefined) this.#warmed(decodeRecord(keys[i]!, row));
        then();
      },
    );
  }

  #warmed({ key, modified, value }: MetaRecord): void {
    const record = this.#machine.keyspace.get(key);
    if (record?.value === undefined && record?.modified === modified) this.#machine.warm(record, value!);
  }

  #takeOps(): KvOp[] {
    const { group } = this.#options;
    const ops: KvOp[] = [];
    if (this.#isWiped) ops.push({ type: 'deleteRange', ...groupRange(group) });
    this.#isWiped = false;
    this.#takeKeys(ops);
    for (const id of this.#dirtyLeases) {
      const lease = this.#machine.leases.get(id);
      ops.push(row(leaseKey(group, id), lease === undefined ? undefined : encodeLease(lease)));
    }
    this.#dirtyLeases.clear();
    const touched = this.#sessions.touched!;
    for (const id of touched) {
      const session = this.#sessions.row(id);
      ops.push(row(sessionKey(group, id), session === undefined ? undefined : encodeSessionRow(session)));
    }
    touched.clear();
    if (!this.#isRebuilding) ops.push(row(headKey(group), this.#head()));
    return ops;
  }

  #takeKeys(ops: KvOp[]): void {
    const { group } = this.#options;
    this.#dirtyBytes = 0;
    let left = this.#isRebuilding ? META_REBUILD_KEYS : Number.POSITIVE_INFINITY;
    for (const [key, record] of this.#dirty) {
      if (--left < 0) return;
      if (this.#isRebuilding) this.#dirty.delete(key);
      ops.push(row(recordKey(group, key), record === undefined ? undefined : encodeRecord(record)));
    }
    this.#dirty.clear();
    this.#isRebuilding = false;
  }

  #head(): Uint8Array {
    const { appliedIndex, timeMs } = this.#progress();
    const { revision, leases } = this.#machine;
    const { owner } = this.#options;
    return encodeHead({
      owner,
      applied: appliedIndex,
      timeMs,
      revision,
      nextLease: leases.nextId,
      sessions: this.#sessions.header(),
    });
  }

  /** Not of keys that have changed since: their rows are older. Goes around the keys in order, as a clock's hand does. */
  #dropValues(): void {
    const { keyspace } = this.#machine;
    const max = this.#options.hotBytesMax;
    if (keyspace.hotBytes <= max || this.#isRebuilding) return;
    const goal = keyspace.hotBytes - max * 0.9;
    const from = this.#hand;
    const dropped = this.#drop(from, '', goal);
    if (dropped < goal && from !== '') this.#drop('', from, goal - dropped);
  }

  #drop(from: MetaKey, to: MetaKey, goal: number): number {
    const { keyspace } = this.#machine;
    const victims: MetaRecord[] = [];
    let bytes = 0;
    this.#hand = '';
    for (const record of keyspace.range(from, to)) {
      if (bytes >= goal) {
        this.#hand = record.key;
        break;
      }
      if (record.value === undefined || record.valueBytes === 0 || this.#dirty.has(record.key)) continue;
      victims.push(record);
      bytes += record.valueBytes;
    }
    for (const record of victims) keyspace.replace(record, { ...record, value: undefined });
    return bytes;
  }
}

function row(key: Uint8Array, value: Uint8Array | undefined): KvOp {
  return value === undefined ? { type: 'delete', key } : { type: 'put', key, value };
}
