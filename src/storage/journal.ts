/**
 * A log that holds the records of one shard or of many, in segment files of a directory of its own. One thread owns it; calls block for the disk.
 *
 *   append, appendFanOut, mark, trim … ──▶ staged in the tail ── commit ──▶ one write, one fdatasync ──▶ readable, and durable
 *
 *   directory/  0000000000000007.seg  sealed: footer with the index          checkpoint       state when the last segment was sealed
 *               0000000000000008.seg  active: index in memory                checkpoint.old   the one before
 *               spare-0000000000000003    retired segments, to be written again
 *
 * A commit that finds no room leaves everything as it was before it was staged. After any other failure of a write or of fdatasync nothing is known about
 * the file any more: the log is poisoned, takes nothing, and is good for reading until the process ends; what counts is found by the next recovery.
 */
import { assert } from '../base/assert.ts';
import { copyBytes } from '../base/bytes.ts';
import { SluiceError } from '../base/errors.ts';
import { COMMIT_BYTES_MAX, LOG_FILES_OPEN_MAX, LOG_TAIL_CHUNK_BYTES, RECORD_BATCH_BYTES_MAX } from '../base/limits.ts';
import { ActiveIndex } from './active-index.ts';
import { writeCheckpoint } from './checkpoint.ts';
import { CONTROL, ControlQueue } from './control.ts';
import { type Disk, errorCode } from './disk.ts';
import type { EngineError, ShardId, ShardStat } from './engine.ts';
import { forEachRecipient, GONE, setRecipientBase } from './fan-out.ts';
import { FileCache } from './file-cache.ts';
import { emptyFrameHeader, FRAME, FRAME_HEADER_BYTES, frameBytes, sealFrame, viewOf } from './frame.ts';
import { Front } from './front.ts';
import { type Mark, Marks } from './marks.ts';
import { Pins } from './pins.ts';
import { type RecoveryReport, recover } from './recovery.ts';
import { Runway } from './runway.ts';
import { sealSegment } from './seal.ts';
import type { SealedSegment } from './sealed-segment.ts';
import { ShardTable } from './shard-table.ts';
import { Spares } from './spares.ts';
import { type Chunk, Tail } from './tail.ts';

export interface JournalOptions {
  readonly disk: Disk;
  readonly directory: string;
  /** The one shard of a dedicated log; undefined for a shared one. */
  readonly only?: ShardId;
  /** A segment is sealed by the commit that reaches this. */
  readonly segmentBytes: number;
  /** Memory for the end of the log. */
  readonly tailBytes: number;
  /** Zeros that it writes ahead of itself, see runway.ts; 0: none. */
  readonly runwayBytes: number;
  /** Milliseconds since the epoch. */
  readonly wallClock: () => number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** What to do with a log of which the disk has lost or changed something: refuse to open it, or go on without that. */
  readonly onCorruption: 'refuse' | 'serve';
}

/** The segment that is being written. */
export interface ActiveSegment {
  readonly number: number;
  readonly path: string;
  readonly file: number;
  readonly generation: number;
  readonly createdAt: number;
  readonly startLsn: number;
  /** End of what is committed. */
  position: number;
}

interface Staged {
  readonly shard: ShardId;
  readonly offset: number;
  readonly span: number;
  readonly position: number;
  readonly length: number;
  /** What it counts for in the shard's size. */
  readonly bytes: number;
  readonly timestamp: number;
}

const BATCH_HEADER_BYTES = 61;

export class Journal {
  readonly options: JournalOptions;
  readonly table: ShardTable;
  readonly index: ActiveIndex;
  readonly marks: Marks = new Marks();
  readonly tail: Tail;
  readonly files: FileCache;
  readonly pins: Pins = new Pins();
  /** In order. */
  readonly sealed: SealedSegment[] = [];
  readonly front: Front;
  readonly spares: Spares;
  readonly recovery: RecoveryReport;
  active: ActiveSegment;
  readonly #log: number;
  readonly #controls = new ControlQueue();
  readonly #runway: Runway;
  readonly #header = emptyFrameHeader();
  #staged: Staged[] = [];
  #nextLsn: number;
  /** Everything below is durable. */
  #syncedLsn: number;
  #syncs = 0;
  #commit: { readonly chunk: Chunk; readonly at: number; readonly lsn: number; frames: number; bytes: number } | null = null;
  #poison: SluiceError | null = null;

