/**
 * Compacts the front of a log of one shard: of each key in its sealed segments the last record stays, and they become one segment, as in front-rewrite.ts. Appends and reads go on meanwhile; offsets stay.
 *
 *   7.seg  8.seg  9.seg  10.seg …            index:  the last offset of each key of a slice, a page a job
 *   abab   caab   bcac   ▓▓▓▓                count:  how many batches stay, so that the first lsn is known
 *                                            write:  what stays, into rewrite-9, with lsns that end where 10.seg begins; sync
 *   └─── b c a: 9.seg ──┘ 10.seg …           swap:   renamed over 9.seg; 7 and 8 go
 *
 * The last sealed segment and the active one are left alone. A crash leaves the log as it was, or compacted, in some of the slices: the name is what counts, and recovery removes what is left of the other. The swap waits for the sync that
 * makes durable what has been trimmed of the front. The header says that the
 * offsets of the segment have holes. The last batch stays in any case, so that there is none before the next segment.
 *
 * The work on records is done by jobs elsewhere; here pages are read and written, COMPACTION_PAGE_BYTES at a time. Bound: COMPACTION_KEYS_MAX keys in memory. More keys are divided into slices by their digests, and
 * the front is compacted once for each slice. What stays becomes one segment, of COMPACTED_BYTES_MAX and COMPACTED_ENTRIES_MAX at most: the front ends before the segment that would not fit.
 */
import { join } from 'node:path';
import { assert } from '../../base/assert.ts';
import {
  COMPACTED_BYTES_MAX,
  COMPACTED_ENTRIES_MAX,
  COMPACTION_DIRTY_MIN,
  COMPACTION_KEYS_MAX,
  COMPACTION_PAGE_BYTES,
} from '../../base/limits.ts';
import type { ShardId } from '../engine.ts';
import { emptyFrameHeader, FRAME, FRAME_HEADER_BYTES, frameBytes, readFrame, sealFrame, viewOf } from '../frame.ts';
import type { Journal } from '../journal.ts';
import { LiveEntries } from '../live-entries.ts';
import { baseOffsetOf, batchBytes, lastOffsetOf, maxTimestampOf, readHeader } from '../record-batch.ts';
import { encodeSegmentEnd } from '../seal.ts';
import { type IndexEntry, SealedSegment } from '../sealed-segment.ts';
import { encodeSegmentHeader, rewriteName, SEGMENT_HEADER_BYTES } from '../segment-file.ts';
import type { Compaction } from './compact.ts';
import type { CompactionJob, CompactionResult } from './job.ts';
import { KeyOffsets } from './key-offsets.ts';

/** Does a job, in a thread of a pool or at once. */
export type CompactionRunner = (job: CompactionJob) => Promise<CompactionResult>;

export interface LogCompactionOptions extends Compaction {
  readonly run: CompactionRunner;
  /** Resolves after a while: somebody still reads what is to be replaced, or what has been trimmed of it is not durable yet. */
  readonly pause: () => Promise<void>;
  /** The log is not to be touched any more. */
  readonly isCancelled: () => boolean;
  readonly keysMax?: number;
  readonly compactedBytesMax?: number;
}

export interface LogCompactionReport {
  /** That have become one; 0: what stays of those that are new would not fit into it. */
  readonly segments: number;
  readonly recordsBefore: number;
  readonly recordsAfter: number;
  readonly freedBytes: number;
}

/** Frames that lie behind each other in a segment. */
interface Page {
  readonly segment: SealedSegment;
  readonly from: number;
  readonly to: number;
}

/** Undefined: there was nothing to be done, or it has been given up; the log is as it was, or compacted in part. Throws what disk and jobs throw. */
export async function compactLog(
  journal: Journal,
  shard: ShardId,
  options: LogCompactionOptions,
): Promise<LogCompactionReport | undefined> {
  let front = worthwhile(journal);
  let all: LogCompactionReport | undefined;
  let slices = 1;
  for (let slice = 0; front.length > 0 && slice < slices; ) {
    const report = await compactFront(journal, shard, front, options, slice, slices);
    if (report === undefined) return all;
    if (report === 'too many keys') {
      slices *= 2;
      slice = 0;
      continue;
    }
    all = all === undefined ? report : together(all, report);
    if (report.segments === 0) break;
    // The next slice is that of the segment that it has become.
    front = journal.sealed.slice(0, 1);
    slice++;
  }
  return all;
}

