/**
 * The storage of groups on the shared log, without threads: records go to the store's side when the bed says so, and answers come back likewise. Beside it the plain model,
 * a `DurableGroup` per group after each batch.
 */

import { DurableGroup } from '../../../src/actors/raft/durable-group.ts';
import type { Entry } from '../../../src/actors/raft/entry.ts';
import { JournalStorage } from '../../../src/actors/raft/journal/journal-storage.ts';
import { recoverGroups } from '../../../src/actors/raft/journal/recovery.ts';
import { NO_MEMBERSHIP, votersOnly } from '../../../src/actors/raft/membership.ts';
import type { GroupWrite, RecoveredGroup, SnapshotMeta } from '../../../src/actors/raft/storage.ts';
import { ShardNumbers } from '../../../src/actors/store/engines.ts';
import { STORE_REQUEST_BYTES, STORE_SYNC, type StoreErrorCode, type StoreMessage } from '../../../src/actors/store/messages.ts';
import { ReplicatedLogs } from '../../../src/actors/store/replicated-logs.ts';
import { Prng } from '../../../src/base/prng.ts';
import { SharedJournal } from '../../../src/storage/engines/journal.ts';
import type { JournalOptions } from '../../../src/storage/journal.ts';
import { readFrames } from '../../../src/storage/journal-reader.ts';
import { makeBatch } from '../../storage/batches.ts';
import { journalOptions } from '../../storage/journal-model.ts';
import type { SimDisk } from '../../storage/sim-disk.ts';

/** The store's side. */
export class LogStore {
  readonly shared: SharedJournal;
  readonly logs: ReplicatedLogs;
  readonly #numbers: ShardNumbers;
  #records: Uint8Array[] = [];
  /** Records that the ring holds; more are refused. */
  ringMax: number = Number.MAX_SAFE_INTEGER;
  #whenWritable: (() => void)[] = [];

