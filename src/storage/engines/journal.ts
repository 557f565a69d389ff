/**
 * The journal engines: record batches in our own logs. `SharedJournal` puts all shards into one log, one sync for all of them: for many. `DedicatedJournals` gives
 * each shard a log of its own, read in one sweep: for few. Both are thin: the work is journal.ts's.
 */
import { join } from 'node:path';
import { SluiceError } from '../../base/errors.ts';
import type { Engine, EngineError, ReadResult, ShardId, ShardStat } from '../engine.ts';
import { emptyFrameHeader, FRAME, FRAME_HEADER_BYTES, readFrameHeader, viewOf } from '../frame.ts';
import { Journal, type JournalOptions } from '../journal.ts';
import { readFrames } from '../journal-reader.ts';
import type { Mark } from '../marks.ts';
import { offsetForTime } from '../places.ts';

type ReadDone = (error: EngineError, result: ReadResult | undefined) => void;

export class SharedJournal implements Engine {
  readonly isDurable = true;
  readonly journal: Journal;

  constructor(options: JournalOptions) {
    this.journal = new Journal(options);
  }

  create(shard: ShardId, start?: number): void {
    this.journal.create(shard, start);
  }

  has(shard: ShardId): boolean {
    return this.journal.table.has(shard);
  }

  append(shard: ShardId, expected: number, bytes: Uint8Array, from: number, to: number): number {
    return this.journal.append(shard, expected, bytes, from, to);
  }

  commit(sync: boolean, then: (error: EngineError) => void): void {
    this.journal.commit(sync, then);
  }

  read(shard: ShardId, offset: number, bytesMax: number, then: ReadDone): void {
    readBatches(this.journal, shard, offset, bytesMax, then);
  }

  offsetForTime(shard: ShardId, timestampMs: number, then: (error: EngineError, offset: number) => void): void {
    findOffset(this.journal, shard, timestampMs, then);
  }

  trim(shard: ShardId, start: number): void {
    this.journal.trim(shard, start);
  }

  stat(shard: ShardId): ShardStat {
    return this.journal.stat(shard);
  }

  drop(shard: ShardId): void {
    this.journal.drop(shard);
  }

  shards(): Iterable<ShardId> {
    return this.journal.table.shards();
  }

  close(then: (error: EngineError) => void): void {
    this.journal.close();
    then(undefined);
  }
}

/** Directory of a log: its shard, and a number that grows when a shard of that number is made again. */
const DIRECTORY = /^(\d+)-(\d+)$/;

export class DedicatedJournals implements Engine {
  readonly isDurable = true;
  readonly #options: JournalOptions;
  readonly #journals = new Map<ShardId, Journal>();
  /** Logs with something staged. */
  readonly #dirty = new Set<Journal>();
  /** Logs of dropped shards, to be removed when that is on disk. */
  #dropped: Journal[] = [];
  #nextDirectory = 1;
  #failure: EngineError;

  /** Opens every log below `options.directory`. */
  constructor(options: JournalOptions) {
    this.#options = options;
    options.disk.makeDir(options.directory);
    const found = options.disk.list(options.directory).flatMap((name) => {
      const [, shard, number] = DIRECTORY.exec(name) ?? [];
      return shard === undefined ? [] : [{ name, shard: Number(shard), number: Number(number) }];
    });
    for (const { name, shard, number } of found.sort((a, b) => a.number - b.number)) {
      this.#nextDirectory = number + 1;
      const journal = this.#open(shard, name);
      const before = this.#journals.get(shard);
      if (before !== undefined) this.#remove(before); // dropped, and made again before that was on disk
      // One that was dropped, or made and never committed, has no shard.
      if (journal.table.has(shard)) this.#journals.set(shard, journal);
      else this.#remove(journal);
    }
  }