  /** Opens the log of a directory, or begins one. Throws SLUICE_STORAGE_CORRUPT and SLUICE_STORAGE_FOREIGN, and what the disk throws. */
  constructor(options: JournalOptions) {
    this.options = options;
    const isSingle = options.only !== undefined;
    this.table = new ShardTable(options.only ?? 1);
    this.index = new ActiveIndex(this.table, isSingle);
    this.tail = new Tail(Math.min(LOG_TAIL_CHUNK_BYTES, options.tailBytes), options.tailBytes);
    this.files = new FileCache(options.disk, LOG_FILES_OPEN_MAX);
    this.#runway = new Runway(options.disk, options.runwayBytes);
    options.disk.makeDir(options.directory);
    const found = recover(this);
    this.recovery = found.report;
    this.#log = found.log;
    this.#nextLsn = found.nextLsn;
    this.#syncedLsn = found.nextLsn;
    this.spares = new Spares(options, found.spares);
    this.front = new Front(this, found.checkpointed);
    this.active = found.active ?? this.spares.begin(this.#log, found.nextNumber, found.nextLsn);
    this.#runway.begin(options.disk.size(this.active.file));
  }

  /** Number of the log, which all of its files have. */
  get log(): number {
    return this.#log;
  }

  get poisoned(): SluiceError | null {
    return this.#poison;
  }

  /** Bytes staged and not yet committed. */
  get stagedBytes(): number {
    return this.#commit?.bytes ?? 0;
  }

  get nextLsn(): number {
    return this.#nextLsn;
  }

  // ── Shards ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  create(shard: ShardId, start = 0): void {
    if (this.table.has(shard)) return;
    this.table.create(shard, start, this.active.number);
    this.#controls.add(CONTROL.create, 0, shard, start);
  }