  constructor(disk: SimDisk, seed: number, more: Partial<JournalOptions> = {}) {
    this.shared = new SharedJournal(journalOptions(disk, seed, more));
    this.#numbers = new ShardNumbers(this.shared);
    this.logs = new ReplicatedLogs(this.shared.journal, this.#numbers);
  }

  get waiting(): number {
    return this.#records.length;
  }

  send(record: Uint8Array): boolean {
    if (this.#records.length >= this.ringMax) return false;
    this.#records.push(record.slice());
    return true;
  }

  whenWritable(then: () => void): void {
    this.#whenWritable.push(then);
  }

  /** A turn of the store: everything that has come is staged, then one commit. `answer` hears of it. */
  turn(answer: (code: StoreErrorCode | undefined, results: readonly number[]) => void): void {
    const records = this.#records.splice(0);
    let isSynced = false;
    const results = records.map((record) => {
      const view = new DataView(record.buffer, record.byteOffset, record.byteLength);
      if ((record[5]! & STORE_SYNC) !== 0) isSynced = true;
      return this.logs.stage(view.getFloat64(8, true), record, view, STORE_REQUEST_BYTES, record.length);
    });
    this.shared.commit(isSynced, (error) => {
      this.logs.settled(error === undefined);
      const code =
        error === undefined ? undefined : ((error as unknown as { code: StoreErrorCode }).code ?? 'SLUICE_STORAGE_FAILED');
      answer(code, results);
    });
    for (const then of this.#whenWritable.splice(0)) then();
  }

  /** Other shards write too. */
  appendOther(fill: number): void {
    let shard = [...this.shared.shards()].find((one) => !this.logs.has(one));
    if (shard === undefined) this.shared.create((shard = this.#numbers.take()));
    this.shared.append(shard, -1, makeBatch(1, 65 + (fill % 26), 200), 0, 261);
  }

  ask(message: StoreMessage): Promise<unknown> {
    if (message.type === 'logs') return Promise.resolve(this.logs.list());
    if (message.type !== 'read') throw new Error('not asked');
    const { shard, offset, bytesMax } = message;
    return new Promise((resolve, reject) => {
      readFrames(this.shared.journal, shard, offset, bytesMax, (error, bytes) =>
        error === undefined ? resolve({ bytes, start: 0, end: 0 }) : reject(error),
      );
    });
  }
}

export interface GroupPicture {
  readonly hard: unknown;
  readonly snapshot: unknown;
  readonly compacted: unknown;
  readonly entries: readonly string[];
}

export function pictureOf({ hard, snapshot, compacted, entries }: RecoveredGroup): GroupPicture {
  return {
    hard: { ...hard },
    snapshot: { ...snapshot },
    compacted: { ...compacted },
    entries: entries.map(({ term, index, kind, data }) => `${term}.${index}.${kind}.${Buffer.from(data).toString('hex')}`),
  };
}

export function picturesOf(groups: Iterable<[number, RecoveredGroup]>): Map<number, GroupPicture> {
  return new Map([...groups].sort(([a], [b]) => a - b).map(([id, group]) => [id, pictureOf(group)]));
}

/** Groups that write as Raft does: entries, votes, truncation of what is not committed, snapshots with compaction, and snapshots that replace the log. */
export class WriterModel {
  readonly #prng: Prng;
  readonly groups: Map<number, DurableGroup> = new Map();
  readonly #entryBytesMax: number;
  #seq = 0;

  constructor(seed: number, groups: number, entryBytesMax = 60) {
    this.#prng = new Prng(seed);
    this.#entryBytesMax = entryBytesMax;
    for (let group = 1; group <= groups; group++) this.groups.set(group, new DurableGroup());
  }

  /** Goes on from what was recovered. */
  adopt(found: ReadonlyMap<number, RecoveredGroup>): void {
    for (const id of this.groups.keys()) {
      const group = new DurableGroup();
      const { hard, snapshot, compacted, entries } = found.get(id) ?? group;
      Object.assign(group, { hard: { ...hard }, snapshot, compacted: { ...compacted }, entries: [...entries] });
      this.groups.set(id, group);
    }
  }

  /** A turn's writes of some of the groups. */
  next(): GroupWrite[] {
    const writes: GroupWrite[] = [];
    for (const [id, group] of this.groups) {
      if (this.#prng.chance(0.4)) continue;
      const write = this.#write(id, group);
      group.apply(write);
      writes.push(write);
    }
    return writes;
  }

  #write(id: number, group: DurableGroup): GroupWrite {
    const prng = this.#prng;
    const { hard, lastIndex, compacted } = group;
    const base = { group: id, seq: ++this.#seq, snapshot: undefined, isReset: false, truncateFrom: 0, entries: [], compactTo: 0 };
    const choice = prng.below(10);
    if (choice === 0) return { ...base, hard: { ...hard, term: hard.term + 1, vote: prng.below(2 ** 31) * 1000 } };
    if (choice === 1 && hard.commit > group.snapshot.index) return this.#snapshot(base, group);
    if (choice === 2 && prng.chance(0.3)) return this.#reset(base, group);
    if (choice === 3 && lastIndex > hard.commit) {
      const from = hard.commit + 1 + (prng.chance(0.5) ? 0 : prng.below(lastIndex - hard.commit));
      const term = hard.term + 1;
      return { ...base, hard: { ...hard, term }, truncateFrom: from, entries: this.#entries(from, term, prng.below(4)) };
    }
    const entries = this.#entries(lastIndex + 1, hard.term, 1 + prng.below(4));
    const commit = Math.max(hard.commit, compacted.index) + prng.below(lastIndex - Math.max(hard.commit, compacted.index) + 1);
    return { ...base, hard: { ...hard, commit }, entries };
  }

  #snapshot(base: Omit<GroupWrite, 'hard'>, group: DurableGroup): GroupWrite {
    const { hard, snapshot, compacted } = group;
    const index = this.#prng.chance(0.5) ? hard.commit : snapshot.index + 1 + this.#prng.below(hard.commit - snapshot.index);
    const meta: SnapshotMeta = { index, term: group.term(index), membership: votersOnly([index, index + 1]) };
    const compactTo = this.#prng.chance(0.5) ? index : compacted.index + this.#prng.below(index - compacted.index + 1);
    return { ...base, hard, snapshot: meta, compactTo };
  }

  #reset(base: Omit<GroupWrite, 'hard'>, group: DurableGroup): GroupWrite {
    const index = Math.max(group.lastIndex, group.hard.commit) + 1 + this.#prng.below(5);
    const term = group.hard.term;
    const entries = this.#entries(index + 1, term, this.#prng.below(2));
    return {
      ...base,
      hard: { ...group.hard, commit: index },
      snapshot: { index, term, membership: NO_MEMBERSHIP },
      isReset: true,
      entries,
    };
  }

  #entries(from: number, term: number, count: number): Entry[] {
    return Array.from({ length: count }, (_, i) => ({
      term,
      index: from + i,
      kind: 0,
      data: Uint8Array.from({ length: this.#prng.below(this.#entryBytesMax) }, () => this.#prng.below(256)),
    }));
  }
}

/** A node's life: from what the disk has until the power goes. */
export class JournalBed {
  readonly disk: SimDisk;
  readonly writer: WriterModel;
  readonly prng: Prng;
  readonly #seed: number;
  readonly #more: Partial<JournalOptions>;
  store!: LogStore;
  storage!: JournalStorage;
  durable = 0;
  failed = false;
  /** After batch n of this life, by n; 0 is what was recovered. */
  pictures: Map<number, GroupPicture>[] = [];
  #later: (() => void)[] = [];
  /** Each life draws other generations for its files. */
  #lives = 0;

  constructor(disk: SimDisk, seed: number, groups = 4, more: Partial<JournalOptions> = {}) {
    this.disk = disk;
    this.#seed = seed;
    this.#more = more;
    this.prng = new Prng(seed);
    this.writer = new WriterModel(seed + 1, groups);
  }

  /** Opens what is there. Returns what was found. */
  async start(): Promise<Map<number, GroupPicture>> {
    this.store = new LogStore(this.disk, this.#seed + 1000 * ++this.#lives, this.#more);
    const groups = await recoverGroups((message) => this.store.ask(message));
    const port = {
      send: (record: Uint8Array) => this.store.send(record),
      whenWritable: (then: () => void) => this.store.whenWritable(then),
      later: (_ms: number, then: () => void) => this.#later.push(then),
    };
    const found = picturesOf(groups);
    this.writer.adopt(groups);
    this.storage = new JournalStorage(port, groups);
    this.storage.listen({
      durable: (batch) => {
        this.durable = batch;
      },
      failed: () => {
        this.failed = true;
      },
    });
    this.durable = 0;
    this.failed = false;
    this.pictures = [found];
    return found;
  }

  write(): void {
    this.storage.write(this.pictures.length, this.writer.next());
    this.pictures.push(picturesOf([...this.writer.groups].filter(([id]) => this.storage.groups.has(id))));
  }

  /** `meanwhile`: what is done between the commit and its answer. */
  turn(meanwhile: () => void = () => {}): void {
    this.store.turn((code, results) => {
      meanwhile();
      this.storage.answered(code, results);
    });
    for (const then of this.#later.splice(0)) then();
  }
}
