/**
 * Opens a log as it was found: takes the newest checkpoint, walks the segments after it, and decides what to do with the place where they end.
 *
 *   sealed segments before the checkpoint    opened by their trailer
 *   segments from the checkpoint on          walked frame by frame; their frames make up state and index
 *   the end of the last one                  clean or torn: goes on there      corrupt: refused, or passed over if the operator wants that
 *
 * Indexes are made from frames and never believed about them. A segment that is missing in the middle, or whose first lsn is not the one due, counts
 * as corrupt too: records are gone that had been acknowledged.
 */
import { join } from 'node:path';
import { SluiceError } from '../base/errors.ts';
import { CHECKPOINT_NAMES, readCheckpoint } from './checkpoint.ts';
import { type CommitVisitor, type WalkVerdict, walkCommits } from './commit-walk.ts';
import { CONTROL, CONTROL_BYTES, type ControlOp, readControl } from './control.ts';
import { emptyFrameHeader, FRAME, FRAME_HEADER_BYTES, type FrameHeader, readFrame, viewOf } from './frame.ts';
import { forEachShard } from './frame-shards.ts';
import type { ActiveSegment, Journal } from './journal.ts';
import { sealSegment } from './seal.ts';
import { SealedSegment } from './sealed-segment.ts';
import { readSegmentEnds } from './segment-ends.ts';
import {
  isRewriteName,
  isSpareName,
  remainsAmong,
  SEGMENT_HEADER_BYTES,
  SEGMENT_TRAILER_BYTES,
  type SegmentHeader,
  type SegmentTrailer,
  segmentNumber,
} from './segment-file.ts';

export interface RecoveryReport {
  /** Segments and frames that were walked. */
  readonly segments: number;
  readonly frames: number;
  /** Bytes of a torn commit at the end that were cut off. */
  readonly tornBytes: number;
  /** What was lost, if the operator lets the log be served all the same. */
  readonly damages: readonly string[];
  /** Names in the directory that are not ours; left alone. */
  readonly strangers: readonly string[];
}

export interface Recovered {
  readonly report: RecoveryReport;
  readonly log: number;
  readonly nextLsn: number;
  /** Of the segment after the last. */
  readonly nextNumber: number;
  readonly spares: string[];
  /** Number of the segment that the checkpoint begins with; 0: there is none. */
  readonly checkpointed: number;
  /** Undefined: the directory held no log. */
  readonly active: ActiveSegment | undefined;
}

interface SegmentFound {
  readonly number: number;
  readonly path: string;
  readonly header: SegmentHeader;
  readonly trailer: SegmentTrailer | undefined;
  readonly size: number;
}

/** Of the first frame of a log. */
export const FIRST_LSN = 1;

export function recover(journal: Journal): Recovered {
  return new Recovery(journal).run();
}

class Recovery implements CommitVisitor {
  readonly #journal: Journal;
  readonly #op: ControlOp = { op: 0, kind: 0, shard: 0, value: 0 };
  readonly #damages: string[] = [];
  #segment = 0;
  /** The segment in hand has been compacted by key. */
  #hasHoles = false;
  #frames = 0;
  #tornBytes = 0;

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  run(): Recovered {
    const { disk, directory, random } = this.#journal.options;
    const names = disk.list(directory);
    const spares = names.filter(isSpareName);
    const isOurs = (name: string): boolean =>
      segmentNumber(name) !== undefined || isSpareName(name) || isRewriteName(name) || CHECKPOINT_NAMES.includes(name);
    const strangers = names.filter((name) => !isOurs(name));
    const found = this.#segments(names);
    this.#removeRemains(found, names);
    const log = found[0]?.header.log ?? Math.floor(random() * 2 ** 32);
    const report = (segments: number): RecoveryReport => ({
      segments,
      frames: this.#frames,
      tornBytes: this.#tornBytes,
      damages: this.#damages,
      strangers,
    });
    if (found.length === 0)
      return { report: report(0), log, nextLsn: FIRST_LSN, nextNumber: 1, spares, checkpointed: 0, active: undefined };
    const { first, checkpointed } = this.#startFrom(found, new Set(names), log);
    for (let i = 0; i < first; i++) this.#openSealed(found[i]!, found[i + 1]!);
    let last: { nextLsn: number; active: ActiveSegment | undefined } = { nextLsn: FIRST_LSN, active: undefined };
    for (let i = first; i < found.length; i++) last = this.#walk(found[i]!, found[i + 1]);
    const nextNumber = found.at(-1)!.number + 1;
    return { report: report(found.length - first), log, nextNumber, spares, checkpointed, ...last };
  }