  drop(shard: ShardId): void {
    if (!this.table.has(shard)) return;
    // What is staged for it goes with it: in the log it lies before the drop.
    if (this.#staged.length > 0) this.#staged = this.#staged.filter((staged) => staged.shard !== shard);
    this.table.drop(shard);
    this.marks.drop(shard);
    this.#controls.add(CONTROL.drop, 0, shard, 0);
  }

  trim(shard: ShardId, start: number): void {
    if (!this.table.has(shard)) return;
    const before = this.table.start(shard);
    const to = this.table.trim(shard, start);
    if (to === before) return;
    this.marks.trim(shard, to);
    this.#controls.add(CONTROL.trim, 0, shard, to);
  }

  /** Remembers a fact about a shard from the next commit on, see marks.ts. */
  mark(shard: ShardId, kind: number, value: number): void {
    this.#require(shard);
    this.marks.set(shard, kind, value);
    this.#controls.add(CONTROL.mark, kind, shard, value);
  }

  unmark(shard: ShardId, kind: number, value: number): void {
    if (!this.table.has(shard)) return;
    this.marks.clear(shard, kind, value);
    this.#controls.add(CONTROL.unmark, kind, shard, value);
  }

  marksOf(shard: ShardId): Mark[] {
    return this.marks.of(shard);
  }

  stat(shard: ShardId): ShardStat {
    this.#demand(shard);
    return this.table.stat(shard);
  }

  // ── Appending ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** See `Engine.append`. */
  append(shard: ShardId, expected: number, bytes: Uint8Array, from: number, to: number): number {
    this.#require(shard);
    const size = to - from;
    assert(size >= BATCH_HEADER_BYTES, 'a record batch has a header');
    this.#refuseOversize(size);
    const base = this.table.next(shard);
    if (expected >= 0 && expected !== base) {
      throw new SluiceError('SLUICE_STORAGE_OFFSET_MISMATCH', `shard ${shard} goes on at ${base}, not at ${expected}`);
    }
    const source = viewOf(bytes);
    const lastDelta = source.getInt32(from + 23);
    const maxTimestamp = Number(source.getBigInt64(from + 35));
    if (this.#controls.isPressing) this.#stageControls();
    const { chunk, at } = this.#reserve(size);
    const body = at + FRAME_HEADER_BYTES;
    chunk.bytes.set(bytes.subarray(from, to), body);
    chunk.view.setUint32(body, base / 2 ** 32);
    chunk.view.setUint32(body + 4, base % 2 ** 32);
    const header = this.#header;
    header.type = FRAME.data;
    header.shard = shard;
    header.baseOffset = base;
    header.lastOffsetDelta = lastDelta;
    header.recordCount = source.getInt32(from + 57);
    header.maxTimestamp = Math.max(0, maxTimestamp);
    this.#stage(shard, base, lastDelta + 1, size, this.#sealStaged(chunk, at, size));
    return base;
  }

  /**
   * Stages the body of a fan-out frame (fan-out.ts) and writes the offset that each recipient's first message gets into the copy. Recipients that are gone get
   * nothing. `messages`: how many the block holds. The base offsets, in order of the recipients, are passed to `assigned`; -1 for those that are gone.
   */
  appendFanOut(
    bytes: Uint8Array,
    from: number,
    to: number,
    messages: number,
    maxTimestamp: number,
    assigned: (shard: ShardId, baseOffset: number) => void,
  ): void {
    this.#refuse();
    const size = to - from;
    this.#refuseOversize(size);
    if (this.#controls.isPressing) this.#stageControls();
    const { chunk, at } = this.#reserve(size);
    const body = at + FRAME_HEADER_BYTES;
    chunk.bytes.set(bytes.subarray(from, to), body);
    const recipients: { shard: ShardId; base: number }[] = [];
    const isSound = forEachRecipient(chunk.view, body, body + size, ({ shard }, place) => {
      const base = this.table.has(shard) ? this.table.next(shard) : -1;
      setRecipientBase(chunk.view, place, base < 0 ? GONE : base);
      recipients.push({ shard, base });
    });
    assert(isSound, 'a fan-out body is well formed');
    const header = this.#header;
    header.type = FRAME.fanOut;
    header.shard = 0;
    header.baseOffset = 0;
    header.lastOffsetDelta = messages - 1;
    header.recordCount = messages;
    header.maxTimestamp = maxTimestamp;
    const frame = this.#sealStaged(chunk, at, size);
    for (const { shard, base } of recipients) {
      if (base >= 0) this.#stage(shard, base, messages, frame.length - FRAME_HEADER_BYTES, frame);
      assigned(shard, base);
    }
  }

  /** Stages the body of an entry frame: one offset of its shard, which is returned. `entries` is for whoever looks at the log. */
  appendEntry(shard: ShardId, entries: number, bytes: Uint8Array, from: number, to: number): number {
    this.#require(shard);
    const size = to - from;
    this.#refuseOversize(size);
    if (this.#controls.isPressing) this.#stageControls();
    const { chunk, at } = this.#reserve(size);
    copyBytes(chunk.bytes, at + FRAME_HEADER_BYTES, bytes, from, to);
    const offset = this.table.next(shard);
    const header = this.#header;
    header.type = FRAME.entry;
    header.shard = shard;
    header.baseOffset = offset;
    header.lastOffsetDelta = 0;
    header.recordCount = entries;
    header.maxTimestamp = 0;
    const frame = this.#sealStaged(chunk, at, size);
    this.#stage(shard, offset, 1, frame.length - FRAME_HEADER_BYTES, frame);
    return offset;
  }

  /** See `Engine.commit`; `then` is called before this returns. */
  commit(sync: boolean, then: (error: EngineError) => void): void {
    if (this.#poison !== null) return then(this.#poison);
    try {
      this.#stageControls();
      if (this.#commit !== null) this.#write();
      if (sync && this.#syncedLsn < this.#nextLsn) this.#sync();
    } catch (error) {
      return then(this.#failed(error));
    }
    this.#apply();
    if (this.active.position >= this.options.segmentBytes) this.#roll();
    then(this.#poison ?? undefined);
  }

  // ── What is durable ────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The sync that makes durable what has been appended, trimmed, dropped and marked until now; see `isSettled`. */
  settledBy(): number {
    return this.#syncs + (this.#hasUnsynced ? 1 : 0);
  }

  /** That sync has been; it is made when nothing else will soon. */
  isSettled(sync: number): boolean {
    if (this.#syncs < sync && this.#poison === null && this.#commit === null && this.#controls.length === 0) {
      try {
        this.#sync();
      } catch (error) {
        this.#failed(error);
      }
    }
    return this.#syncs >= sync;
  }

  get #hasUnsynced(): boolean {
    return this.#commit !== null || this.#controls.length > 0 || this.#syncedLsn < this.#nextLsn;
  }

  /** Ends without a commit. */
  close(): void {
    this.tail.clear();
    this.files.closeAll();
    this.options.disk.close(this.active.file);
  }

  // ── Inside ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** To write to it. */
  #require(shard: ShardId): void {
    this.#refuse();
    this.#demand(shard);
  }

  #demand(shard: ShardId): void {
    if (!this.table.has(shard)) throw new SluiceError('SLUICE_STORAGE_UNKNOWN_SHARD', `there is no shard ${shard}`);
  }

  #refuse(): void {
    if (this.#poison !== null) throw this.#poison;
  }

  #refuseOversize(size: number): void {
    if (size > RECORD_BATCH_BYTES_MAX || this.stagedBytes + size > COMMIT_BYTES_MAX) {
      throw new SluiceError(
        'SLUICE_STORAGE_BATCH_TOO_LARGE',
        `${size} bytes at once; a batch may have ${RECORD_BATCH_BYTES_MAX}`,
      );
    }
  }

  /** Room for a frame in the commit that is being staged. */
  #reserve(bodyBytes: number): { chunk: Chunk; at: number } {
    if (this.#commit === null) {
      const chunk = this.tail.reserve(FRAME_HEADER_BYTES, this.active.number, this.active.position);
      this.#commit = { chunk, at: chunk.length, lsn: this.#nextLsn++, frames: 0, bytes: FRAME_HEADER_BYTES };
      chunk.length += FRAME_HEADER_BYTES;
    }
    const chunk = this.tail.reserve(frameBytes(bodyBytes), this.active.number, this.active.position + this.#commit.bytes);
    return { chunk, at: chunk.length };
  }

  /** Seals the frame whose body has been put into the room reserved; returns where it lies in the file. */
  #sealStaged(chunk: Chunk, at: number, bodyBytes: number): { position: number; length: number; timestamp: number } {
    const commit = this.#commit!;
    const header = this.#header;
    const length = frameBytes(bodyBytes);
    header.flags = 0;
    header.leaderEpoch = 0;
    header.generation = this.active.generation;
    header.lsn = this.#nextLsn++;
    sealFrame(chunk.bytes, chunk.view, at, bodyBytes, header);
    const position = this.active.position + commit.bytes;
    chunk.length += length;
    commit.frames++;
    commit.bytes += length;
    return { position, length, timestamp: header.maxTimestamp };
  }

  #stage(
    shard: ShardId,
    offset: number,
    span: number,
    bytes: number,
    frame: { position: number; length: number; timestamp: number },
  ): void {
    this.table.stage(shard, span);
    this.#staged.push({ shard, offset, span, bytes, ...frame });
  }

  #stageControls(): void {
    const { bytes, staged, length: end } = this.#controls;
    const length = end - staged;
    if (length === 0) return;
    this.#controls.staged = end;
    this.#controls.isPressing = false;
    const { chunk, at } = this.#reserve(length);
    chunk.bytes.set(bytes.subarray(staged, end), at + FRAME_HEADER_BYTES);
    const header = this.#header;
    header.type = FRAME.control;
    header.shard = 0;
    header.baseOffset = 0;
    header.lastOffsetDelta = 0;
    header.recordCount = 0;
    header.maxTimestamp = 0;
    this.#sealStaged(chunk, at, length);
  }

  #write(): void {
    const commit = this.#commit!;
    const header = this.#header;
    header.type = FRAME.commit;
    header.flags = 0;
    header.shard = commit.bytes;
    header.baseOffset = this.#syncedLsn;
    header.lastOffsetDelta = 0;
    header.recordCount = commit.frames;
    header.leaderEpoch = 0;
    header.generation = this.active.generation;
    header.maxTimestamp = 0;
    header.lsn = commit.lsn;
    sealFrame(commit.chunk.bytes, commit.chunk.view, commit.at, 0, header);
    for (const chunk of this.tail.unwritten()) {
      this.options.disk.write(this.active.file, chunk.bytes, chunk.written, chunk.length, chunk.base + chunk.written);
    }
    this.tail.allWritten();
    this.#runway.lengthen(this.active.file, this.active.position + commit.bytes, commit.bytes);
  }

  #sync(): void {
    this.options.disk.sync(this.active.file);
    this.#syncedLsn = this.#nextLsn;
    this.#syncs++;
  }

