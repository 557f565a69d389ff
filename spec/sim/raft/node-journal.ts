/**
 * The storage of groups as real nodes have it, in the simulation: the real storage on the real log, a store that takes its turns on a disk's time, and answers that take theirs. Old segments go as in
 * a node, and groups that keep them state themselves anew.
 */
import { DurableGroup } from '../../../src/actors/raft/durable-group.ts';
import { GroupLog } from '../../../src/actors/raft/journal/group-log.ts';
import { JournalStorage } from '../../../src/actors/raft/journal/journal-storage.ts';
import { takeFrames } from '../../../src/actors/raft/journal/recovery.ts';
import type { GroupWrite, RaftStorage, RecoveredGroup, StorageListener } from '../../../src/actors/raft/storage.ts';
import { ShardNumbers } from '../../../src/actors/store/engines.ts';
import { STORE_REQUEST_BYTES, STORE_SYNC, type StoreErrorCode } from '../../../src/actors/store/messages.ts';
import { ReplicatedLogs } from '../../../src/actors/store/replicated-logs.ts';
import { isCoded } from '../../../src/base/errors.ts';
import type { Prng } from '../../../src/base/prng.ts';
import { SharedJournal } from '../../../src/storage/engines/journal.ts';
import { emptyFrameHeader, FRAME, readFrameHeader, viewOf } from '../../../src/storage/frame.ts';
import { readFrames } from '../../../src/storage/journal-reader.ts';
import { SEGMENT_HEADER_BYTES } from '../../../src/storage/segment-file.ts';
import type { SimDisk as ForgetfulDisk } from '../../storage/sim-disk.ts';
import { LogDisk } from './log-disk.ts';
import type { WalPorts } from './wal.ts';
import { CorruptWal } from './wal-codec.ts';

const DIRECTORY = '/log';
const SEGMENT_BYTES = 8 * 1024;
const ANSWER_MS = 0.05;
const KEEPERS_MAX = 64;
const READ_BYTES = 4096;

export class NodeJournal implements RaftStorage {
  /** What is durable, as far as the groups have heard. */
  readonly groups: Map<number, DurableGroup> = new Map();
  readonly recovered: ReadonlyMap<number, RecoveredGroup>;
  readonly #ports: WalPorts;
  readonly #disk: LogDisk;
  readonly #shared: SharedJournal;
  readonly #logs: ReplicatedLogs;
  readonly #storage: JournalStorage;
  #records: Uint8Array[] = [];
  #isBusy = false;
  #batches: { readonly batch: number; readonly writes: readonly GroupWrite[] }[] = [];

