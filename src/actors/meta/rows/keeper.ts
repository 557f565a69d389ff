/**
 * Keeps a group's state in rows: what has changed since the last batch goes into the next one, together with the entry that it is as of. One batch is under way at a
 * time, and nobody waits for it: a state that is behind catches up from the log. Values that are safely there may leave memory, when there are too many.
 *
 *   changes ──► dirty ──► batch ──► rows            a new state (a snapshot took its place): rows are wiped, the head with them,
 *                          + head (applied)          and written in parts; the head comes with the last part
 */
import { META_DIRTY_CHANGES_MAX, META_FLUSH_BYTES, META_REBUILD_KEYS } from '../../../base/limits.ts';
import type { PackedOps } from '../../../storage/kv/packed-ops.ts';
import type { SessionTable } from '../../raft/sessions/session-table.ts';
import type { MetaMachine, MetaObserver } from '../machine.ts';
import type { Change, Step } from '../state/history.ts';
import { cooled, isHot, type MetaKey, type MetaRecord } from '../state/record.ts';
import { RowBatch } from './row-batch.ts';
import type { RowStore } from './row-store.ts';
import { decodeRecord, type Head, recordKey } from './rows.ts';

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
  /** What has changed, in order: a list costs less than a look for keys that have changed before, of which there are few. */
  #steps: Step[] = [];
  #changes = 0;
  #dirtyBytes = 0;
  #dirtyLeases = new Set<number>();
  /** Rows are as of this revision, or will be when the batch under way is done. */
  #revision: number;
  #isWriting = false;
  /** What the machine has is neither the old state nor the new one. */
  #isReplacing = false;
  /** Rows are void, and the head is missing until all of them are written anew: those that are left. */
  #isWiped = false;
  #rebuild: Iterator<MetaRecord> | undefined;
  #kept: number;
  #checkpoints: (() => void)[] = [];
  /** Where the search for values to drop goes on. */
  #hand: MetaKey = '';

  /** `kept`: the entry as of which the rows are; 0 when there are none. */
  constructor(options: KeeperOptions, machine: MetaMachine, sessions: SessionTable, progress: () => Progress, kept: number) {
    this.#options = options;
    this.#machine = machine;
    this.#sessions = sessions;
    this.#progress = progress;
    this.#kept = kept;
    this.#revision = machine.revision;
    sessions.touched = new Set();
    machine.observe(this);
  }

  /** Up to this entry the rows hold the state. */
  get kept(): number {
    return this.#kept;
  }

  get waiting(): number {
    return this.#changes;
  }

  stepped(step: Step): void {
    this.#steps.push(step);
    this.#changes += step.changes.length;
    this.#dirtyBytes += step.bytes;
    if (this.#changes > META_DIRTY_CHANGES_MAX && this.#changes > 2 * this.#machine.keyspace.size) this.#forgetOlder();
  }

  leased(id: number): void {
    this.#dirtyLeases.add(id);
  }

  /** Another state begins to take the place of the one that the rows hold, part by part: until it is there nothing is written, and no value leaves memory, as the rows do not have it. */
  replacing(): void {
    this.#isReplacing = true;
  }

  replaced(): void {
    this.#isReplacing = false;
    this.#isWiped = true;
    this.#rebuild = this.#machine.keyspace.clone().range('', '');
    this.#takeSteps();
    this.#dirtyLeases = new Set(this.#machine.leases.all().map(({ id }) => id));
    this.#sessions.touched = new Set(this.#sessions.ids());
    this.flush();
  }

  /** After a batch of entries. */
  applied(): void {
    if (this.#dirtyBytes >= META_FLUSH_BYTES) this.flush();
  }

  /** `done` when the rows are durable, as of the last entry or a later one. */
  checkpoint(done: () => void): void {
    this.#checkpoints.push(done);
    this.flush();
  }

  /** Writes what there is, unless a batch is under way: then its end does, if there is much. */
  flush(): void {
    const { appliedIndex } = this.#progress();
    const isNeeded = appliedIndex !== this.#kept || this.#rebuild !== undefined || this.#checkpoints.length > 0;
    if (this.#isWriting || this.#isReplacing || !isNeeded) return;
    this.#isWriting = true;
    const ops = this.#takeOps();
    const isWhole = this.#rebuild === undefined;
    const checkpoints = isWhole ? this.#checkpoints.splice(0) : [];
    this.#options.store.write(ops, checkpoints.length > 0, () => {
      this.#isWriting = false;
      if (isWhole && this.#rebuild === undefined) this.#kept = appliedIndex;
      for (const done of checkpoints) done();
      this.#dropValues();
      const isMore = this.#rebuild !== undefined || this.#checkpoints.length > 0 || this.#dirtyBytes >= META_FLUSH_BYTES;
      if (isMore) this.flush();
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
    if (record !== undefined && !isHot(record) && record.modified === modified) this.#machine.warm(record, value!);
  }

  #takeOps(): PackedOps {
    const batch = new RowBatch(this.#options.group);
    if (this.#isWiped) batch.wipe();
    this.#isWiped = false;
    this.#takeKeys(batch);
    for (const id of this.#dirtyLeases) batch.lease(id, this.#machine.leases.get(id));
    this.#dirtyLeases.clear();
    const touched = this.#sessions.touched!;
    for (const id of touched) batch.session(id, this.#sessions.row(id));
    touched.clear();
    if (this.#rebuild === undefined) batch.head(this.#head());
    return batch.end();
  }

  /** The state as it was when the rows were wiped, then what has changed since: the later row of a key is the one that stays. */
  #takeKeys(batch: RowBatch): void {
    for (let left = META_REBUILD_KEYS; this.#rebuild !== undefined; left--) {
      if (left === 0) return;
      const next = this.#rebuild.next();
      if (next.done === true) this.#rebuild = undefined;
      else batch.record(next.value.key, next.value);
    }
    for (const { changes } of this.#takeSteps()) {
      for (let i = 0; i < changes.length; i++) batch.record(changes[i]!.key, changes[i]!.after);
    }
  }

  #takeSteps(): readonly Step[] {
    const steps = this.#steps;
    this.#steps = [];
    this.#changes = 0;
    this.#dirtyBytes = 0;
    this.#revision = this.#machine.revision;
    return steps;
  }

  /** The store takes its time: of each key only the last change is written. */
  #forgetOlder(): void {
    const last = new Map<MetaKey, Change>();
    for (const { changes } of this.#steps) for (const change of changes) last.set(change.key, change);
    const step = { revision: this.#machine.revision, changes: [...last.values()], bytes: this.#dirtyBytes };
    this.#steps = [step];
    this.#changes = step.changes.length;
  }

  #head(): Head {
    const { appliedIndex, timeMs } = this.#progress();
    const { revision, leases } = this.#machine;
    return {
      owner: this.#options.owner,
      applied: appliedIndex,
      timeMs,
      revision,
      nextGrant: leases.nextGrant,
      sessions: this.#sessions.header(),
    };
  }

  /** Not of keys that have changed since: their rows are older. Goes around the keys in order, as a clock's hand does. */
  #dropValues(): void {
    const { keyspace } = this.#machine;
    const max = this.#options.hotBytesMax;
    if (keyspace.hotBytes <= max || this.#isReplacing || this.#rebuild !== undefined) return;
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
      if (!isHot(record) || record.valueBytes === 0 || record.modified > this.#revision) continue;
      victims.push(record);
      bytes += record.valueBytes;
    }
    for (const record of victims) keyspace.replace(record, cooled(record));
    return bytes;
  }
}