async function compactFront(
  journal: Journal,
  shard: ShardId,
  front: readonly SealedSegment[],
  options: LogCompactionOptions,
  slice: number,
  slices: number,
): Promise<LogCompactionReport | 'too many keys' | undefined> {
  const keys = new KeyOffsets(options.keysMax ?? COMPACTION_KEYS_MAX, slice, slices);
  const work = new LogCompaction(journal, shard, front, options, keys);
  for (const { info } of front) journal.pins.add(info.number);
  try {
    return await work.run();
  } finally {
    work.end();
  }
}

function together(one: LogCompactionReport, next: LogCompactionReport): LogCompactionReport {
  const { segments, recordsBefore, freedBytes } = one;
  return { segments, recordsBefore, recordsAfter: next.recordsAfter, freedBytes: freedBytes + next.freedBytes };
}

/** The first segments, if enough of them has been written since they were compacted last. */
function worthwhile(journal: Journal): readonly SealedSegment[] {
  const front = journal.sealed.slice(0, journal.front.length);
  return isWorthwhile(front) ? front : [];
}

function isWorthwhile(front: readonly SealedSegment[]): boolean {
  let bytes = 0;
  let dirty = 0;
  for (const { info } of front) {
    const own = info.footerAt - SEGMENT_HEADER_BYTES;
    bytes += own;
    if (info.isCompacted !== true) dirty += own;
  }
  return dirty > 0 && dirty >= bytes * COMPACTION_DIRTY_MIN;
}

class LogCompaction {
  readonly #journal: Journal;
  readonly #shard: ShardId;
  readonly #options: LogCompactionOptions;
  /** Pinned. */
  readonly #pinned: readonly SealedSegment[];
  readonly #keys: KeyOffsets;
  readonly #entries = new LiveEntries();
  #front: readonly SealedSegment[];
  #file = -1;
  #path = '';
  #position = SEGMENT_HEADER_BYTES;
  #records = { before: 0, after: 0 };
  /** The sync that makes durable what the plan goes by (`Journal.isSettled`). */
  #settledBy = 0;

  constructor(
    journal: Journal,
    shard: ShardId,
    front: readonly SealedSegment[],
    options: LogCompactionOptions,
    keys: KeyOffsets,
  ) {
    this.#journal = journal;
    this.#shard = shard;
    this.#pinned = front;
    this.#front = front;
    this.#options = options;
    this.#keys = keys;
  }