  create(shard: ShardId, start?: number): void {
    if (this.#journals.has(shard)) return;
    const journal = this.#open(shard, `${shard}-${this.#nextDirectory++}`);
    journal.create(shard, start);
    this.#journals.set(shard, journal);
    this.#dirty.add(journal);
  }

  has(shard: ShardId): boolean {
    return this.#journals.has(shard);
  }

  append(shard: ShardId, expected: number, bytes: Uint8Array, from: number, to: number): number {
    const journal = this.journal(shard);
    if (this.#failure !== undefined) throw this.#failure;
    const base = journal.append(shard, expected, bytes, from, to);
    this.#dirty.add(journal);
    return base;
  }

  commit(sync: boolean, then: (error: EngineError) => void): void {
    if (this.#failure !== undefined) return then(this.#failure);
    let failure: EngineError;
    for (const journal of this.#dirty) {
      journal.commit(sync, (error) => {
        failure ??= error;
        if (journal.poisoned !== null) this.#failure = error;
      });
    }
    this.#dirty.clear();
    if (failure === undefined) {
      for (const journal of this.#dropped) this.#remove(journal);
      this.#dropped = [];
    }
    then(failure);
  }

  read(shard: ShardId, offset: number, bytesMax: number, then: ReadDone): void {
    const journal = this.#journals.get(shard);
    if (journal === undefined) then(unknownShard(shard), undefined);
    else readBatches(journal, shard, offset, bytesMax, then);
  }

  offsetForTime(shard: ShardId, timestampMs: number, then: (error: EngineError, offset: number) => void): void {
    const journal = this.#journals.get(shard);
    if (journal === undefined) then(unknownShard(shard), 0);
    else findOffset(journal, shard, timestampMs, then);
  }

  trim(shard: ShardId, start: number): void {
    const journal = this.#journals.get(shard);
    if (journal === undefined) return;
    journal.trim(shard, start);
    this.#dirty.add(journal);
  }

  /** Facts about a shard, in the same commit as what is appended to it; see marks.ts. */
  mark(shard: ShardId, kind: number, value: number): void {
    const journal = this.journal(shard);
    journal.mark(shard, kind, value);
    this.#dirty.add(journal);
  }

  unmark(shard: ShardId, kind: number, value: number): void {
    const journal = this.journal(shard);
    journal.unmark(shard, kind, value);
    this.#dirty.add(journal);
  }

  marksOf(shard: ShardId): Mark[] {
    return this.journal(shard).marksOf(shard);
  }

  /** Shards that have marks. */
  *marked(): Generator<ShardId> {
    for (const [shard, { marks }] of this.#journals) if (marks.shards > 0) yield shard;
  }

  stat(shard: ShardId): ShardStat {
    return this.journal(shard).stat(shard);
  }

  drop(shard: ShardId): void {
    const journal = this.#journals.get(shard);
    if (journal === undefined) return;
    journal.drop(shard);
    this.#journals.delete(shard);
    this.#dirty.add(journal);
    this.#dropped.push(journal);
  }

  shards(): Iterable<ShardId> {
    return this.#journals.keys();
  }

  close(then: (error: EngineError) => void): void {
    for (const journal of this.#journals.values()) journal.close();
    then(undefined);
  }

  /** The log of a shard; throws SLUICE_STORAGE_UNKNOWN_SHARD. */
  journal(shard: ShardId): Journal {
    const journal = this.#journals.get(shard);
    if (journal === undefined) throw unknownShard(shard);
    return journal;
  }

  journals(): Iterable<Journal> {
    return this.#journals.values();
  }

  #open(shard: ShardId, name: string): Journal {
    return new Journal({ ...this.#options, only: shard, runwayBytes: 0, directory: join(this.#options.directory, name) });
  }

  #remove(journal: Journal): void {
    journal.close();
    const { disk, directory } = journal.options;
    for (const name of disk.list(directory)) disk.remove(join(directory, name));
    disk.removeDir(directory);
  }
}

function unknownShard(shard: ShardId): SluiceError {
  return new SluiceError('SLUICE_STORAGE_UNKNOWN_SHARD', `there is no shard ${shard}`);
}

function findOffset(
  journal: Journal,
  shard: ShardId,
  timestampMs: number,
  then: (error: EngineError, offset: number) => void,
): void {
  let offset: number;
  try {
    offset = offsetForTime(journal, shard, timestampMs);
  } catch (error) {
    return then(error instanceof Error ? error : new Error(String(error)), 0);
  }
  then(undefined, offset);
}

function readBatches(journal: Journal, shard: ShardId, offset: number, bytesMax: number, then: ReadDone): void {
  readFrames(journal, shard, offset, bytesMax, (error, frames) => {
    if (error !== undefined) return then(error, undefined);
    then(undefined, { batches: bodiesOf(frames), start: journal.table.start(shard), end: journal.table.end(shard) });
  });
}

/** Record batches without their frames, moved together in place. */
function bodiesOf(frames: Uint8Array): Uint8Array {
  const view = viewOf(frames);
  const header = emptyFrameHeader();
  let length = 0;
  for (let at = 0; readFrameHeader(view, at, frames.length, header); at += header.length) {
    if (header.type !== FRAME.data) continue;
    const body = at + FRAME_HEADER_BYTES;
    const end = body + 12 + view.getInt32(body + 8);
    frames.copyWithin(length, body, end);
    length += end - body;
  }
  return frames.subarray(0, length);
}