  /** A rewriting of the front that was cut short left a file that is not whole, or segments that it had put into one already. */
  #removeRemains(found: SegmentFound[], names: readonly string[]): void {
    const { disk, directory } = this.#journal.options;
    const remains = found.splice(0, remainsAmong(found.map(({ header }) => header)));
    const paths = [...remains.map(({ path }) => path), ...names.filter(isRewriteName).map((name) => join(directory, name))];
    for (const path of paths) disk.remove(path);
    if (paths.length > 0) disk.syncDir(directory);
  }

  /** All segments of the directory in order, each with a sound header of the same log. */
  #segments(names: readonly string[]): SegmentFound[] {
    const { disk, directory } = this.#journal.options;
    const numbered = names.flatMap((name) => {
      const number = segmentNumber(name);
      return number === undefined ? [] : [{ name, number }];
    });
    numbered.sort((a, b) => a.number - b.number);
    const found: SegmentFound[] = [];
    for (const { name, number } of numbered) {
      const path = join(directory, name);
      const { header, trailer, size } = readSegmentEnds(disk, path);
      if (header === undefined || header.number !== number || (found[0] !== undefined && header.log !== found[0].header.log)) {
        throw new SluiceError(
          'SLUICE_STORAGE_FOREIGN',
          `${path} is not a segment of this log; move it away, or back to where it came from`,
        );
      }
      found.push({ number, path, header, trailer, size });
    }
    return found;
  }

  /** Loads the checkpoint; returns the index of the segment that is to be walked first. */
  #startFrom(
    found: readonly SegmentFound[],
    names: ReadonlySet<string>,
    log: number,
  ): { readonly first: number; readonly checkpointed: number } {
    const { disk, directory } = this.#journal.options;
    const { table, marks } = this.#journal;
    const place = readCheckpoint(disk, directory, names, table, marks, (candidate) => {
      const segment = found.find(({ number }) => number === candidate.segment);
      return candidate.log === log && segment?.header.startLsn === candidate.lsn;
    });
    if (place !== undefined)
      return { first: found.findIndex(({ number }) => number === place.segment), checkpointed: place.segment };
    const { header, path } = found[0]!;
    if (header.startLsn !== FIRST_LSN) {
      this.#damaged(
        `${directory} has no sound checkpoint, and its first segment ${path} begins at lsn ${header.startLsn}: shards of which it says nothing are lost`,
      );
    }
    return { first: 0, checkpointed: 0 };
  }

  /** A segment before the checkpoint. One whose footer is damaged is walked for its index alone. */
  #openSealed(segment: SegmentFound, next: SegmentFound): void {
    const { sealed } = this.#journal;
    const { trailer } = segment;
    if (trailer === undefined || !this.#footerIsSound(segment, trailer)) sealed.push(this.#rebuild(segment));
    else sealed.push(this.#sealed(segment, trailer));
    this.#follows(segment, sealed.at(-1)!.info.nextLsn, next.header.startLsn);
  }

  #follows({ path }: SegmentFound, endLsn: number, dueLsn: number): void {
    if (endLsn === dueLsn) return;
    this.#damaged(`${path}: the log up to lsn ${dueLsn} is missing from ${endLsn} on: commits are damaged, or a segment is gone`);
  }

  #sealed({ number, path, header, size }: SegmentFound, trailer: SegmentTrailer): SealedSegment {
    const { generation, createdAt, startLsn } = header;
    const { nextLsn, entries, footerAt, maxTimestamp } = trailer;
    const isCompacted = header.isCompacted === true;
    const info = { number, path, generation, createdAt, startLsn, nextLsn, entries, footerAt, maxTimestamp, size, isCompacted };
    return new SealedSegment(info, this.#journal.files, this.#journal.options.disk);
  }

  #footerIsSound({ path, size, header }: SegmentFound, trailer: SegmentTrailer): boolean {
    const { disk } = this.#journal.options;
    const { footerAt } = trailer;
    if (footerAt < SEGMENT_HEADER_BYTES || footerAt + FRAME_HEADER_BYTES + SEGMENT_TRAILER_BYTES > size) return false;
    const file = disk.open(path, 'read');
    try {
      const bytes = new Uint8Array(size - SEGMENT_TRAILER_BYTES - footerAt);
      disk.read(file, bytes, 0, bytes.length, footerAt);
      const frame = emptyFrameHeader();
      return (
        readFrame(bytes, viewOf(bytes), 0, bytes.length, frame) &&
        frame.type === FRAME.footer &&
        frame.generation === header.generation &&
        frame.recordCount === trailer.entries
      );
    } finally {
      disk.close(file);
    }
  }

  /** A sealed segment before the checkpoint has lost its footer: makes it again from the frames, which do not count for the state any more. */
  #rebuild(segment: SegmentFound): SealedSegment {
    const onlyIndex: CommitVisitor = { frame: (header, _bytes, view, ...place) => this.#index(header, view, ...place) };
    const { active, nextLsn } = this.#walkAll(segment, onlyIndex);
    return this.#seal(active, nextLsn);
  }

  #walk(segment: SegmentFound, next: SegmentFound | undefined): { nextLsn: number; active: ActiveSegment | undefined } {
    const { index, options, sealed } = this.#journal;
    const { trailer } = segment;
    const { active, nextLsn, verdict } = this.#walkAll(segment, this);
    if (next === undefined && trailer === undefined) {
      this.#cut(active, segment.size, verdict);
      // A process that was killed may have written it and not synced; from now on it counts as durable.
      options.disk.sync(active.file);
      return { nextLsn, active };
    }
    const dueLsn = next?.header.startLsn ?? trailer!.nextLsn;
    this.#follows(segment, nextLsn, dueLsn);
    if (trailer !== undefined && nextLsn === dueLsn && this.#footerIsSound(segment, trailer)) {
      options.disk.close(active.file);
      sealed.push(this.#sealed(segment, trailer));
      index.clear();
    } else {
      sealed.push(this.#seal(active, dueLsn));
    }
    return { nextLsn: dueLsn, active: undefined };
  }

  /** From the first commit to the last, past what is damaged in between if that is allowed. */
  #walkAll(segment: SegmentFound, visitor: CommitVisitor): { active: ActiveSegment; nextLsn: number; verdict: WalkVerdict } {
    const { disk } = this.#journal.options;
    const { path, header, number } = segment;
    const { generation, startLsn, createdAt } = header;
    const size = segment.trailer?.footerAt ?? segment.size;
    const file = disk.open(path, 'write');
    this.#segment = number;
    this.#hasHoles = header.isCompacted === true;
    let from = 0;
    let lsn = startLsn;
    for (;;) {
      const end = walkCommits(disk, file, { generation, from, lsn, size }, visitor);
      if (end.verdict !== 'corrupt') {
        const active = { number, path, file, generation, createdAt, startLsn, position: end.position };
        return { active, nextLsn: end.nextLsn, verdict: end.verdict };
      }
      this.#damaged(
        `${path} at byte ${end.position}: commits that were durable are damaged, the next sound one begins at ${end.resumeAt}`,
      );
      from = end.resumeAt;
      lsn = end.resumeLsn;
    }
  }

  /** Gives a segment whose frames have just been walked its footer. */
  #seal(segment: ActiveSegment, nextLsn: number): SealedSegment {
    const journal = this.#journal;
    const kept = journal.active;
    journal.active = segment;
    const sealed = sealSegment(journal, nextLsn);
    journal.active = kept;
    journal.index.clear();
    return sealed;
  }

  /** What is left of a torn commit must not lie behind the next one, which might be shorter. */
  #cut({ file, position }: ActiveSegment, size: number, verdict: WalkVerdict): void {
    if (verdict !== 'torn') return;
    const { disk } = this.#journal.options;
    this.#tornBytes += size - position;
    disk.truncate(file, position);
  }

  #damaged(what: string): void {
    if (this.#journal.options.onCorruption === 'refuse') {
      throw new SluiceError(
        'SLUICE_STORAGE_CORRUPT',
        `${what}. Nothing has been changed. Restore the directory from a replica or a backup, or set storage.on_corruption = "serve" to go on without the damaged part`,
      );
    }
    this.#damages.push(what);
  }

  frame(header: FrameHeader, _bytes: Uint8Array, view: DataView, body: number, bodyEnd: number, position: number): void {
    this.#frames++;
    if (header.type === FRAME.control) {
      for (let at = body; at + CONTROL_BYTES <= bodyEnd; at += CONTROL_BYTES) this.#control(view, at);
      return;
    }
    const bytes = header.type === FRAME.data ? 12 + view.getInt32(body + 8) : header.length - FRAME_HEADER_BYTES;
    forEachShard(header, view, body, bodyEnd, (shard, offset, span) => this.#recovered(shard, offset, span, bytes));
    this.#index(header, view, body, bodyEnd, position);
  }

  #index(header: FrameHeader, view: DataView, body: number, bodyEnd: number, position: number): void {
    const { table, index } = this.#journal;
    forEachShard(header, view, body, bodyEnd, (shard, offset, span) => {
      if (!table.has(shard) || table.oldestSegment(shard) > this.#segment) return;
      index.add(shard, position, header.length, offset, span, header.maxTimestamp);
    });
  }

  #recovered(shard: number, offset: number, span: number, bytes: number): void {
    const { table } = this.#journal;
    // Its creation is in the same commit, further on, or went with a checkpoint.
    if (!table.has(shard)) table.create(shard, offset, this.#segment);
    const end = table.end(shard);
    if (offset > end && !this.#hasHoles) this.#damages.push(`shard ${shard} has lost the offsets ${end} to ${offset - 1}`);
    if (offset + span > end) table.recovered(shard, offset + span, bytes);
  }

  #control(view: DataView, at: number): void {
    const op = this.#op;
    readControl(view, at, op);
    const { table, marks } = this.#journal;
    const { shard, kind, value } = op;
    switch (op.op) {
      case CONTROL.create:
        if (!table.has(shard)) table.create(shard, value, this.#segment);
        break;
      case CONTROL.trim:
        if (!table.has(shard)) break;
        marks.trim(shard, table.trim(shard, value));
        break;
      case CONTROL.drop:
        if (table.has(shard)) table.drop(shard);
        marks.drop(shard);
        break;
      case CONTROL.mark:
        if (table.has(shard)) marks.set(shard, kind, value);
        break;
      case CONTROL.unmark:
        marks.clear(shard, kind, value);
        break;
    }
  }
}
