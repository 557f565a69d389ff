/**
 * Where a node's groups are kept: in its shared log, by the store's thread. What the groups write in a turn goes there as one record; the store puts it into the commit
 * that everything else of its turn is in, one write and one sync, and says when that is durable. A disk that hangs never holds the thread on which groups keep their time.
 *
 *   RaftNode ── write(batch) ──▶ record ── ring ──▶ store: entry frames, commit ── ring ──▶ answered ──▶ durable(batch)
 *
 * Records are numbered. A full disk undoes a commit; what is not durable is then sent again, in order, until there is room. Bounded by what groups have under way: a
 * leader resigns when its writes do not become durable, and groups state themselves anew only when what they stated before has freed its segments.
 */
import { assert } from '../../../base/assert.ts';
import { RAFT_FULL_RETRY_MS, RAFT_RECORD_BYTES, RAFT_RESTATE_BYTES_MAX, RAFT_RESTATE_GAIN_MIN } from '../../../base/limits.ts';
import type { KeptFront, StoreErrorCode } from '../../store/messages.ts';
import type { GroupWrite, NodeStorage, StorageListener } from '../storage.ts';
import { GroupLog } from './group-log.ts';
import { LogRecordBuilder } from './log-record.ts';

/** The way to the store. */
export interface StorePort {
  /** False: no room, nothing was sent. */
  send(record: Uint8Array): boolean;
  /** Once, when there is room again. */
  whenWritable(then: () => void): void;
  later(afterMs: number, then: () => void): void;
}

interface Trim {
  readonly group: number;
  readonly offset: number;
}

interface Unanswered {
  readonly record: Uint8Array;
  /** Durable with this record; 0: none. */
  readonly batch: number;
  /** Where logs begin when this record is durable. */
  readonly trims: readonly Trim[];
  /** Of groups that state themselves anew, or of where their logs begin after that. */
  readonly isRestated: boolean;
}

export class JournalStorage implements NodeStorage {
  readonly groups: Map<number, GroupLog>;
  readonly #store: StorePort;
  readonly #builder = new LogRecordBuilder();
  #listener: StorageListener | undefined;
  #nextNumber = 1;
  /** Handed over and not known to be durable, in order; the first `#sent` of them are on their way. */
  #queue: Unanswered[] = [];
  #sent = 0;
  #isWaitingForRoom = false;
  /** Some of what is on its way was refused: all answers are awaited, then all of it is sent again. */
  #isRefused = false;
  #isFull = false;
  #isFailed = false;
  /** Records in the queue that are `isRestated`. */
  #restating = 0;

  /** @param groups as recovered (recovery.ts) */
  constructor(store: StorePort, groups: Map<number, GroupLog> = new Map()) {
    this.#store = store;
    this.groups = groups;
  }

  listen(listener: StorageListener): void {
    this.#listener = listener;
  }

  isFull(): boolean {
    return this.#isFull;
  }

  write(batch: number, writes: readonly GroupWrite[]): void {
    let trims: Trim[] = [];
    for (const write of writes) {
      const log = this.#log(write.group);
      const before = log.startOffset;
      this.#builder.addWrite(write.group, log.place(write));
      if (log.startOffset > before) trims.push({ group: write.group, offset: log.startOffset });
      if (this.#builder.size < RAFT_RECORD_BYTES) continue;
      this.#enqueue(0, trims);
      trims = [];
    }
    // Even when nothing is left to say: the batch is durable when what came before is.
    this.#enqueue(batch, trims);
    this.#pump();
  }

  /**
   * Writes anew what groups need of the log, so that the segment which they keep can go: all of them or none, and only if the log is much longer than what all groups need. Before a group is asked again, the whole log
   * that is there now has gone: what is freed is at least RAFT_RESTATE_GAIN_MIN - 1 times what is written, and on an idle node it comes to an end. Not while that is under way: whoever asks sees
   * the old segment until it is done.
   */
  restate({ groups, logBytes }: KeptFront): void {
    if (this.#restating > 0 || !groups.every((group) => this.#mayRestate(group)) || !this.#isLong(logBytes)) return;
    let trims: Trim[] = [];
    for (const group of groups) {
      const log = this.groups.get(group)!;
      this.#builder.addWrite(group, log.restate());
      trims.push({ group, offset: log.startOffset });
      if (this.#builder.size < RAFT_RECORD_BYTES) continue;
      this.#enqueue(0, trims, true, true);
      trims = [];
    }
    if (trims.length > 0) this.#enqueue(0, trims, true, true);
    this.#pump();
  }

  /** The store's answer to the records of one commit: `code` when all of it has failed, else the result of each (store/messages.ts). */
  answered(code: StoreErrorCode | undefined, results: readonly number[]): void {
    if (this.#isFailed) return;
    if (code !== undefined && code !== 'SLUICE_STORAGE_FULL') {
      this.#isFailed = true;
      this.#listener?.failed(new Error(`${code}: the log of the groups cannot be written`));
      return;
    }
    let durable = 0;
    for (const result of results) {
      this.#sent--;
      if (code !== undefined || result < 0) {
        this.#isRefused = true;
        continue;
      }
      assert(!this.#isRefused, 'nothing is written behind what was refused');
      // There is room: the queue of a busy node is never empty.
      this.#isFull = false;
      durable = this.#settle(this.#queue.shift()!) || durable;
    }
    if (this.#isRefused && this.#sent === 0) this.#sendAgain();
    if (durable > 0) this.#listener?.durable(durable);
    this.#pump();
  }

  inspect(): unknown {
    return { waiting: this.#queue.length, sent: this.#sent, full: this.#isFull };
  }

  #mayRestate(group: number): boolean {
    const log = this.groups.get(group);
    return log !== undefined && log.restatedBytes <= RAFT_RESTATE_BYTES_MAX;
  }

  /** Much longer than what all groups need. */
  #isLong(logBytes: number): boolean {
    let left = logBytes / RAFT_RESTATE_GAIN_MIN;
    for (const log of this.groups.values()) {
      left -= log.restatedBytes;
      if (left < 0) return false;
    }
    return true;
  }

  #log(group: number): GroupLog {
    let log = this.groups.get(group);
    if (log === undefined) this.groups.set(group, (log = new GroupLog()));
    return log;
  }

  #enqueue(batch: number, trims: readonly Trim[], isSynced = true, isRestated = false): void {
    this.#queue.push({ record: this.#builder.take(this.#nextNumber++, isSynced), batch, trims, isRestated });
    if (isRestated) this.#restating++;
  }

  /** Only now, when what takes its place is durable, the beginning of a log may go. */
  #settle({ record, batch, trims, isRestated }: Unanswered): number {
    this.#builder.giveBack(record);
    if (isRestated) this.#restating--;
    if (trims.length > 0) {
      for (const { group, offset } of trims) this.#builder.addTrim(group, offset);
      this.#enqueue(0, [], false, isRestated);
    }
    return batch;
  }

  #pump(): void {
    if (this.#isRefused || this.#isWaitingForRoom || this.#isFailed) return;
    for (let next = this.#queue[this.#sent]; next !== undefined; next = this.#queue[this.#sent]) {
      if (!this.#store.send(next.record)) {
        this.#isWaitingForRoom = true;
        this.#store.whenWritable(() => {
          this.#isWaitingForRoom = false;
          this.#pump();
        });
        return;
      }
      this.#sent++;
    }
  }

  #sendAgain(): void {
    this.#isFull = true;
    this.#store.later(RAFT_FULL_RETRY_MS, () => {
      this.#isRefused = false;
      this.#pump();
    });
  }
}