  /** Reads what is there: `CorruptWal` when that is damaged. */
  constructor(ports: WalPorts, files: ForgetfulDisk, prng: Prng, runwayBytes: number) {
    this.#ports = ports;
    this.#disk = new LogDisk(files, ports.disk);
    let now = 1_700_000_000_000;
    try {
      this.#shared = new SharedJournal({
        disk: this.#disk,
        directory: DIRECTORY,
        segmentBytes: SEGMENT_BYTES,
        tailBytes: 64 * 1024,
        runwayBytes,
        wallClock: () => now++,
        random: () => prng.next(),
        onCorruption: 'refuse',
      });
    } catch (error) {
      if (isCoded(error)) throw new CorruptWal(error.message);
      throw error;
    }
    this.#logs = new ReplicatedLogs(this.#shared.journal, new ShardNumbers(this.#shared));
    const logs = new Map(
      this.#logs.list().logs.flatMap(({ group, ...shard }) => (shard.end > shard.start ? [[group, this.#read(shard)]] : [])),
    );
    this.recovered = logs;
    for (const [id, log] of logs) this.groups.set(id, copyOf(log));
    this.#storage = new JournalStorage(
      {
        send: (record) => this.#send(record),
        whenWritable: () => {},
        later: (ms, then) => ports.later(ms, then),
      },
      logs,
    );
  }

  listen(listener: StorageListener): void {
    this.#storage.listen({
      durable: (batch) => {
        while (this.#batches.length > 0 && this.#batches[0]!.batch <= batch) {
          for (const write of this.#batches.shift()!.writes) this.#group(write.group).apply(write);
        }
        listener.durable(batch);
      },
      failed: (error) => listener.failed(error),
    });
  }

  isFull(): boolean {
    return this.#storage.isFull() || this.#ports.disk.faults.isFull;
  }

  write(batch: number, writes: readonly GroupWrite[]): void {
    this.#batches.push({ batch, writes });
    this.#storage.write(batch, writes);
  }

  #send(record: Uint8Array): boolean {
    this.#records.push(record.slice());
    if (!this.#isBusy) this.#begin();
    return true;
  }

  #begin(): void {
    this.#isBusy = true;
    this.#ports.later(this.#ports.disk.syncMs(), () => this.#turn());
  }

  #turn(): void {
    const records = this.#records;
    this.#records = [];
    let isSynced = false;
    const results = records.map((record) => {
      const view = viewOf(record);
      if ((record[5]! & STORE_SYNC) !== 0) isSynced = true;
      return this.#logs.stage(view.getFloat64(8, true), record, view, STORE_REQUEST_BYTES, record.length);
    });
    this.#shared.commit(isSynced, (error) => {
      this.#logs.settled(error === undefined);
      const code = error === undefined ? undefined : isCoded(error) ? (error.code as StoreErrorCode) : 'SLUICE_STORAGE_FAILED';
      if (this.#disk.crashed === undefined) this.#ports.later(ANSWER_MS, () => this.#storage.answered(code, results));
    });
    if (this.#disk.crashed === undefined && this.#shared.journal.poisoned === null) this.#collect();
    // The log takes it for an error of the disk; the process has died there.
    if (this.#disk.crashed !== undefined) throw this.#disk.crashed;
    if (this.#records.length > 0) this.#begin();
    else this.#isBusy = false;
  }

  #collect(): void {
    const { journal } = this.#shared;
    journal.front.collect();
    const keepers = journal.front.keepers(KEEPERS_MAX) ?? new Set();
    const groups = [...keepers].flatMap((shard) => this.#logs.groupOf(shard) ?? []);
    // Whatever it costs: this is here for what may go wrong.
    const kept = { groups, logBytes: Number.POSITIVE_INFINITY };
    if (groups.length > 0) this.#ports.later(ANSWER_MS, () => this.#storage.restate(kept));
  }

  #read({ shard, start, end }: { readonly shard: number; readonly start: number; readonly end: number }): GroupLog {
    const log = new GroupLog(start);
    while (log.nextOffset < end) {
      readFrames(this.#shared.journal, shard, log.nextOffset, READ_BYTES, (error, frames) => {
        if (error !== undefined) throw new CorruptWal(error.message);
        takeFrames(log, frames);
      });
    }
    return log;
  }

  #group(id: number): DurableGroup {
    let group = this.groups.get(id);
    if (group === undefined) this.groups.set(id, (group = new DurableGroup()));
    return group;
  }
}

function copyOf({ hard, snapshot, compacted, entries }: RecoveredGroup): DurableGroup {
  return Object.assign(new DurableGroup(), { hard, snapshot, compacted: { ...compacted }, entries: [...entries] });
}

/** Turns a bit over in something that is durable, with a later commit behind it that says so. False: there is no such thing. */
export function damageLog(files: ForgetfulDisk, prng: Prng): boolean {
  const newest = files
    .paths()
    .filter((path) => path.endsWith('.seg'))
    .at(-1);
  if (newest === undefined) return false;
  const bytes = files.bytes(newest);
  const view = viewOf(bytes);
  const header = emptyFrameHeader();
  const commits: { readonly at: number; readonly end: number; readonly lsn: number; readonly synced: number }[] = [];
  const generation = view.getUint32(8, true);
  for (let at = SEGMENT_HEADER_BYTES; readFrameHeader(view, at, bytes.length, header) && header.generation === generation; ) {
    if (header.type !== FRAME.commit || at + header.shard > bytes.length) break;
    commits.push({ at, end: at + header.shard, lsn: header.lsn, synced: header.baseOffset });
    at += header.shard;
  }
  const proven = commits.filter(({ lsn }) => commits.some((later) => later.lsn > lsn && later.synced > lsn));
  const victim = proven[prng.below(Math.max(1, proven.length))];
  if (victim === undefined) return false;
  bytes[victim.at + prng.below(victim.end - victim.at)]! ^= 1 << prng.below(8);
  return true;
}