  async run(): Promise<LogCompactionReport | 'too many keys' | undefined> {
    const indexed = await this.#index();
    if (indexed !== 'all') return indexed;
    const counted = await this.#count();
    if (counted === undefined) return undefined;
    const isShorter = this.#front.length < this.#pinned.length;
    if (isShorter && !isWorthwhile(this.#front)) return { segments: 0, recordsBefore: 0, recordsAfter: 0, freedBytes: 0 };
    return this.#write(counted.pages, counted.counts);
  }

  /** Lets everything go that is held. What has been begun and not swapped goes with it. */
  end(): void {
    const { disk } = this.#journal.options;
    for (const { info } of this.#pinned) this.#journal.pins.remove(info.number);
    try {
      if (this.#file >= 0) disk.close(this.#file);
      if (this.#path !== '') disk.remove(this.#path);
    } catch {
      // The next start removes it.
    }
  }

  get #isStale(): boolean {
    const { sealed, table, poisoned } = this.#journal;
    const isGone = this.#options.isCancelled() || poisoned !== null || !table.has(this.#shard);
    return isGone || this.#front.some((segment, i) => sealed[i] !== segment);
  }

  /** Notes the keys of the front. Undefined: given up. */
  async #index(): Promise<'all' | 'too many keys' | undefined> {
    for (const segment of this.#front) {
      for (const page of this.#pagesOf(segment)) {
        const batches = await this.#read(page);
        if (batches === undefined) return undefined;
        const end = lastOffsetOf(batches, lastBatchOf(batches)) + 1;
        const result = await this.#options.run({ do: 'index', keys: this.#keys.memory, batches });
        assert('notedTo' in result, 'a job answers what it was asked');
        if (result.notedTo < end) return 'too many keys';
      }
    }
    return 'all';
  }

  /** How many batches of each page stay; the front becomes shorter when what stays of it does not fit into one segment. Undefined: given up. */
  async #count(): Promise<{ readonly pages: readonly Page[]; readonly counts: readonly number[] } | undefined> {
    const bytesMax = this.#options.compactedBytesMax ?? COMPACTED_BYTES_MAX;
    const all = this.#front.map((segment) => this.#pagesOf(segment));
    this.#settledBy = this.#journal.settledBy();
    const last = all.flat().at(-1);
    const pages: Page[] = [];
    const counts: number[] = [];
    let bytes = 0;
    let entries = 0;
    for (const [i, ofSegment] of all.entries()) {
      const before = pages.length;
      for (const page of ofSegment) {
        const kept = await this.#rewrite(page, page === last);
        if (kept === undefined) return undefined;
        pages.push(page);
        counts.push(kept.length);
        entries += kept.length;
        bytes += kept.reduce((sum, { length }) => sum + frameBytes(length), FRAME_HEADER_BYTES);
      }
      if (bytes <= bytesMax && entries <= COMPACTED_ENTRIES_MAX) continue;
      this.#front = this.#front.slice(0, i);
      pages.length = before;
      counts.length = before;
      const end = pages.at(-1);
      if (end === undefined) break;
      const kept = await this.#rewrite(end, true);
      if (kept === undefined) return undefined;
      counts[before - 1] = kept.length;
      break;
    }
    return { pages, counts };
  }

  #pagesOf(segment: SealedSegment): Page[] {
    const pages: { segment: SealedSegment; from: number; to: number }[] = [];
    const entry: IndexEntry = { shard: 0, position: 0, length: 0, span: 0, timestamp: 0, offset: 0 };
    for (let i = 0; segment.entry(i, entry); i++) {
      if (!this.#journal.front.isWanted(entry, segment.info.number)) continue;
      const last = pages.at(-1);
      const end = entry.position + entry.length;
      if (last !== undefined && end - last.from <= COMPACTION_PAGE_BYTES) last.to = end;
      else pages.push({ segment, from: entry.position, to: end });
    }
    segment.release();
    return pages;
  }

  /** The batches of a page, one behind the other; undefined: it is not to go on. */
  async #read({ segment, from, to }: Page): Promise<Uint8Array | undefined> {
    const bytes = new Uint8Array(to - from);
    const { path } = segment.info;
    const { files, options } = this.#journal;
    const read = await new Promise<number>((resolve, reject) => {
      options.disk.readLater(files.hold(path), bytes, 0, bytes.length, from, (error, count) => {
        files.release(path);
        if (error === undefined) resolve(count);
        else reject(error);
      });
    });
    if (this.#isStale) return undefined;
    const view = viewOf(bytes);
    const header = emptyFrameHeader();
    let end = 0;
    for (let at = 0; at < bytes.length; at += header.length) {
      if (read < bytes.length || !readFrame(bytes, view, at, bytes.length, header)) {
        throw new Error(`${path}: the frame at byte ${from + at} is damaged`);
      }
      if (header.type !== FRAME.data) continue;
      const body = at + FRAME_HEADER_BYTES;
      const length = batchBytes(bytes, body);
      bytes.copyWithin(end, body, body + length);
      end += length;
    }
    return bytes.slice(0, end);
  }

  /** The batches of a page that stay, as they are to be. */
  async #rewrite(page: Page, isLast: boolean): Promise<Uint8Array[] | undefined> {
    const batches = await this.#read(page);
    if (batches === undefined) return undefined;
    const { run, nowMs, tombstoneMs } = this.#options;
    const result = await run({ do: 'rewrite', keys: this.#keys.memory, batches, compaction: { nowMs, tombstoneMs } });
    assert('batches' in result, 'a job answers what it was asked');
    if (this.#isStale) return undefined;
    this.#records.before += result.recordsBefore;
    this.#records.after += result.recordsAfter;
    const kept = split(result.batches);
    const last = batches.subarray(lastBatchOf(batches));
    const isThere = kept.length > 0 && lastOffsetOf(kept.at(-1)!, 0) === lastOffsetOf(last, 0);
    return isLast && !isThere ? [...kept, last] : kept;
  }

  async #write(pages: readonly Page[], counts: readonly number[]): Promise<LogCompactionReport | undefined> {
    const { directory, disk, random, wallClock } = this.#journal.options;
    const { number, path, nextLsn } = this.#front.at(-1)!.info;
    const commits = counts.filter((count) => count > 0).length;
    const startLsn = nextLsn - commits - counts.reduce((sum, count) => sum + count, 0);
    assert(startLsn >= this.#front[0]!.info.startLsn, 'fewer frames need fewer numbers');
    const generation = Math.floor(random() * 2 ** 32);
    const createdAt = wallClock();
    const rewritten = join(directory, rewriteName(number));
    this.#file = disk.open(rewritten, 'create');
    this.#path = rewritten;
    const header = { generation, log: this.#journal.log, number, startLsn, createdAt, isRewritten: true, isCompacted: true };
    const first = encodeSegmentHeader(header);
    disk.write(this.#file, first, 0, first.length, 0);
    this.#records = { before: 0, after: 0 };
    let lsn = startLsn;
    for (const [i, page] of pages.entries()) {
      const kept = await this.#rewrite(page, i === pages.length - 1);
      if (kept === undefined) return undefined;
      assert(kept.length === counts[i], 'a page is rewritten the same way twice');
      if (kept.length > 0) lsn = this.#writeCommit(kept, generation, lsn);
    }
    assert(lsn === nextLsn, 'it ends where the next segment begins');
    const order = this.#entries.order();
    const end = encodeSegmentEnd(this.#entries, order, { generation, position: this.#position }, nextLsn);
    disk.write(this.#file, end, 0, end.length, this.#position);
    await new Promise<void>((resolve, reject) => {
      disk.syncLater(this.#file, (error) => (error === undefined ? resolve() : reject(error)));
    });
    if (!(await this.#mayBeSwapped())) return undefined;
    let maxTimestamp = 0;
    for (const entry of order) maxTimestamp = Math.max(maxTimestamp, this.#entries.timestamp[entry]!);
    const info = {
      number,
      path,
      generation,
      createdAt,
      startLsn,
      nextLsn,
      entries: this.#entries.size,
      footerAt: this.#position,
      maxTimestamp,
      size: this.#position + end.length,
      isCompacted: true,
    };
    return this.#swap(new SealedSegment(info, this.#journal.files, disk));
  }

  /** Writes the batches as one commit; returns the lsn behind it. */
  #writeCommit(batches: readonly Uint8Array[], generation: number, lsn: number): number {
    const bytes = new Uint8Array(batches.reduce((sum, { length }) => sum + frameBytes(length), FRAME_HEADER_BYTES));
    const view = viewOf(bytes);
    let at = FRAME_HEADER_BYTES;
    for (const [i, batch] of batches.entries()) {
      bytes.set(batch, at + FRAME_HEADER_BYTES);
      const { count } = readHeader(batch, 0);
      const offset = baseOffsetOf(batch, 0);
      const span = lastOffsetOf(batch, 0) - offset + 1;
      const timestamp = Math.max(0, maxTimestampOf(batch, 0));
      const length = frameBytes(batch.length);
      sealFrame(bytes, view, at, batch.length, {
        ...emptyFrameHeader(),
        type: FRAME.data,
        shard: this.#shard,
        baseOffset: offset,
        lastOffsetDelta: span - 1,
        recordCount: count,
        maxTimestamp: timestamp,
        generation,
        lsn: lsn + 1 + i,
      });
      this.#entries.add({ shard: this.#shard, position: this.#position + at, length, span, timestamp, offset });
      at += length;
    }
    sealFrame(bytes, view, 0, 0, {
      ...emptyFrameHeader(),
      type: FRAME.commit,
      shard: bytes.length,
      baseOffset: lsn,
      recordCount: batches.length,
      generation,
      lsn,
    });
    this.#journal.options.disk.write(this.#file, bytes, 0, bytes.length, this.#position);
    this.#position += bytes.length;
    return lsn + 1 + batches.length;
  }

  /** Waits until the swap may be: what has not been copied must have ended on disk too, or a crash would bring back its beginning without it; and whoever reads the front has been told where it lies. */
  async #mayBeSwapped(): Promise<boolean> {
    for (;;) {
      if (this.#isStale) return false;
      if (this.#journal.isSettled(this.#settledBy) && this.#isUnread) return true;
      await this.#options.pause();
    }
  }

  get #isUnread(): boolean {
    const { pins } = this.#journal;
    for (const { info } of this.#pinned) pins.remove(info.number);
    const isRead = this.#front.some(({ info }) => pins.has(info.number));
    for (const { info } of this.#pinned) pins.add(info.number);
    return !isRead;
  }

  #swap(compacted: SealedSegment): LogCompactionReport {
    const { files, options } = this.#journal;
    const { path, size } = compacted.info;
    const front = this.#front;
    for (const { info } of front) files.close(info.path);
    options.disk.close(this.#file);
    this.#file = -1;
    options.disk.rename(this.#path, path);
    this.#path = '';
    options.disk.syncDir(options.directory);
    const freedBytes = front.reduce((sum, { info }) => sum + info.size, 0) - size;
    this.#journal.front.replace(front.length, compacted);
    const { before, after } = this.#records;
    return { segments: front.length, recordsBefore: before, recordsAfter: after, freedBytes };
  }
}

function lastBatchOf(batches: Uint8Array): number {
  let last = 0;
  for (let at = 0; at < batches.length; at += batchBytes(batches, at)) last = at;
  return last;
}

function split(batches: Uint8Array): Uint8Array[] {
  const all: Uint8Array[] = [];
  for (let at = 0; at < batches.length; at += batchBytes(batches, at)) {
    all.push(batches.subarray(at, at + batchBytes(batches, at)));
  }
  return all;
}