  #apply(): void {
    const commit = this.#commit;
    if (commit === null) return;
    this.#commit = null;
    this.active.position += commit.bytes;
    this.#controls.clear();
    for (const { shard, offset, span, position, length, bytes, timestamp } of this.#staged) {
      this.index.add(shard, position, length, offset, span, timestamp);
      this.table.committed(shard, offset + span, bytes);
    }
    this.#staged.length = 0;
  }

  /** A full disk undoes the commit; anything else ends the log. */
  #failed(error: unknown): SluiceError {
    if (errorCode(error) === 'ENOSPC' && this.tail.unwritten().length > 0) {
      this.#undo();
      return new SluiceError('SLUICE_STORAGE_FULL', `no space left for the log in ${this.options.directory}`, { cause: error });
    }
    this.#poison = new SluiceError(
      'SLUICE_STORAGE_FAILED',
      `the log in ${this.options.directory} cannot be written: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
    this.#undo();
    return this.#poison;
  }

  #undo(): void {
    for (let staged = this.#staged.pop(); staged !== undefined; staged = this.#staged.pop()) {
      this.table.unstage(staged.shard, staged.offset);
    }
    if (this.#commit !== null) this.#nextLsn = this.#commit.lsn;
    this.#commit = null;
    this.#controls.rollBack();
    this.tail.rollBack();
  }

  /** Seals the active segment and begins the next; between two commits, so that state and log agree. */
  #roll(): void {
    const { disk, directory } = this.options;
    try {
      if (this.#syncedLsn < this.#nextLsn) this.#sync();
      this.sealed.push(sealSegment(this, this.#nextLsn));
      this.index.clear();
      const number = this.active.number + 1;
      this.active = this.spares.begin(this.#log, number, this.#nextLsn);
      this.#runway.begin(disk.size(this.active.file));
      writeCheckpoint(disk, directory, { log: this.#log, segment: number, lsn: this.#nextLsn }, this.table, this.marks);
      this.front.checkpointed(number);
    } catch (error) {
      this.#poison = new SluiceError(
        'SLUICE_STORAGE_FAILED',
        `the log in ${directory} cannot begin a segment: ${error instanceof Error ? error.message : String(error)}`,
        { cause: error },
      );
    }
  }
}
